"""A tick with a link is worth what the page behind it shows, for as long as it shows it."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from world import APP, World, world

from bot.decide.opening import refreshed
from bot.model import Changes, Verdict
from bot.rejudged import rejudged
from tests.checks.helpers import site

PLAN = "plan: {title: Plan verified, evidence: true}"
SIGNED = "plan: {title: Plan verified, check: plan}"


@dataclass
class Wiki:
    """A real web server on loopback, whose pages can vanish."""

    url: str = ""
    at: str = ""
    pages: dict[str, str] = field(default_factory=lambda: {"/plan": "The plan"})

    def answer(self, request: Any) -> tuple[int, list[Any], str]:
        return (200, [], self.pages[request.path]) if request.path in self.pages else (404, [], "")


@pytest.fixture
def wiki() -> Iterator[Wiki]:
    one = Wiki()
    with site(one.answer) as here:
        one.url, one.at = here.url, here.at
        yield one


@pytest.fixture
async def w(tmp_path: Path, wiki: Wiki) -> AsyncIterator[World]:
    check = f"""    plan:
      uses: signoff
      with: {{link: required, hosts: [site.test], addresses: ["{wiki.at}"], allow_private: true, not_by_author: true}}
      valid_for: 2 h
"""
    app = APP.replace(PLAN, SIGNED).replace("  checks:\n", f"  checks:\n{check}", 1)
    assert app.count("check: plan") == 1
    async with world(tmp_path, app) as one:
        await one.opened()
        yield one


async def signs(w: World, link: str, note: str = "") -> dict[str, str]:
    await w.ticks("U000ANA", "Plan verified")
    return await w.submits("U000ANA", link=link, note=note)


async def test_what_the_page_answered_is_kept_with_the_tick_and_shown(w: World, wiki: Wiki):
    assert await signs(w, f"{wiki.url}plan") == {}

    one = await w.store.get("shop-1")
    digest = hashlib.sha256(b"The plan").hexdigest()
    tick = one.ticks["plan"]
    assert (tick.by.name, tick.role, tick.status, tick.sha256) == ("Ana Ruiz", "lead", 200, digest)
    assert f"(answered 200, {digest[:12]})" in await w.reads("section:before")
    assert "holds for this deployment, until" in await w.reads("section:before")
    line = (await w.store.history("shop-1"))[-1]
    assert line.facts == {"item": "plan", "status": "200", "sha256": digest}
    assert [one for one in rejudged(one) if one.differs] == []


async def test_a_link_that_does_not_hold_is_refused_where_it_was_typed(w: World, wiki: Wiki):
    for link, said in {
        f"{wiki.url}gone": "answers 404",
        "http://elsewhere.test/plan": "is not on site.test",
        "": "needs a link; a note alone is not enough",
    }.items():
        refused = await signs(w, link, note="I read it")
        assert said in refused["link"], link
    assert (await w.store.get("shop-1")).ticks == {}


async def test_a_page_is_not_opened_for_somebody_who_may_not_tick(w: World, wiki: Wiki):
    wiki.pages.clear()

    with pytest.raises(Exception, match="Only DevOps Lead"):
        await w.engine.tick("shop-1", "plan", by=await w.slack.person("U000IVY"), link=f"{wiki.url}plan")


async def test_the_line_opens_again_when_the_page_vanishes_and_the_thread_says_so(w: World, wiki: Wiki):
    await signs(w, f"{wiki.url}plan")
    assert await w.measures("evidence:") == [], "it was opened a moment ago"
    wiki.pages.clear()

    await w.passes(minutes=31)
    assert await w.measures("evidence:") == ["evidence:plan"]

    assert "DevOps Lead" in await w.reads("section:before")
    said = await w.reads("reopened:0")
    assert "“Plan verified” has to be ticked again" in said
    assert "answers 404" in said
    assert "Plan verified: to be ticked" in await w.types("U000MARA", "why")


async def test_a_page_that_cannot_be_reached_for_a_while_is_not_gone(w: World, wiki: Wiki):
    await signs(w, f"{wiki.url}plan")
    await w.passes(minutes=31)
    one = await w.store.get("shop-1")
    unknown = replace(one.findings["evidence:plan"], verdict=Verdict.UNKNOWN, measured_at=w.clock.now())

    await w.engine.found("shop-1", unknown)

    assert "plan" in (await w.store.get("shop-1")).ticks


async def test_a_tick_runs_out(w: World, wiki: Wiki):
    await signs(w, f"{wiki.url}plan")

    await w.passes(hours=2)

    assert (await w.store.get("shop-1")).ticks == {}
    assert "the sign-off has run out" in await w.reads("reopened:0")
    assert await signs(w, f"{wiki.url}plan") == {}, "and it can be given anew"


async def test_ticks_are_of_the_commit_that_was_known_then(w: World):
    one = await w.store.get("shop-1")
    await w.engine._change("shop-1", lambda one, _: _at_commit(one, "a" * 40))
    await w.ticks("U000CHLOE", "Capacity looked at")

    await w.engine._change("shop-1", lambda one, _: _at_commit(one, ""))
    assert "capacity" in (await w.store.get("shop-1")).ticks, "nothing is known to have changed"
    await w.engine._change("shop-1", lambda one, _: _at_commit(one, "b" * 40))

    assert one.ticks == (await w.store.get("shop-1")).ticks == {}
    assert "1.4.2 is now bbbbbbbbb, and was aaaaaaaaa when it was ticked" in await w.reads("reopened:0")


async def test_nobody_signs_for_what_they_wrote(w: World, wiki: Wiki):
    changes = Changes(count=1, authors=("ana ruiz",), subjects=("Faster",))
    await w.engine._change("shop-1", lambda one, _: _with_release(one, changes=changes))

    refused = await signs(w, f"{wiki.url}plan")

    assert refused == {"link": "You wrote a part of 1.4.2; somebody else has to vouch for “Plan verified”."}


def _at_commit(one: Any, commit: str) -> Any:
    return _with_release(one, commit=commit)


def _with_release(one: Any, **facts: Any) -> Any:
    return refreshed(one, replace(one.release, **facts))
