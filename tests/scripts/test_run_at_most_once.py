"""Whoever dies, and wherever: a script has run at most once, and what became of it is told as the protocol says."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from bot.model import RunReport, RunSpec, RunState
from bot.scripts import rundir, supervisor

from . import stepping
from .conftest import World, processes_with, until

pytestmark = pytest.mark.real

FINISHED, NEVER_RAN, LOST = RunState.FINISHED, RunState.NEVER_RAN, RunState.LOST

#: Where the supervisor dies, what is found afterwards, and how often the script has run in the end.
SUPERVISOR = {
    "spec.read": (FINISHED, 1),
    "lock.private": (FINISHED, 1),
    "lock.held": (FINISHED, 1),
    "lock.linked": (NEVER_RAN, 0),
    "lock.taken": (NEVER_RAN, 0),
    "log.opened": (NEVER_RAN, 0),
    "starting.json.created": (NEVER_RAN, 0),
    "starting.json.written": (NEVER_RAN, 0),
    "starting.json.synced": (NEVER_RAN, 0),
    "starting.json.renamed": (LOST, 0),
    "starting.json.done": (LOST, 0),
    "script.started": (LOST, 1),
    "started.json.created": (LOST, 1),
    "started.json.written": (LOST, 1),
    "started.json.synced": (LOST, 1),
    "started.json.renamed": (LOST, 1),
    "started.json.done": (LOST, 1),
    "script.ended": (LOST, 1),
    "log.closed": (LOST, 1),
    "exit.json.created": (LOST, 1),
    "exit.json.written": (LOST, 1),
    "exit.json.synced": (LOST, 1),
    "exit.json.renamed": (FINISHED, 1),
    "exit.json.done": (FINISHED, 1),
}
#: Where the bot dies before the script begins: the next one starts it, or finds it running.
BOT_STARTING = (
    "directory.made",
    *(f"spec.json.{step}" for step in ("created", "written", "synced", "renamed", "done")),
    "directory.named",
    "supervisor.wanted",
    "supervisor.spawned",
)
BOT_GIVING_UP = {
    # Until the lock has its name, nothing is given up: the next bot, which knows of no cancellation, runs it.
    "lock.private": (FINISHED, 1),
    "lock.held": (FINISHED, 1),
    **dict.fromkeys(("lock.linked", "lock.taken", "abandoned.taken"), (NEVER_RAN, 0)),
    **dict.fromkeys(
        (f"exit.json.{step}" for step in ("created", "written", "synced", "renamed", "done")), (NEVER_RAN, 0)
    ),
}
BOT_JUDGING = ("verdict.held", *(f"exit.json.{step}" for step in ("created", "written", "synced", "renamed", "done")))


def supervise(world: World, spec: RunSpec, crash: str = "") -> subprocess.Popen[bytes]:
    """A supervisor of a directory that is ready, started by nobody in particular."""
    world.home.mkdir(exist_ok=True)
    directory = rundir.prepare(world.home, spec, grace_s=1.0)
    argv = [sys.executable, "-I", "-S", supervisor.__file__, str(directory)]
    environ = world.environ | {supervisor.CRASH: crash}
    return subprocess.Popen(argv, env=environ, start_new_session=True, stderr=subprocess.DEVNULL)


def bot(world: World, spec: RunSpec, crash: str = "", cancelled: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    order = world.folder / "order.json"
    order.write_text(json.dumps({"home": str(world.home), "spec": asdict(spec), "cancelled": cancelled}))
    program = str(Path(__file__).with_name("bot_process.py"))
    environ = world.environ | {supervisor.CRASH: crash, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, program, str(order)], env=environ, stdout=subprocess.PIPE)


async def orphans_end(world: World) -> None:
    await until(lambda: not processes_with(str(world.folder)))


async def settled(world: World, spec: RunSpec) -> RunReport:
    """What a bot finds that comes afterwards; a third one finds the same."""
    report = await world.over(spec)
    world.reports.clear()
    again = await world.over(spec, world.another())
    assert again == report
    await orphans_end(world)
    return report


@pytest.mark.parametrize("point", SUPERVISOR)
async def test_wherever_the_supervisor_dies_the_verdict_is_that_of_the_table(world: World, point: str):
    spec = world.spec(world.script(""))
    assert supervise(world, spec, point).wait() == -signal.SIGKILL
    await orphans_end(world)

    report = await settled(world, spec)

    assert (report.state, world.times_run) == SUPERVISOR[point]


@pytest.mark.parametrize("point", BOT_STARTING)
async def test_wherever_the_bot_dies_while_it_starts_a_script_the_next_one_sees_it_through(world: World, point: str):
    spec = world.spec(world.script("exit 5"))
    with bot(world, spec, point) as process:
        assert process.wait() == -signal.SIGKILL

    report = await settled(world, spec)

    assert (report.state, report.exit_code, world.times_run) == (FINISHED, 5, 1)


@pytest.mark.parametrize("point", BOT_GIVING_UP)
async def test_wherever_the_bot_dies_while_it_gives_up_a_run_nothing_runs_by_surprise(world: World, point: str):
    spec = world.spec(world.script(""))
    with bot(world, spec, point, cancelled=("run-1",)) as process:
        assert process.wait() == -signal.SIGKILL
    late = supervise(world, spec) if "lock" not in point else None

    report = await settled(world, spec)

    assert (report.state, world.times_run) == BOT_GIVING_UP[point]
    assert late is None or late.wait() == 0


@pytest.mark.parametrize("point", BOT_JUDGING)
async def test_wherever_the_bot_dies_while_it_judges_what_is_lost_stays_lost(world: World, point: str):
    spec = world.spec(world.script(""))
    assert supervise(world, spec, "script.started").wait() == -signal.SIGKILL
    await orphans_end(world)
    with bot(world, spec, point) as process:
        assert process.wait() == -signal.SIGKILL

    report = await settled(world, spec)

    assert (report.state, world.times_run) == (LOST, 1)


def test_every_crash_point_of_the_code_is_hit_by_a_test():
    named: set[str] = set()
    for module in ("supervisor", "rundir", "__init__"):
        source = Path(supervisor.__file__).with_name(f"{module}.py").read_text()
        named |= set(re.findall(r'crash\(f?"([^"]+)"\)', source))
    files = (supervisor.SPEC, supervisor.STARTING, supervisor.STARTED, supervisor.EXIT)
    points = {point.replace("{name}", file) for point in named for file in (files if "{" in point else ("",))}

    assert points == {*SUPERVISOR, *BOT_STARTING, *BOT_GIVING_UP, *BOT_JUDGING}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_between_every_two_system_calls_it_has_run_at_most_once(tmp_path: Path):
    """The kernel stops the supervisor before each system call, from the first that touches the run directory to its last."""
    first = _first_call_of_the_protocol(tmp_path / "calibration")
    seen: dict[RunState, int] = {}
    n = first
    with stepping.orphans_come_here() as wait_for_orphans:
        while verdict := _killed_before(n, tmp_path / str(n), wait_for_orphans):
            seen[verdict] = seen.get(verdict, 0) + 1
            n += 1

    assert set(seen) == {FINISHED, NEVER_RAN, LOST}
    # Should the tracing ever miss the calls, this says so.
    assert sum(seen.values()) >= 60, seen


def test_who_waits_for_orphans_does_not_wait_for_what_lived_before():
    """Other tests of this process may have a database running."""
    with subprocess.Popen(["sleep", "600"]) as neighbour, stepping.orphans_come_here() as wait_for_orphans:
        subprocess.run(["bash", "-c", "sleep 0.2 & disown"], check=True)

        wait_for_orphans()

        assert neighbour.poll() is None
        neighbour.kill()


@pytest.mark.slow
def test_stopped_between_every_two_system_calls_no_verdict_is_given_while_the_supervisor_lives(tmp_path: Path):
    """A look at each of those moments sees it come up, run and finish; were there a moment without the lock, it would be judged."""
    world = World(tmp_path)
    argv, spec = _order(world)
    seen: list[RunState] = []

    def look(call: int) -> None:
        state, _ = rundir.verdict(world.home / spec.id)
        if not seen or seen[-1] is not state:
            seen.append(state)

    assert not stepping.kill_before(1_000_000, argv, world.environ, look)

    assert seen == [RunState.WANTED, RunState.RUNNING, FINISHED]
    assert world.times_run == 1


def _first_call_of_the_protocol(folder: Path) -> int:
    folder.mkdir()
    world = World(folder)
    touched: list[int] = []

    def look(call: int) -> None:
        if not touched and len(list((world.home / "run-1").iterdir())) > 1:
            touched.append(call)

    argv, _ = _order(world)
    assert not stepping.kill_before(1_000_000, argv, world.environ, look)
    assert world.times_run == 1
    return touched[0] - 1


def _order(world: World) -> tuple[list[str], RunSpec]:
    spec = world.spec(world.script(""))
    world.home.mkdir()
    directory = rundir.prepare(world.home, spec, grace_s=1.0)
    return [sys.executable, "-I", "-S", supervisor.__file__, str(directory)], spec


def _killed_before(n: int, folder: Path, wait_for_orphans: Callable[[], None]) -> RunState | None:
    folder.mkdir()
    world = World(folder)
    argv, spec = _order(world)
    if not stepping.kill_before(n, argv, world.environ):
        return None
    wait_for_orphans()
    names = {path.name for path in (world.home / "run-1").iterdir()}
    ran = world.times_run

    report = asyncio.run(settled(world, spec))

    if "exit.json" in names:
        assert (report.state, ran) == (FINISHED, 1)
    elif "lock" not in names:
        assert (report.state, ran) == (FINISHED, 0)
        ran = 1
    elif "starting.json" not in names:
        assert (report.state, ran) == (NEVER_RAN, 0)
    else:
        assert report.state is LOST
        assert ran <= 1
    assert world.times_run == ran, f"it ran again after being killed before call {n}"
    return report.state


# ── Races ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_of_many_supervisors_that_start_at_once_one_runs_the_script(world: World):
    for number in range(5):
        spec = world.spec(world.script(""), id=f"run-{number}")
        world.home.mkdir(exist_ok=True)
        rundir.prepare(world.home, spec, grace_s=1.0)

        crowd = [supervise(world, spec) for _ in range(8)]

        assert [one.wait() for one in crowd] == [0] * 8
        assert world.times_run == number + 1
        assert (await world.over(spec)).exit_code == 0


async def test_two_bots_that_start_the_same_run_at_once_both_tell_of_one_execution(world: World):
    spec = world.spec(world.script("sleep 0.3; echo here; exit 4"))

    with bot(world, spec) as one, bot(world, spec) as other:
        told = [json.loads(process.communicate()[0].splitlines()[-1]) for process in (one, other)]

    assert told == [{"state": "finished", "exit_code": 4, "tail": ["here"]}] * 2
    assert world.times_run == 1


async def test_after_the_bot_was_killed_the_next_one_attaches_and_has_the_whole_log(world: World):
    gate = world.folder / "gate"
    script = world.script(f"echo before\nuntil [ -e {gate} ]; do sleep 0.05; done\necho after\nexit 9")
    spec = world.spec(script)
    with bot(world, spec) as process:
        while b"before" not in process.stdout.readline():
            assert process.poll() is None
        process.kill()

    await world.scripts.look([spec])
    await world.reported(lambda report: report.state is RunState.RUNNING and report.tail == ("before",))
    gate.touch()
    report = await world.reported(lambda report: report.over)

    assert (report.state, report.exit_code, report.tail) == (FINISHED, 9, ("before", "after"))
    assert world.log() == b"before\nafter\n"
    assert world.times_run == 1


async def test_a_supervisor_that_is_only_stopped_is_waited_for(world: World):
    spec = world.spec(world.script("sleep 0.2; echo done"))
    with supervise(world, spec) as process:
        await until((world.home / "run-1" / supervisor.STARTED).exists)
        process.send_signal(signal.SIGSTOP)
        await world.scripts.look([spec])
        await world.reported(lambda report: report.state is RunState.RUNNING)
        await asyncio.sleep(0.5)
        assert world.last().state is RunState.RUNNING

        process.send_signal(signal.SIGCONT)
        report = await world.reported(lambda report: report.over)

    assert (report.state, report.exit_code, world.times_run) == (FINISHED, 0, 1)


async def test_a_lost_run_says_whether_the_script_goes_on(world: World):
    spec = world.spec(world.script("exec sleep 300"))
    with supervise(world, spec) as process:
        await until((world.home / "run-1" / supervisor.STARTED).exists)
        process.kill()
        process.wait()

    report = await world.over(spec)

    assert report.state is LOST
    assert re.search(r"The script was still running as process \d+ when this was noticed\.", report.why)


async def test_a_supervisor_that_is_told_to_end_ends_the_script_and_writes_down_how(world: World):
    spec = world.spec(world.script("trap 'exit 6' TERM\necho up\nwhile :; do sleep 0.1; done"))
    with supervise(world, spec) as process:
        await until((world.home / "run-1" / supervisor.STARTED).exists)
        await world.scripts.look([spec])
        await world.reported(lambda report: report.tail == ("up",))
        process.terminate()

    report = await world.reported(lambda report: report.over)

    assert (report.state, report.exit_code, report.ended_by) == (FINISHED, 6, "cancel")
