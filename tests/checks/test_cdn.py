"""The check `cdn`, against a small cache that is right, and that is wrong in one way each."""

from collections import Counter

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check, site

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
            "Age": [("Age", "5")] if hit else [],
        }[word]
        return 200, [*said, ("Cache-Control", lasts), *more], "x"

    return answer


async def look(answer, *, assets=("a.js", "a.css"), private=("api",)):
    with site(answer) as one:
        return await run_check(
            "cdn",
            assets=[one.url + name for name in assets],
            private=[one.url + name for name in private],
            addresses=[one.at],
            allow_private=True,
        )


@pytest.mark.parametrize("word", ["X-Cache", "Cache-Status", "Age"])
async def test_files_that_are_kept_pass_in_the_words_of_any_vendor(word):
    finding = await look(cache(word))
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["hit_ratio"] == 1
    assert finding.values["warm"] == 0
    assert finding.summary == "2 of 2 files from the edge, 1 private answers from none"


async def test_files_that_are_not_kept_fail():
    finding = await look(cache(keeps=("/none",)))
    assert finding.verdict is Verdict.FAIL
    assert "hit_ratio 0 %, at least 95 % is needed" in finding.summary
    assert "a.js is not kept" in finding.summary


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


async def test_files_that_do_not_answer_are_unknown():
    assert (await look(lambda _: (500, [], ""))).verdict is Verdict.UNKNOWN
