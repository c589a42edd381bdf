"""The check `logs`: a real service on loopback logs its markers, and a server that speaks as Loki does finds them."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check, site

RECORDED = json.loads((Path(__file__).parent / "recorded" / "loki_streams.json").read_text())


class Collected:
    """What the instances logged, and what of it has arrived."""

    def __init__(self, *, deaf=()):
        self.lines, self.deaf, self.asked = [], deaf, []

    def service(self, name):
        def answer(request):
            if name not in self.deaf:
                self.lines.append((name, f"GET {request.path} 200 canary={request.headers.get('X-Canary')}"))
            return 200, [], "ok"

        return answer

    def loki(self, *, after=0):
        """Finds what contains the text of the line filter, once it was asked this often."""

        def answer(request):
            query = parse_qs(urlsplit(request.path).query)
            self.asked.append((request.path, query, dict(request.headers)))
            wanted = query["query"][0].partition('|= "')[2].rstrip('"')
            found = [one for one in self.lines if wanted in one[1]] if len(self.asked) > after else []
            streams = [
                {"stream": {"app": "shop", "instance": name}, "values": [["1795428000123456789", line]]}
                for name, line in found
            ]
            return 200, [], json.dumps({**RECORDED, "data": {**RECORDED["data"], "result": streams}})

        return answer


async def look(loki, *services, limit_s=20.0, **params):
    return await run_check(
        "logs", url=f"http://{loki.at}", query='{app="shop"}', write=f"{services[0].url}healthz",
        at=[one.at for one in services], allow_private=True, limit_s=limit_s, **params,
    )  # fmt: skip


async def test_a_marker_of_each_instance_is_found():
    world = Collected()
    with site(world.service("a")) as one, site(world.service("b")) as two, site(world.loki(after=3)) as loki:
        finding = await look(loki, one, two)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["found"] == 2
    assert finding.summary.startswith("2 of 2 markers found, the last after ")
    assert {"instance=a", "instance=b"} <= {part for row in finding.rows for part in row.note.replace(",", "").split()}
    path, query, _ = world.asked[0]
    assert path.startswith("/loki/api/v1/query_range?")
    assert int(query["start"][0]) < int(query["end"][0])
    assert len(query["start"][0]) == 19, "Loki counts in nanoseconds"


async def test_an_instance_whose_log_does_not_arrive_fails_and_is_named():
    world = Collected(deaf={"b"})
    with site(world.service("a")) as one, site(world.service("b")) as two, site(world.loki()) as loki:
        finding = await look(loki, one, two, wait="2 s")
        assert finding.verdict is Verdict.FAIL
        assert f"1 of 2 markers did not arrive within 2 s: {two.at}" in finding.summary


async def test_a_slow_log_is_a_warning():
    world = Collected()
    rules = {"pass_": ["lost == 0", "delay <= 1ms"], "warn": ["lost == 0", "delay <= 60s"]}
    with site(world.service("a")) as one, site(world.loki(after=2)) as loki:
        assert (await look(loki, one, rules=rules)).verdict is Verdict.WARN


async def test_a_wait_that_the_time_limit_cut_short_is_unknown():
    world = Collected(deaf={"a"})
    with site(world.service("a")) as one, site(world.loki()) as loki:
        finding = await look(loki, one, limit_s=3.0)
    assert finding.verdict is Verdict.UNKNOWN
    assert "'timeout' allows no more" in finding.summary


async def test_a_service_that_is_broken_says_nothing_about_its_log():
    world = Collected()
    with site(lambda _: (503, [], "")) as one, site(world.loki()) as loki:
        finding = await look(loki, one)
    assert finding.verdict is Verdict.UNKNOWN
    assert "answers 503, so nothing can be said about its log" in finding.summary


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, "parse error at line 1, col 5: syntax error", "Loki refuses the query: parse error at line 1"),
        (401, "no org id", "answers 401: the token is missing, wrong or expired"),
        (429, "Too Many Requests", "answers 429: too many requests"),
        (200, '{"status": "success", "data": {"resultType": "matrix", "result": []}}', "only select streams"),
        (200, '{"status": "success"}', "Loki does not answer as it should"),
        (200, "ready", "no whole JSON"),
    ],
)
async def test_whatever_loki_says_instead_is_unknown(status, body, said):
    world = Collected()
    with site(world.service("a")) as one, site(lambda _: (status, [], body)) as loki:
        finding = await look(
            loki, one, headers={"Authorization": {"env": "LOKI_TOKEN", "prefix": "Bearer "}, "X-Scope-OrgID": "shop"},
            environ={"LOKI_TOKEN": "loki-4711-loki"},
        )  # fmt: skip
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary
    assert loki.asked[0].headers["Authorization"] == "Bearer loki-4711-loki"
    assert "Authorization" not in one.asked[0].headers, "the service is not told the token of the logs"
