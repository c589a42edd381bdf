"""What a watch tells of a service that is well, stopped, slow or wrong, and of itself when it could not measure."""

import asyncio
import itertools
import os
import shutil
import signal

import pytest

from .conftest import GENEROUS_S, World

pytestmark = pytest.mark.real


async def test_of_a_service_that_is_well_nothing_is_lost_and_the_service_counted_the_same(world: World):
    service = await world.service()
    await world.watches.look([world.spec()])
    await world.reported(lambda report: report.alive and report.baseline.probes >= 30)

    report = await world.stopped()

    window = report.baseline
    assert (window.lost, window.errors, window.longest_gap_s, report.down_s) == (0, 0, 0, 0)
    # What is under way when the prober ends may not be waited for.
    assert window.probes <= len(service.answered) <= window.probes + 2
    assert 0 < window.p50_s <= window.p95_s <= window.p99_s < GENEROUS_S
    assert window.lag_p95_s is not None
    assert (report.problem, report.last_error) == ("", "")
    assert window.from_at < window.to_at
    assert world.probers() == []


async def test_a_stop_of_known_length_is_the_longest_gap(world: World):
    service = await world.service()
    await world.watches.look([world.spec()])
    await world.reported(lambda report: report.baseline.probes >= 10)
    await world.watches.deploying("watch-1", still=True)
    await world.reported(lambda report: report.since.probes >= 10)

    service.stop()
    down = asyncio.get_running_loop().time()
    report = await world.reported(lambda report: report.down_s >= 1.5)
    assert report.last_error == f"{service.address}: connection refused"
    assert report.recent.lost > 10
    await service.start()
    down_s = asyncio.get_running_loop().time() - down
    await world.reported(lambda report: report.down_s == 0 and report.recent.probes > report.recent.lost + 40)
    report = await world.stopped()

    window = report.since
    assert report.baseline.lost == 0
    assert window.lost >= 20
    assert len(service.answered) - 2 <= report.baseline.probes + window.probes - window.lost <= len(service.answered)
    silent_s = max(b - a for a, b in zip(service.answered, service.answered[1:], strict=False))
    assert down_s - 0.5 <= window.longest_gap_s <= silent_s + 0.5
    assert report.problem == ""


async def test_one_of_two_members_that_fails_is_lost_probes_and_no_downtime(world: World):
    one, other = await world.service(), await world.service()
    await world.watches.look([world.spec()])
    await world.reported(lambda report: report.baseline.probes >= 10)

    one.stop()
    report = await world.reported(lambda report: report.baseline.lost >= 10 and report.recent.longest_gap_s >= 1)

    assert report.down_s == 0
    other.stop()
    await world.reported(lambda report: report.down_s > 0)


@pytest.mark.parametrize(
    ("answer", "lost", "errors", "last_error"),
    [
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", False, True, "status 503"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", True, False, "the answer was cut off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", True, False, "the answer was cut off"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", True, False, "the answer is not HTTP"),
        (b"", True, False, "the answer was cut off"),
        (b"HTTP/1.1 404 Not here\r\nContent-Length: 0\r\n\r\n", False, False, ""),
        (b"HTTP/1.1 204 Nothing\r\n\r\n", False, False, ""),
        (b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 200 OK\r\n\r\nuntil the end", False, False, ""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nok\r\n0\r\nT: 1\r\n\r\n", False, False, ""),
    ],
)
async def test_an_answer_counts_when_it_is_complete_and_is_an_error_from_500_on(
    world: World, answer: bytes, lost, errors, last_error
):
    service = await world.service()
    service.answer = answer
    await world.watches.look([world.spec(rate=50.0)])

    report = await world.reported(lambda report: report.baseline.probes >= 10)

    window = report.baseline
    assert (window.lost, window.errors) == (window.probes * lost, window.probes * errors)
    assert (window.p50_s is None) == lost
    assert report.last_error == (f"{service.address}: {last_error}" if last_error else "")


async def test_a_service_that_hangs_is_lost_after_the_timeout(world: World):
    service = await world.service()
    service.delay_s = GENEROUS_S
    await world.watches.look([world.spec(timeout_s=0.3)])

    report = await world.reported(lambda report: report.baseline.lost >= 10)

    assert report.baseline.lost == report.baseline.probes
    assert report.last_error == f"{service.address}: no complete answer within 0.3 s"


async def test_a_certificate_of_another_authority_is_not_accepted(world: World):
    await world.service()
    await world.watches.look([world.spec(ca_file="")])

    report = await world.reported(lambda report: report.baseline.lost >= 3)

    assert "the certificate is not accepted" in report.last_error


async def test_a_slow_answer_does_not_slow_down_the_asking(world: World):
    service = await world.service()
    service.delay_s = 0.4
    await world.watches.look([world.spec(timeout_s=10.0)])
    await world.reported(lambda report: report.baseline.probes >= 40)

    report = await world.stopped()

    window = report.baseline
    assert window.p50_s >= 0.4
    # One after the other, it would be at most 2.5 probes a second.
    assert window.probes / (window.to_at - window.from_at).total_seconds() > 10
    assert window.lost == 0


async def test_the_baseline_is_frozen_by_the_first_deploy_mark(world: World):
    await world.service()
    await world.watches.look([world.spec()])
    await world.reported(lambda report: report.baseline.probes >= 10)

    await world.watches.deploying("watch-1", still=True)
    frozen = (await world.reported(lambda report: report.since.probes >= 10)).baseline
    await world.watches.deploying("watch-1", still=True)
    await world.watches.deploying("watch-1", still=False)
    await world.watches.deploying("watch-1", still=False)
    report = await world.reported(lambda report: report.since.probes >= 50)

    assert report.baseline == frozen
    assert report.since.from_at > frozen.to_at
    marks = (world.home / "watch-1" / "marks.jsonl").read_text().splitlines()
    assert len(marks) == 2
    assert 10 <= report.during.probes < report.since.probes


async def test_what_is_deployed_again_after_it_failed_is_one_deployment(world: World):
    service = await world.service()
    await world.watches.look([world.spec()])
    await world.reported(lambda report: report.baseline.probes >= 10)
    await world.watches.deploying("watch-1", still=True)
    await world.reported(lambda report: report.during.probes >= 10)
    await world.watches.deploying("watch-1", still=False)
    # What was begun before that moment is answered as well; only then it falls ill.
    await world.reported(lambda report: report.since.probes > report.during.probes)
    service.answer = b"HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno"
    after = await world.reported(lambda report: report.since.errors >= 5)
    assert after.during.errors == 0

    await world.watches.deploying("watch-1", still=True)
    report = await world.reported(lambda report: report.during.errors >= 5)

    assert report.during.probes > after.during.probes


async def test_the_prober_survives_the_bot_and_the_next_one_reads_on(world: World):
    service = await world.service()
    await world.watches.look([world.spec()])
    before = await world.reported(lambda report: report.baseline.probes >= 10)
    (pid,) = world.probers()

    await world.watches.close()
    answered = len(service.answered)
    while len(service.answered) < answered + 20:
        await asyncio.sleep(0.05)
    again = world.another()
    await again.look([world.spec()])
    await world.reported(lambda report: report.baseline.probes >= before.baseline.probes + 15)

    assert world.probers() == [pid]
    report = await world.stopped(again)
    assert (report.baseline.lost, report.problem) == (0, "")
    assert report.baseline.probes <= len(service.answered) <= report.baseline.probes + 2


async def test_a_prober_that_died_is_started_again_and_the_hole_is_not_a_gap(world: World):
    await world.service()
    await world.watches.look([world.spec()])
    before = await world.reported(lambda report: report.baseline.probes >= 10)

    os.kill(world.probers()[0], signal.SIGKILL)
    report = await world.reported(lambda report: report.baseline.probes > before.baseline.probes + 30)

    assert (report.baseline.lost, report.baseline.longest_gap_s) == (0, 0)
    assert report.problem.startswith("Not measured for ")
    assert report.problem.endswith(" s: the prober died and was started again.")


async def test_a_prober_that_stood_still_blames_itself_and_not_the_service(world: World):
    await world.service()
    await world.watches.look([world.spec()])
    before = await world.reported(lambda report: report.baseline.probes >= 10)

    (pid,) = world.probers()
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(2.0)
    os.kill(pid, signal.SIGCONT)
    report = await world.reported(lambda report: report.baseline.probes > before.baseline.probes + 30)

    assert (report.baseline.lost, report.baseline.longest_gap_s) == (0, 0)
    assert "s: the prober stood still" in report.problem
    assert float(report.problem.split()[3]) >= 1.5


async def test_the_rate_can_be_lowered_while_it_probes(world: World):
    service = await world.service()
    await world.watches.look([world.spec(rate=100.0)])
    await world.reported(lambda report: report.baseline.probes >= 50)

    await world.watches.rate("watch-1", 2.0)

    async with asyncio.timeout(GENEROUS_S):
        while service.answered[-1] - service.answered[-3] < 0.7:
            await asyncio.sleep(0.05)
    assert (await world.stopped()).baseline.lost == 0


async def test_a_prober_that_comes_too_late_says_by_how_much_and_counts_it_as_latency(world: World):
    await world.service()
    await world.watches.look([world.spec(rate=20.0)])
    await world.reported(lambda report: report.baseline.probes >= 10)
    (pid,) = world.probers()

    # Too short to be a pause, so what was due meanwhile is asked late.
    async def stutter() -> None:
        while True:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(0.3)
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.3)

    stuttering = asyncio.create_task(stutter())
    report = await world.reported(lambda report: report.baseline.lag_p95_s > 0.1)
    stuttering.cancel()
    os.kill(pid, signal.SIGCONT)

    assert report.baseline.lost == 0
    assert report.baseline.p95_s >= report.baseline.lag_p95_s


async def test_watches_of_other_hosts_are_left_alone(world: World):
    await world.service()
    await world.watches.look([world.spec(id="elsewhere", host="there"), world.spec()])

    await world.reported(lambda report: report.baseline.probes >= 3)

    assert {report.id for report in world.reports} == {"watch-1"}
    assert len(world.probers()) == 1


async def test_a_prober_whose_directory_is_gone_ends_by_itself(world: World):
    await world.service()
    await world.watches.look([world.spec()])
    await world.reported(lambda report: report.baseline.probes >= 3)
    await world.watches.close()
    (pid,) = world.probers()

    shutil.rmtree(world.home)
    (world.home / "watch-1").mkdir(parents=True)

    async with asyncio.timeout(GENEROUS_S):
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            await asyncio.sleep(0.05)


async def test_what_is_wanted_again_goes_on_in_the_same_file(world: World):
    await world.service()
    await world.watches.look([world.spec()])
    await world.reported(lambda report: report.baseline.probes >= 10)
    before = await world.stopped()

    await world.watches.look([world.spec()])
    report = await world.reported(lambda report: report.baseline.probes >= before.baseline.probes + 10)

    assert (report.alive, report.baseline.lost, report.baseline.longest_gap_s) == (True, 0, 0)
    assert report.problem.endswith("the watch was stopped and started again.")
    assert report.baseline.not_measured_s > 0


async def test_a_prober_that_cannot_start_says_why(world: World):
    await world.service()
    await world.watches.look([world.spec(ca_file="/no/such/ca.pem")])

    report = await world.reported(lambda report: report.problem)

    assert not report.alive
    assert report.problem.startswith("The prober does not run.")
    assert "No such file" in report.problem


async def test_reports_come_at_most_once_a_second(world: World):
    await world.service()
    loop = asyncio.get_running_loop()
    heard: list[float] = []

    async def hear(report) -> None:
        heard.append(loop.time())

    watches = world.another()
    watches._report = hear
    await watches.look([world.spec()])
    while len(heard) < 4:
        await asyncio.sleep(0.05)

    assert all(b - a >= 0.99 for a, b in itertools.pairwise(heard))
