"""What people get from a script: its output, its end, and a sentence when it could not run."""

import asyncio
import hashlib
import signal
import sys
from dataclasses import replace

import pytest

from bot.model import Progress, RunState

from .conftest import World, processes_with, until

pytestmark = pytest.mark.real


async def test_a_script_runs_once_and_its_whole_story_is_told(world: World):
    script = world.script(
        "echo ::group::Draining\n"
        "echo '::progress 1/2 api-1::'\n"
        "echo 'plain words'\n"
        "echo ::endgroup::\n"
        "echo '::warning::slow disk'\n"
        "echo '::error file=a.py,line=3::no route%0Ato host' >&2\n"
        "echo '::progress 2/2 api-2'\n"
        "echo '::notice::almost'\n"
        "exit 3"
    )

    report = await world.over(world.spec(script))

    assert (report.state, report.exit_code, report.signal, report.ended_by) == (RunState.FINISHED, 3, None, "")
    assert report.tail == ("Draining", "plain words", "almost")
    assert report.progress == Progress(done=2, of=2, text="api-2")
    assert (report.warnings, report.warning_count) == (("slow disk",), 1)
    assert (report.errors, report.error_count) == (("no route to host",), 1)
    assert report.log_sha256 == hashlib.sha256(world.log()).hexdigest()
    assert report.log_bytes == len(world.log())
    assert report.started_at <= report.finished_at
    assert world.times_run == 1


async def test_looking_again_and_again_runs_nothing_twice(world: World):
    spec = world.spec(world.script("sleep 0.3; echo done"))

    for _ in range(20):
        await world.scripts.look([spec])
        await asyncio.sleep(0.05)
    await world.over(spec)
    await world.over(spec, world.another())

    assert world.times_run == 1


async def test_the_log_is_told_while_it_grows(world: World):
    gate = world.folder / "gate"
    script = world.script(f"echo first\nuntil [ -e {gate} ]; do sleep 0.05; done\necho second")
    await world.scripts.look([world.spec(script)])

    await world.reported(lambda report: report.tail == ("first",) and report.state is RunState.RUNNING)
    gate.touch()

    report = await world.reported(lambda report: report.over)
    assert report.tail == ("first", "second")
    assert len(world.reports) <= 4 + report.duration_s


async def test_a_killed_script_is_told_apart_from_one_that_exits_137(world: World):
    killed = world.spec(world.script("kill -9 $$", "killed.sh"), id="killed")
    exits = world.spec(world.script("exit 137", "exits.sh"), id="exits")

    await world.scripts.look([killed, exits])

    report = await world.reported(lambda report: report.over, "killed")
    assert (report.exit_code, report.signal) == (None, signal.SIGKILL)
    report = await world.reported(lambda report: report.over, "exits")
    assert (report.exit_code, report.signal) == (137, None)


async def test_runs_of_another_host_are_left_alone(world: World):
    await world.scripts.look([world.spec(world.script(""), host="elsewhere")])
    await world.over(world.spec(world.script("", "other.sh"), id="run-2"))

    assert world.last("run-1") is None
    assert world.times_run == 1


async def test_a_script_sees_what_is_given_and_passed_and_nothing_else(world: World):
    world.environ |= {"TZ": "Europe/Berlin", "PASSED": "yes", "OTHER": "no", "TOKEN": "s3cret-token"}
    spec = world.spec(
        "/usr/bin/env", given={"TMINUS_VERSION": "1.2.3"}, passed=("PASSED", "ABSENT"), secrets=("TOKEN",)
    )

    await world.over(spec)

    seen = dict(line.split("=", 1) for line in world.log().decode().splitlines())
    assert seen.pop("PATH").startswith(f"{sys.prefix}/bin:")
    assert seen == {
        "HOME": str(world.folder),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "TZ": "Europe/Berlin",
        "PASSED": "yes",
        "TOKEN": "•••",
        "TMINUS_VERSION": "1.2.3",
    }
    assert b"s3cret-token" not in b"".join(
        path.read_bytes() for path in (world.home / "run-1").iterdir() if path.is_file()
    )


async def test_python_means_the_interpreter_of_the_bot(world: World):
    (world.folder / "tell.py").write_text("import sys; print(sys.prefix); import slack_sdk")

    report = await world.over(world.spec("python3", "tell.py"))

    assert (report.exit_code, report.tail) == (0, (sys.prefix,))


async def test_a_relative_program_is_relative_to_the_directory_of_the_run(world: World):
    world.script("pwd", "deploy.sh")

    report = await world.over(world.spec("./deploy.sh"))

    assert (report.exit_code, report.tail) == (0, (str(world.folder),))


@pytest.mark.parametrize(
    ("argv", "options", "why"),
    [
        (("./absent.sh",), {}, "absent.sh does not exist."),
        (("no-such-program-anywhere",), {}, "There is no program no-such-program-anywhere"),
        (("./folder",), {}, "folder is a directory, not a program."),
        (("./plain.txt",), {}, "plain.txt is not executable; `chmod +x` makes it so."),
        (("./bare",), {}, "bare is not a program; a script begins with a line such as #!/bin/sh."),
        (("./crlf.sh",), {}, "crlf.sh names an interpreter in its first line that does not exist here."),
        (("/bin/true",), {"cwd": "/no/such/place"}, "The directory /no/such/place does not exist."),
        ((), {}, "no program to run"),
        (("/bin/true",), {"id": "../escape"}, "no usable name"),
    ],
)
async def test_what_cannot_be_started_provably_never_ran_and_says_why(world: World, argv, options, why):
    (world.folder / "folder").mkdir()
    for name, text, mode in (("plain.txt", "x", 0o600), ("bare", "x\n", 0o700), ("crlf.sh", "#!/bin/sh\r\n", 0o700)):
        (world.folder / name).write_bytes(text.encode())
        (world.folder / name).chmod(mode)

    report = await world.over(world.spec(*argv, **options))

    assert report.state is RunState.NEVER_RAN
    assert why in report.why


async def test_a_supervisor_that_cannot_be_started_is_given_up_after_three_tries(world: World):
    scripts = world.another(python="/no/such/python")

    report = await world.over(world.spec(world.script("")), scripts)

    assert report.state is RunState.NEVER_RAN
    assert report.why == "The supervisor could not be started. /no/such/python: No such file or directory."
    # Also a bot whose interpreter is all right does not start it any more.
    assert (await world.over(world.spec(world.script("")))).state is RunState.NEVER_RAN
    assert world.times_run == 0


# ── Ending ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Ignores TERM, and has a child with a session of its own, orphaned twice, that ignores it too.
STUBBORN = "trap '' TERM\nsetsid -f bash -c 'trap \"\" TERM; sleep 300 & wait'\necho up\nwhile :; do sleep 1; done"


async def test_the_deadline_ends_every_process_of_a_script_that_ignores_term(world: World):
    script = world.script(STUBBORN)

    report = await world.over(world.spec(script, deadline_s=0.5))

    assert (report.state, report.exit_code, report.signal) == (RunState.FINISHED, None, signal.SIGKILL)
    assert report.ended_by == "deadline"
    assert report.duration_s >= 1.4
    await until(lambda: not processes_with(str(world.folder)))


async def test_a_cancelled_script_gets_the_time_to_put_things_right(world: World):
    script = world.script("trap 'echo putting back; exit 7' TERM\necho up\nwhile :; do sleep 0.1; done")
    spec = world.spec(script)
    await world.scripts.look([spec])
    await world.reported(lambda report: report.tail == ("up",))

    report = await world.over(spec, cancelled={"run-1"})

    assert (report.exit_code, report.ended_by) == (7, "cancel")
    assert report.tail[-1] == "putting back"


async def test_what_is_cancelled_before_it_began_never_runs(world: World):
    report = await world.over(world.spec(world.script("")), cancelled={"run-1"})

    assert (report.state, report.ended_by) == (RunState.NEVER_RAN, "cancel")
    assert report.why == "It was cancelled before it began."
    assert world.times_run == 0


async def test_a_service_that_the_script_leaves_running_is_left_alone(world: World):
    script = world.script("sleep 300 &\necho $!")

    report = await world.over(world.spec(script))

    assert report.exit_code == 0
    assert int(report.tail[0]) in processes_with(str(world.folder))


# ── Output ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_hundred_megabytes_do_not_block_the_script_and_are_cut_short_visibly(world: World):
    script = world.script("yes '0123456789 0123456789 0123456789 0123456789' | head -c 100000000\necho; echo the end")

    report = await world.over(world.spec(script, log_limit=1_000_000))

    assert (report.exit_code, report.truncated) == (0, True)
    assert len(world.log()) < 1_100_000
    assert "── Cut short: the log reached its limit of 1,000,000 bytes; the script goes on. ──".encode() in world.log()
    assert report.tail[-1] == "the end"
    assert report.log_sha256 == hashlib.sha256(world.log()).hexdigest()


async def test_binary_output_does_no_harm(world: World):
    report = await world.over(world.spec(world.script("head -c 300000 /dev/urandom; printf '\\x00\\x1b[31m\\xff\\n'")))

    assert report.exit_code == 0
    assert report.log_bytes == 300_008
    assert all(len(line) <= 300 and (line.isprintable() or "\u200d" in line) for line in report.tail)


async def test_a_full_disk_costs_the_log_and_not_the_script(world: World):
    full = world.folder / "python"
    full.write_text(f'#!/bin/bash\nulimit -f 64\nexec {sys.executable} "$@"\n')
    full.chmod(0o700)

    report = await world.over(
        world.spec(world.script("yes | head -c 3000000; exit 4")), world.another(python=str(full))
    )

    assert (report.state, report.exit_code, report.truncated) == (RunState.FINISHED, 4, True)
    assert report.why == "The log is not complete: File too large."
    assert report.log_bytes == len(world.log()) == 65_536


async def test_the_deadline_also_ends_a_script_that_never_stops_printing(world: World):
    report = await world.over(world.spec(world.script("yes"), deadline_s=1.0, log_limit=100_000))

    assert (report.signal, report.ended_by, report.truncated) == (signal.SIGTERM, "deadline", True)


async def test_secrets_and_masks_never_reach_the_disk(world: World):
    world.environ |= {"TOKEN": "tok-en/with=signs", "PIN": "123"}
    script = world.script(
        'printf %s "${TOKEN:0:7}"; sleep 0.2; echo "${TOKEN:7} and $PIN"\n'
        "printf '%s' '::add-mask::late'; sleep 0.2; echo ly-known\n"
        "echo it is lately-known now\n"
        'printf %s "$TOKEN" | base64'
    )

    await world.over(world.spec(script, secrets=("TOKEN", "PIN")))

    assert world.log().decode() == "••• and 123\n::add-mask::•••\nit is ••• now\n•••=\n"


async def test_a_run_that_had_begun_is_lost_when_its_directory_is_gone(world: World):
    report = await world.over(world.spec(world.script("")), begun={"run-1"})

    assert report.state is RunState.LOST
    assert "directory is gone" in report.why
    assert (await world.over(world.spec(world.script("")), world.another())).state is RunState.LOST
    assert world.times_run == 0


async def test_a_directory_of_another_run_is_not_taken_for_this_one(world: World):
    await world.over(world.spec(world.script("")))
    other = replace(world.spec(world.script("", "other.sh")), given={"TMINUS_VERSION": "2.0.0"})

    report = await world.over(other, world.another())
    await until(lambda: world.last().state is RunState.NEVER_RAN)

    assert "belongs to another run" in world.last().why
    assert report is not None
    assert world.times_run == 1
