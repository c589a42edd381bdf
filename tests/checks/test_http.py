"""The check `http`, against real web servers on loopback."""

import asyncio
import json
import re

import pytest

from bot.model import Verdict
from tests.checks.helpers import closed_port, run_check, site


def healthy(**more):
    document = json.dumps({"version": "1.4.2", "status": "ok", "queue": {"length": 3, "oldest": "12.5"}, **more})
    return lambda _: (200, [("Content-Type", "application/json")], document)


async def ask(*sites, **params):
    return await run_check(
        "http", **{"urls": [sites[0].url], "addresses": [one.at for one in sites], "allow_private": True, **params}
    )


async def test_a_healthy_member_passes_with_its_numbers():
    with site(healthy()) as one:
        finding = await ask(one, version="1.4.2", times=3)
    assert finding.verdict is Verdict.PASS
    assert finding.values["probes"] == 3
    assert finding.values["status"] == 200
    assert finding.values["version"] == "1.4.2"
    assert finding.values["latency"] > 0
    assert finding.summary.startswith("3 of 3 answered 200, version 1.4.2, at 1 address, slowest ")


async def test_every_probe_is_a_new_connection_with_the_names_host_header():
    with site(healthy()) as one:
        await ask(one, times=3)
    assert {request.headers["Host"] for request in one.asked} == {f"site.test:{one.port}"}
    assert len({request.client_address for request in one.asked}) == 3


async def test_one_broken_member_of_two_fails_and_is_named():
    with site(healthy()) as good, site(lambda _: (500, [], "no")) as bad:
        finding = await ask(good, bad)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["failed"] == 1
    assert "status" not in finding.values
    assert f"at {bad.at} answered 500, expected 200" in finding.summary


async def test_a_member_that_is_down_fails():
    with site(healthy()) as good:
        finding = await run_check("http", urls=[good.url], addresses=[good.at, closed_port()], allow_private=True)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["unanswered"] == 1


@pytest.mark.parametrize(
    ("body", "params", "wrong"),
    [
        ('{"version": "1.4.1"}', {"version": "1.4.2"}, "runs 1.4.1, expected 1.4.2"),
        ('{"status": "degraded"}', {"matches": '"status": ?"ok"'}, "does not match"),
        ("<h1>Not found</h1>", {"absent": "Not found"}, "is in the body"),
        ("<h1>Log in</h1>", {"text": "Welcome"}, "is not in the body"),
        ('{"version": "1.4', {"version": "1.4.2"}, "not whole JSON"),
    ],
)
async def test_a_wrong_page_with_status_200_fails(body, params, wrong):
    with site(lambda _: (200, [], body)) as one:
        finding = await ask(one, **params)
    assert finding.verdict is Verdict.FAIL
    assert wrong in finding.summary


async def test_a_redirect_is_not_followed_unless_asked():
    def answer(request):
        return (302, [("Location", "/new")], "") if request.path == "/" else (200, [], "here")

    with site(answer) as one:
        assert (await ask(one)).verdict is Verdict.FAIL
        url = f"http://{one.at}/"
        assert (await ask(one, urls=[url], follow=1, text="here")).verdict is Verdict.PASS


async def test_values_are_taken_from_json_and_judged():
    paths = {"queue": "queue.length", "oldest": "queue.oldest as number", "missing": "nowhere"}
    with site(healthy()) as one:
        found = await ask(one, values=paths, rules={"pass_": ["queue <= 5", "oldest == 12.5"]})
        unknown = await ask(one, values=paths, rules={"pass_": ["missing == 0"]})
    assert found.verdict is Verdict.PASS
    assert found.values["queue"] == 3
    assert unknown.verdict is Verdict.UNKNOWN
    assert "missing was not measured" in unknown.summary


async def test_members_that_disagree_on_a_value_give_its_range():
    with site(healthy(n=1)) as one, site(healthy(n=9)) as other:
        finding = await ask(one, other, values={"n": "n"}, rules={"pass_": ["n.max <= 5"]})
    assert finding.verdict is Verdict.FAIL
    assert "n" not in finding.values
    assert finding.values["n.min"] == 1


async def test_an_old_key_that_still_works_is_found_and_not_shown():
    def answer(request):
        return (200 if request.headers["Authorization"] == "Bearer old-key-4711" else 401, [], "old-key-4711")

    with site(answer) as one:
        key = {"env": "OLD_KEY", "prefix": "Bearer "}
        finding = await ask(one, headers={"Authorization": key}, expect=[401, 403], environ={"OLD_KEY": "old-key-4711"})
    assert finding.verdict is Verdict.FAIL
    assert "answered 200, expected 401 or 403" in finding.summary
    assert "4711" not in repr(finding)


async def test_private_addresses_are_refused_unless_permitted():
    with site(healthy()) as one:
        finding = await ask(one, allow_private=False)
    assert finding.verdict is Verdict.UNKNOWN
    assert "127.0.0.1 is a private address" in finding.summary
    assert one.asked == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"version": "1"}, "it is no whole JSON"),
        ({"absent": "Not found"}, "'Not found' may be in the rest"),
        ({"text": "Welcome"}, "'Welcome' is not in what was read"),
        ({"matches": "Wel+come"}, "the body does not match Wel+come"),
    ],
)
async def test_what_the_rest_of_a_huge_body_could_change_is_unknown(asked, said):
    with site(lambda _: (200, [], b"x" * 2_000_000 + b"Not found")) as one:
        finding = await ask(one, **asked)
    assert finding.verdict is Verdict.UNKNOWN
    assert "failed" not in finding.values
    assert f"is longer than 1 MB, of which no more is read, so {said}" in finding.summary


async def test_what_is_seen_at_the_beginning_of_a_huge_body_counts():
    with site(lambda _: (200, [], b"Not found" + b"x" * 2_000_000)) as one:
        assert (await ask(one, absent="Not found")).verdict is Verdict.FAIL
        assert (await ask(one, text="Not found")).verdict is Verdict.PASS
        assert (await ask(one)).verdict is Verdict.PASS


async def test_evidence_tells_how_a_body_begins_once_and_without_secrets():
    with site(lambda request: (200, [], f"<h1>Log in</h1>\n{request.headers['X-Api-Key']}" + "x" * 2000)) as one:
        key = {"env": "SHOP_KEY"}
        finding = await ask(one, times=2, headers={"X-Api-Key": key}, environ={"SHOP_KEY": "hunter2-hunter2"})
    assert finding.rows[0].values["body"].startswith("<h1>Log in</h1> ")
    assert len(finding.rows[0].values["body"]) <= 500
    assert "body" not in finding.rows[1].values
    assert "hunter2" not in repr(finding)


async def test_a_token_that_cannot_be_sent_says_nothing_about_the_application():
    with site(healthy()) as one:
        token = {"env": "TOKEN", "prefix": "Bearer "}
        finding = await ask(one, headers={"Authorization": token}, environ={"TOKEN": "schlüssel-4711"})
    assert finding.verdict is Verdict.UNKNOWN
    assert "The header line Authorization cannot be sent" in finding.summary
    assert "4711" not in repr(finding)
    assert one.asked == []


async def test_an_expression_that_never_ends_does_not_hold_the_bot():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with site(lambda _: (200, [], "a" * 40)) as one:
        finding = await ask(one, matches="(a+)+b", limit_s=2.0)
    ticking.cancel()
    assert finding.verdict is Verdict.UNKNOWN
    # Its own limit or that of the whole check, whichever the machine notices first.
    assert re.search("did not (end|finish) within", finding.summary)
    assert ticks > 10


async def test_an_empty_or_nan_answer_of_a_metrics_server_is_unknown_and_never_a_pass():
    path = {"p95": "data.result.0.value.1 as number"}
    for result, verdict in (([], "unknown"), ([{"value": [1, "NaN"]}], "unknown"), ([{"value": [1, "0.2"]}], "pass")):
        body = json.dumps({"status": "success", "data": {"result": result}})
        with site(lambda _: (200, [], body)) as one:  # noqa: B023 - it is called before the next turn
            finding = await ask(one, values=path, rules={"pass_": ["p95 <= 300ms"]})
        assert finding.verdict == verdict
