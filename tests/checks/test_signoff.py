"""The check `signoff`, on a real web server."""

import hashlib

import pytest

from bot.model import Verdict
from tests.checks.helpers import closed_port, run_check
from tests.checks.wiki import NOT_THE_PAGE, PAGE, wiki


@pytest.fixture
def here():
    with wiki() as one:
        yield one


async def measure(here, path, **more):
    return await run_check(
        "signoff", url=f"{here.url}{path}", addresses=[here.at], allow_private=more.pop("private", True), **more
    )


async def test_a_page_that_answers_passes_and_its_hash_is_kept(here):
    finding = await measure(here, "plan", hosts=["site.test"], text="recovery")

    assert finding.verdict is Verdict.PASS
    assert finding.values["status"] == 200
    assert finding.values["sha256"] == hashlib.sha256(PAGE.encode()).hexdigest()
    assert finding.values["changed"] is False
    assert "edited" in finding.summary


@pytest.mark.parametrize(("path", "more", "said"), NOT_THE_PAGE)
async def test_what_is_not_the_page_fails(here, path, more, said):
    finding = await measure(here, path, **more)

    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary
    assert bool(here.asked) == ("hosts" not in more), "a host that is not allowed is not even asked"


async def test_a_page_in_the_machines_own_network_is_not_opened_unless_that_is_allowed(here):
    finding = await measure(here, "plan", private=False)

    assert finding.verdict is Verdict.UNKNOWN
    assert "private address" in finding.summary
    assert not here.asked


async def test_nobody_there_is_unknown():
    port = closed_port()
    finding = await run_check(
        "signoff", url="http://site.test/plan", addresses=[f"127.0.0.1:{port}"], allow_private=True
    )

    assert finding.verdict is Verdict.UNKNOWN


async def test_a_page_that_changed_since_says_so_and_a_rule_may_mind(here):
    seen = {"sha256": "0" * 64}
    assert "changed since" in (await measure(here, "plan", **seen)).summary
    minded = await measure(here, "plan", **seen, rules={"pass_": ["found == true", "changed == false"]})
    assert minded.verdict is Verdict.FAIL


async def test_a_page_that_does_not_say_when_it_was_edited_is_a_warning_where_that_matters(here):
    rules = {"pass_": ["found == true", "age <= 100000d"], "warn": ["found == true"]}

    assert (await measure(here, "plan", rules=rules)).verdict is Verdict.PASS
    assert (await measure(here, "undated", rules=rules)).verdict is Verdict.WARN


async def test_without_a_page_there_is_nothing_to_measure():
    finding = await run_check("signoff")

    assert finding.verdict is Verdict.UNKNOWN
    assert "before somebody ticks" in finding.summary
