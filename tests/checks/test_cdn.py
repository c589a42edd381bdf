"""The check `cdn`, against a small cache that is right, and that is wrong in one way each."""

import gzip
from collections import Counter

import pytest

from bot.errors import ConfigError
from bot.model import Verdict
from tests.checks.helpers import closed_port, run_check, site

LONG = "public, max-age=31536000, immutable"


def cache(word="X-Cache", *, keeps=("/a.",), more=(), lasts=LONG):
    """Miss once, then hit, for the paths it keeps."""
    seen = Counter()

    def answer(request):
        seen[request.path] += 1
        hit = request.path.startswith(keeps) and seen[request.path] > 1
        said = {
            "X-Cache": [("X-Cache", "HIT" if hit else "MISS")],
            "Cache-Status": [("Cache-Status", "edge; hit" if hit else "edge; fwd=miss; stored")],
            "Age": [("Age", "5" if seen[request.path] == 2 else "6")] if hit else [],
        }[word]
        return 200, [*said, ("Cache-Control", lasts), *more], "x"

    return answer


async def look(answer, *, assets=("a.js", "a.css"), private=("api",), **more):
    with site(answer) as one:
        return await run_check(
            "cdn",
            assets=[one.url + name for name in assets],
            private=[one.url + name for name in private],
            addresses=[one.at],
            allow_private=True,
            **more,
        )


@pytest.mark.parametrize("word", ["X-Cache", "Cache-Status", "Age"])
async def test_files_that_are_kept_pass_in_the_words_of_any_vendor(word):
    finding = await look(cache(word))
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["hit_ratio"] == 1
    assert finding.values["warm"] == 0
    assert finding.summary == "2 of 2 files from the edge, 1 private answer from no cache"


async def test_files_that_are_not_kept_fail():
    finding = await look(cache(keeps=("/none",)))
    assert finding.verdict is Verdict.FAIL
    assert "hit ratio 0 %, at least 95 % is needed" in finding.summary
    assert "a.js is not kept" in finding.summary


async def test_every_address_of_the_edge_is_asked_and_the_coldest_one_counts():
    with site(cache()) as warm, site(cache(keeps=("/none",))) as cold:
        finding = await run_check("cdn", assets=[f"{warm.url}a.js"], addresses=[warm.at, cold.at], allow_private=True)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["hit_ratio"] == 0
    assert finding.values["addresses"] == 2
    assert f"a.js is not kept at {cold.at}" in finding.summary


async def test_an_age_that_does_not_rise_is_no_cache_s():
    finding = await look(lambda _: (200, [("Age", "5"), ("Cache-Control", LONG)], "x"), private=())
    assert finding.verdict is Verdict.FAIL
    assert finding.values["hits"] == 0


async def test_an_age_that_has_not_risen_yet_is_asked_for_once_more():
    seen = Counter()

    def answer(request):
        seen[request.path] += 1
        return 200, [("Age", "0" if seen[request.path] < 3 else "1"), ("Cache-Control", LONG)], "x"

    finding = await look(answer, private=())
    assert finding.verdict is Verdict.PASS, finding.summary


@pytest.mark.parametrize("status", [404, 429, 503])
async def test_a_private_answer_that_is_not_there_says_nothing(status):
    kept = cache()
    finding = await look(lambda request: (status, [], "") if request.path == "/api" else kept(request))
    assert finding.verdict is Verdict.UNKNOWN
    assert f"/api answers {status}" in finding.summary


async def test_what_is_private_is_asked_for_with_its_own_headers_and_nothing_else_is():
    with site(cache()) as one:
        finding = await run_check(
            "cdn",
            assets=[f"{one.url}a.js"],
            private=[f"{one.url}api"],
            headers={"Authorization": {"env": "TOKEN"}},
            environ={"TOKEN": "t0ken-t0ken"},
            addresses=[one.at],
            allow_private=True,
        )
    assert finding.verdict is Verdict.PASS, finding.summary
    assert {request.path: request.headers["Authorization"] for request in one.asked} == {
        "/a.js": None,
        "/api": "t0ken-t0ken",
    }


async def test_text_that_is_not_packed_is_a_warning():
    kind = [("Content-Type", "text/javascript")]

    def bodies(more):
        kept = cache(more=[*kind, *more])
        return lambda request: (*kept(request)[:2], gzip.compress(b"x" * 2000) if more else "x" * 2000)

    plain = await look(bodies([]), private=())
    packed = await look(bodies([("Content-Encoding", "gzip")]), private=())
    assert plain.verdict is Verdict.WARN
    assert "a.js is sent without compression" in plain.summary
    assert packed.verdict is Verdict.PASS, packed.summary


@pytest.mark.parametrize(
    ("declared", "says", "hits", "right"),
    [
        (None, "no-store", True, False),
        (None, "max-age=60", True, True),
        (None, "no-store", False, True),
        (False, "max-age=60", True, False),
        (True, "max-age=60", False, False),
        (True, "max-age=60", True, True),
    ],
)
async def test_pages_are_kept_as_is_declared(declared, says, hits, right):
    kept = cache()

    def answer(request):
        if request.path != "/":
            return kept(request)
        headers = [("Cache-Control", says), ("X-Cache", "HIT" if hits else "MISS"), ("Content-Type", "text/html")]
        return 200, headers, "<script src=/a.js></script>"

    with site(answer) as one:
        finding = await run_check("cdn", pages=[one.url], pages_kept=declared, addresses=[one.at], allow_private=True)
    assert finding.values["pages_wrong"] == int(not right)
    assert finding.verdict is (Verdict.PASS if right else Verdict.FAIL), finding.summary


async def test_a_server_that_answers_whoever_goes_around_the_edge_fails_and_one_that_lets_nobody_in_does_not():
    with site(cache()) as edge, site(lambda _: (200, [], "")) as behind, site(lambda _: (403, [], "")) as shut:
        given = {"assets": [f"{edge.url}a.js"], "addresses": [edge.at], "allow_private": True}
        opened = await run_check("cdn", origins=[behind.at], **given)
        closed = await run_check("cdn", origins=[shut.at, closed_port()], **given)
    assert opened.verdict is Verdict.FAIL
    assert f"{behind.at} answers 200 to whoever goes around the edge" in opened.summary
    assert closed.verdict is Verdict.PASS, closed.summary


@pytest.mark.parametrize("status", [302, 401, 403])
async def test_whoever_is_told_to_log_in_has_seen_nothing_private_unless_they_came_as_strangers(status):
    kept = cache()

    def answer(request):
        return (status, [("Cache-Control", "no-store")], "") if request.path == "/api" else kept(request)

    stranger = await look(answer)
    member = await look(answer, headers={"Authorization": "expired"})
    assert stranger.verdict is Verdict.PASS, stranger.summary
    assert member.verdict is Verdict.UNKNOWN
    assert f"/api answers {status}" in member.summary


@pytest.mark.parametrize("keeps", [True, False])
async def test_what_is_private_may_be_all_that_is_asked_with_rules_of_its_own(keeps):
    rules = {"require": ["failed == 0"], "pass_": ["private_kept == 0", "leaked == 0"]}
    finding = await look(cache(keeps=("/",) if keeps else ("/none",)), assets=(), rules=rules)
    assert finding.verdict is (Verdict.FAIL if keeps else Verdict.PASS), finding.summary


@pytest.mark.parametrize("rules", [None, {"pass_": ["stale == 0"]}])
async def test_rules_about_files_are_refused_where_no_file_is_asked_for(rules):
    with pytest.raises(ConfigError, match="is measured only with 'assets' or 'pages'; give it, or write rules without"):
        await look(cache(), assets=(), rules=rules)


async def test_a_private_answer_from_a_cache_fails():
    finding = await look(cache(keeps=("/",)))
    assert finding.verdict is Verdict.FAIL
    assert "/api is private and came from a cache" in finding.summary


async def test_a_cookie_from_a_cache_fails():
    finding = await look(cache(more=[("Set-Cookie", "session=1")]))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["leaked"] == 2


async def test_a_file_that_may_be_kept_for_a_minute_only_is_a_warning():
    assert (await look(cache(lasts="max-age=60"))).verdict is Verdict.WARN


async def test_a_file_that_is_older_than_it_may_be_is_a_warning():
    finding = await look(cache("Age", lasts="max-age=1"))
    assert finding.values["stale"] == 2
    assert finding.verdict is Verdict.WARN


@pytest.mark.parametrize(
    ("says", "verdict"), [([("Age", "7")], Verdict.PASS), ([("Age", "4000")], Verdict.FAIL), ([], Verdict.UNKNOWN)]
)
async def test_after_a_purge_nothing_that_was_kept_before_is_left(says, verdict):
    finding = await look(cache(more=says), private=(), rules={"pass_": ["oldest <= 2min"]})
    assert finding.verdict is verdict, finding.summary


async def test_files_that_do_not_answer_are_unknown():
    assert (await look(lambda _: (500, [], ""))).verdict is Verdict.UNKNOWN
