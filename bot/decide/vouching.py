"""What is a tick worth: which page was it given with, and until when does it hold?"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot.errors import Refused
from bot.model import Change, Deployment, Finding, Line, Person, Phase, Reopened, Tick, Verdict
from bot.plan import CheckPlan, ItemPlan

#: The page of a tick is opened again so long after it was opened last, while the tick counts.
LOOK_AGAIN_S = 1800.0

#: What the findings about the pages of ticks are called: this, and the key of the item. No check can be called so.
_OF = "evidence:"


def check_given(deployment: Deployment, item: ItemPlan, *, by: Person, note: str, link: str) -> None:
    """Refuse a tick without what this item has to be ticked with."""
    if item.evidence and not (note or link):
        raise Refused(f"“{item.title}” needs evidence: give a link or a note.")
    if link and (urlsplit(link).scheme not in {"http", "https"} or not urlsplit(link).netloc):
        raise Refused("The evidence link has to begin with https:// or http://.")
    asked = deployment.plan.checks[item.signoff].with_ if item.signoff else {}
    if asked.get("link") == "required" and not link:
        raise Refused(f"“{item.title}” needs a link; a note alone is not enough.")
    changes = deployment.release.changes
    authors = {author.casefold() for author in changes.authors} if changes else set[str]()
    if asked.get("not_by_author") and by.name.casefold() in authors:
        raise Refused(f"You wrote a part of {deployment.version}; somebody else has to vouch for “{item.title}”.")


def page(deployment: Deployment, item: ItemPlan, link: str, sha256: str = "") -> CheckPlan | None:
    """How the page of a tick is measured; None where nobody asked for that."""
    if not item.signoff or not link:
        return None
    plan = deployment.plan.checks[item.signoff]
    given = {"url": link} | ({"sha256": sha256} if sha256 else {})
    again = min(plan.valid_for_s, LOOK_AGAIN_S)
    return replace(plan, name=f"{_OF}{item.key}", with_={**plan.with_, **given}, valid_for_s=again)


def page_of(deployment: Deployment, name: str) -> CheckPlan | None:
    """The same by the name of its finding, for a tick that stands."""
    item = next((one for one in deployment.plan.items if name == f"{_OF}{one.key}"), None)
    given = deployment.ticks.get(item.key) if item else None
    return page(deployment, item, given.link, given.sha256) if item and given else None


def check_page(item: ItemPlan, seen: Finding) -> None:
    """Refuse a page that does not show what was vouched for."""
    if seen.verdict in {Verdict.FAIL, Verdict.UNKNOWN}:
        raise Refused(
            f"The evidence for “{item.title}” does not hold: {seen.summary.rstrip('.')}. Give a link that opens."
        )


def bound(deployment: Deployment, item: ItemPlan, tick: Tick, seen: Finding | None) -> Tick:
    """The tick with what was seen of its page, what it is bound to, and its end."""
    seen_of_it = seen.values if seen else {}
    holds = timedelta(seconds=deployment.plan.checks[item.signoff].valid_for_s) if item.signoff else None
    return replace(
        tick,
        status=int(seen_of_it.get("status", 0)),
        sha256=str(seen_of_it.get("sha256", "")),
        commit=deployment.release.commit,
        until=tick.at + holds if holds else None,
    )


def pages_wanted(deployment: Deployment, items: Iterable[ItemPlan], now: datetime) -> set[str]:
    """The pages that were last opened too long ago."""
    return {
        f"{_OF}{item.key}"
        for item in items
        if (tick := deployment.ticks.get(item.key)) is not None
        and tick.status
        and ((known := deployment.findings.get(f"{_OF}{item.key}")) is None or known.expires_at <= now)
    }


def reopen(deployment: Deployment, items: Iterable[ItemPlan], now: datetime) -> Change | None:
    """The first tick that no longer holds is taken back, and the thread says why."""
    item, why = next(_lapsed(deployment, items, now), (None, ""))
    if item is None:
        return None
    ticks = {key: tick for key, tick in deployment.ticks.items() if key != item.key}
    told = Reopened(item=item.key, why=why, at=now)
    after = replace(deployment, ticks=ticks, reopened=(*deployment.reopened, told))
    return Change(deployment=after, lines=(Line(what=f"{item.key} is open again: {why}", facts={"item": item.key}),))


def _lapsed(deployment: Deployment, items: Iterable[ItemPlan], now: datetime) -> Iterator[tuple[ItemPlan, str]]:
    commit = deployment.release.commit
    for item in items:
        tick = deployment.ticks.get(item.key)
        if tick is None:
            continue
        if tick.until is not None and tick.until <= now:
            yield item, "the sign-off has run out"
        # Where the repository cannot be read for a while, nothing has changed.
        elif deployment.phase is Phase.PREFLIGHT and tick.commit and commit and tick.commit != commit:
            yield item, f"{deployment.version} is now {commit[:9]}, and was {tick.commit[:9]} when it was ticked"
        elif tick.status and _is_gone(deployment.findings.get(f"{_OF}{item.key}"), tick):
            yield item, f"its evidence does not hold any more: {deployment.findings[f'{_OF}{item.key}'].summary}"


def _is_gone(seen: Finding | None, tick: Tick) -> bool:
    """A page that could not be reached is not gone for that."""
    return seen is not None and seen.verdict is Verdict.FAIL and seen.measured_at >= tick.at
