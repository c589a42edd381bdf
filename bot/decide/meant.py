"""Which checks does somebody mean who asks to measure again?"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from bot import gates, recorded
from bot.decide import settle
from bot.errors import Refused
from bot.machine import words
from bot.model import Deployment, Phase
from bot.plan import SIGNOFF, CheckPlan, ItemPlan

#: So many are named to somebody whose word is like none of them.
_MOST_NAMED = 10


def checks_meant(deployment: Deployment, name: str, items: Sequence[ItemPlan] = ()) -> tuple[str, ...]:
    """One check by its name or its item's, those of a list, or everything of this phase; Refused where nothing can be measured."""
    if not name:
        return _measurable(
            deployment, (check for item in items or settle.items_now(deployment) for check in item.checks)
        )
    item = next((one for one in deployment.plan.items if name.casefold() in _words(one)), None)
    wanted = _measurable(deployment, item.checks if item is not None and item.checks else (name,))
    if not wanted:
        raise Refused(_why_not(deployment, name, item))
    shown = set(_measurable(deployment, (one for line in _lists(deployment) for one in line.checks)))
    if not deployment.over and not shown & set(wanted):
        raise Refused(_not_now(deployment, name, item, wanted))
    return wanted


def _words(item: ItemPlan) -> set[str]:
    """What a line is called by."""
    return {item.key.casefold(), item.title.casefold()}


def _measurable(deployment: Deployment, checks: Iterable[str]) -> tuple[str, ...]:
    known = _outside(deployment)
    relied_on = (one for check in checks for one in gates.measured_by(deployment, check) if one in known)
    return tuple(dict.fromkeys(relied_on))


def _outside(deployment: Deployment) -> frozenset[str]:
    """What is measured in the world, whenever somebody asks."""
    plan = deployment.plan
    known = plan.checks.items()
    asked = {key for key, one in known if one.uses not in {*recorded.KINDS, SIGNOFF}}
    return frozenset(asked - {plan.release.seen})


def _lists(deployment: Deployment) -> Iterator[ItemPlan]:
    """The lines that stand in the thread by now: a result is shown there or nowhere."""
    plan = deployment.plan
    yield from gates.preflight_items(deployment)
    if deployment.live_at is not None or Phase.VERIFYING in {deployment.phase, deployment.left}:
        yield from (*plan.verification.items, *plan.criteria.items)
    for one in plan.follow_ups:
        record = deployment.follow_ups.get(one.key)
        if record is not None and record.opened_at is not None:
            yield from one.tasks


def _not_now(deployment: Deployment, name: str, item: ItemPlan | None, wanted: Sequence[str]) -> str:
    """Where the result will stand, for somebody who asked too early, or for what only a step or a trigger asks for."""
    plan = deployment.plan
    line = item or next((one for one in plan.items if set(wanted) & set(_measurable(deployment, one.checks))), None)
    if line is not None:
        if deployment.phase in {Phase.ROLLING_BACK, Phase.ABORTING}:
            return f"“{line.title}” is not measured any more: {deployment.id} is {words(deployment.phase)}."
        if deployment.phase is Phase.DECIDING:
            return f"“{line.title}” cannot be measured yet: somebody decides first whether {deployment.id} goes on."
        where, when = _shown(deployment, line)
        return f"“{line.title}” cannot be measured yet: {where} shows it{when}."
    steps = [one.title for one in plan.steps if set(wanted) & set(_measurable(deployment, one.checks))]
    if steps:
        measured = " and ".join(f"“{title}”" for title in steps)
        return f"“{name}” is not measured by itself: it belongs to {measured} in the thread, which says what it found."
    return f"“{name}” is not measured by itself: what proposes a rollback asks for it, and calls you when it fails."


def _why_not(deployment: Deployment, name: str, item: ItemPlan | None) -> str:
    """A line that nobody can measure again says how it is decided; a word that nobody knows gets the nearest one."""
    plan = deployment.plan
    check = plan.checks.get(item.checks[0] if item is not None and item.checks else name)
    line = item or next((one for one in plan.items if check and check.name in {*one.checks, one.signoff}), None)
    if check is not None and check.uses in recorded.KINDS:
        return _worked_out(deployment, check, line)
    if line is not None:
        where, when = _shown(deployment, line)
        return f"“{line.title}” is not measured: {_who_ticks(deployment, line)} ticks it in {where}{when}."
    if check is not None:
        return (
            f"“{name}” sees which version answers, at the start and after the deploy script; nobody has to ask for it."
        )
    return f"{deployment.id} has no check “{name[:40]}”{_hint(deployment, name)}"


def _hint(deployment: Deployment, name: str) -> str:
    """The nearest word with the title that it stands for; else those that can be measured now."""
    titles = dict.fromkeys(sorted(deployment.plan.checks), "")
    titles |= {check: one.title for one in deployment.plan.items for check in one.checks}
    titles |= {one.key: one.title for one in deployment.plan.items}
    near = _nearest(name.casefold(), titles)
    if near:
        return f"; did you mean {_named(near, titles[near])}?"
    now = [one for one in settle.items_now(deployment) if _measurable(deployment, one.checks)]
    if not now:
        return f"; {nothing_now(deployment)}."
    lines = [f"• {_named(one.key, one.title)}" for one in now[:_MOST_NAMED]]
    if len(now) > _MOST_NAMED:
        lines.append(f"and {len(now) - _MOST_NAMED} more; `/deploy check` alone measures all of them")
    return "; what can be measured now:\n" + "\n".join(lines)


def nothing_now(deployment: Deployment) -> str:
    """Why there is nothing to measure."""
    doing = "somebody decides" if deployment.phase is Phase.DECIDING else f"it is {words(deployment.phase)}"
    return f"nothing is measured while {doing}"


def _nearest(said: str, titles: Mapping[str, str]) -> str:
    """What begins so, else what has it in its title, else what looks most like it."""
    begun = (key for key in titles if key.startswith(said))
    spelt = get_close_matches(said, titles, n=1)
    in_title = (key for key, title in titles.items() if said in title.casefold())
    return next(itertools.chain(begun, in_title, spelt), "")


def _named(key: str, title: str) -> str:
    return f"`{key}` ({title})" if title else f"`{key}`"


def _worked_out(deployment: Deployment, check: CheckPlan, line: ItemPlan | None) -> str:
    """Decided anew at every moment, from what is known already."""
    title = line.title if line is not None else check.name
    how = "is watched all the time" if check.uses == "watch" else "is worked out from the record at every moment"
    where, when = _shown(deployment, line) if line is not None else ("the watch in the thread", "")
    return f"“{title}” {how}, so there is nothing to measure again; {where} shows it{when}."


def _shown(deployment: Deployment, line: ItemPlan) -> tuple[str, str]:
    """The message of the thread that the line stands in, and since when it is there."""
    plan = deployment.plan
    lists = [(one.title, one.items, "") for one in gates.preflight_sections(deployment)]
    lists += [(one.title, one.items, " once the scripts have run") for one in (plan.verification, plan.criteria)]
    lists += [(one.title, one.tasks, " when it is due") for one in plan.follow_ups]
    return next((f"“{title}” in the thread", when) for title, items, when in lists if line in items)


def _who_ticks(deployment: Deployment, line: ItemPlan) -> str:
    if not line.role:
        return "somebody of the roster"
    seat = deployment.seat(line.role)
    return f"{seat.title} ({seat.contact.name}, backup {seat.backup.name})"
