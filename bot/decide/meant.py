"""Which checks does somebody mean who asks to measure again?"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from bot import gates, recorded
from bot.decide import settle
from bot.errors import Refused
from bot.model import Deployment
from bot.plan import SIGNOFF, CheckPlan, ItemPlan


def checks_meant(deployment: Deployment, name: str, items: Sequence[ItemPlan] = ()) -> tuple[str, ...]:
    """One check by its name or its item's, those of a list, or everything of this phase; Refused where nothing can be measured."""
    if not name:
        return _measurable(
            deployment, (check for item in items or settle.items_now(deployment) for check in item.checks)
        )
    item = next((one for one in deployment.plan.items if one.key == name), None)
    wanted = _measurable(deployment, item.checks if item is not None and item.checks else (name,))
    if not wanted:
        raise Refused(_why_not(deployment, name, item))
    return wanted


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
    outside = _outside(deployment)
    near = get_close_matches(name, sorted(outside | {one.key for one in plan.items}), n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(outside))}."
    return f"{deployment.id} has no check “{name[:40]}”{hint}"


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
