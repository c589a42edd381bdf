"""The check `link`, on a real web server."""

import hashlib

import pytest

from bot.errors import ConfigError
from bot.model import Verdict
from tests.checks.helpers import closed_port, run_check
from tests.checks.wiki import NOT_THE_PAGE, PAGE, wiki


@pytest.fixture
def here():
    with wiki() as one:
        yield one


async def measure(here, *paths, **more):
    urls = [f"{here.url}{path}" for path in paths]
    return await run_check("link", urls=urls, addresses=[here.at], allow_private=True, **more)


async def test_a_page_that_is_there_passes_and_its_hash_is_kept(here):
    finding = await measure(here, "plan", hosts=["site.test"], text="recovery")

    assert finding.verdict is Verdict.PASS
    assert finding.rows[0].values["sha256"] == hashlib.sha256(PAGE.encode()).hexdigest()
    assert finding.summary.startswith("the page answers, edited 3 d")
    assert finding.links == (f"{here.url}plan",)


@pytest.mark.parametrize(("path", "more", "said"), NOT_THE_PAGE)
async def test_what_is_not_the_page_fails(here, path, more, said):
    finding = await measure(here, path, **more)

    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary
    assert bool(here.asked) == ("hosts" not in more), "a host that is not allowed is not even asked"


async def test_a_page_that_changed_since_it_was_signed_can_be_refused(here):
    rules = {"pass_": ["failed == 0", "changed == 0"]}
    same = hashlib.sha256(PAGE.encode()).hexdigest()
    assert (await measure(here, "plan", sha256=same, rules=rules)).verdict is Verdict.PASS
    assert (await measure(here, "plan", sha256="0" * 64, rules=rules)).verdict is Verdict.FAIL
    assert (await measure(here, "plan", rules=rules)).verdict is Verdict.UNKNOWN


async def test_the_age_is_only_known_if_every_page_says_it(here):
    rules = {"pass_": ["age <= 180d"]}
    assert (await measure(here, "plan", rules=rules)).verdict is Verdict.PASS
    assert (await measure(here, "plan", "undated", rules=rules)).verdict is Verdict.UNKNOWN


async def test_a_wiki_that_does_not_answer_is_unknown(here):
    finding = await run_check("link", urls=[here.url], addresses=[closed_port()], allow_private=True)
    assert finding.verdict is Verdict.UNKNOWN


async def test_a_hash_that_is_none_is_refused(here):
    with pytest.raises(ConfigError, match="is no SHA-256"):
        await measure(here, "plan", sha256="abc")
