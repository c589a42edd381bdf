"""How does a list of items look: a section of the checklist, the verification, the criteria, the tasks of a follow-up?"""

from collections.abc import Sequence
from datetime import datetime

from bot import gates
from bot.gates import Standing
from bot.model import Deployment, Phase
from bot.plan import FollowUpPlan, ItemPlan, SectionPlan
from bot.text import esc, moment
from bot.views import ids, kit, signs
from bot.views.kit import Block


def section(deployment: Deployment, plan: SectionPlan, now: datetime) -> list[Block]:
    """One message: title, one block for each item, what was measured when. A list whose time is over stays as it was."""
    now = as_of(deployment, plan, now)
    done, of = gates.progress(deployment, plan.items, now)
    owner = f" · owner {esc(signs.owner(deployment, plan.role))}" if plan.role else ""
    open_ = _is_open(deployment, plan)
    blocks = [kit.section(f"*{esc(plan.title)}*\n{done} of {of}{owner}")]
    blocks += [line(deployment, item, now, pressable=open_) for item in plan.items]
    measured = _measured(deployment, plan.items, now)
    if measured:
        blocks.append(kit.context(measured))
    if open_:
        blocks += footer(deployment, plan.key, plan.items)
    return blocks


def as_of(deployment: Deployment, plan: SectionPlan, now: datetime) -> datetime:
    """The moment that a list tells of: what expires afterwards was good when it mattered."""
    settled = deployment.started_at if _is_preflight(deployment, plan) else deployment.live_at
    return min(now, settled) if settled is not None else now


def _is_preflight(deployment: Deployment, plan: SectionPlan) -> bool:
    return any(plan.key == one.key for one in gates.preflight_sections(deployment))


def _is_open(deployment: Deployment, plan: SectionPlan) -> bool:
    if _is_preflight(deployment, plan):
        return deployment.phase is Phase.PREFLIGHT
    return deployment.phase in {Phase.VERIFYING, Phase.DECIDING}


def footer(deployment: Deployment, key: str, items: Sequence[ItemPlan]) -> list[Block]:
    """What can be done to the whole list."""
    carried = ids.value(deployment.id, key)
    again = kit.button("Measure again", ids.MEASURE, carried) if any(item.checks for item in items) else None
    skip = kit.button("Not applicable…", ids.NOT_APPLICABLE, carried)
    # A line with a box has no room for a menu of its own: what Slack lets stand beside a text is one thing.
    why = kit.button("Why, and how?", ids.WHY, carried) if any(_is_peoples(item) for item in items) else None
    asked = gates.contact_checks(deployment).keys() & {name for item in items for name in item.checks}
    there = kit.button("I am reachable", ids.REACHABLE, carried) if asked else None
    return kit.actions(there, again, skip, why, block_id=f"list-{key}")


def _is_peoples(item: ItemPlan) -> bool:
    return not item.checks or item.confirm


def line(deployment: Deployment, item: ItemPlan, now: datetime, *, pressable: bool, among: str = "item") -> Block:
    """One item with its box or its menu. `among` keeps those of several deployments apart that stand in one view."""
    told = signs.item_line(deployment, item, now)
    stands = gates.standing(deployment, item, now)
    # A new block_id when the content changes makes clients drop what they remember of the box.
    block_id = f"{among}-{item.key}-{stands.value}-{deployment.touched.get(item.key, 0)}".replace(" ", "-")
    return kit.section(told, accessory=_accessory(deployment, item, stands, pressable=pressable), block_id=block_id)


def _accessory(deployment: Deployment, item: ItemPlan, stands: Standing, *, pressable: bool) -> Block | None:
    if not pressable:
        return None
    peoples = not item.checks or (item.confirm and stands in {Standing.OPEN, Standing.PASS, Standing.WARN})
    if peoples and stands is not Standing.NOT_APPLICABLE:
        ticked = item.key in deployment.ticks
        return kit.box(ids.TICK, ids.value(deployment.id, item.key), "done", ticked=ticked)
    options = [("Why, and how to clear it", ids.value(deployment.id, f"why/{item.key}"))]
    if item.checks:
        options.append(("Evidence", ids.value(deployment.id, f"evidence/{item.key}")))
        options.append(("Measure this again", ids.value(deployment.id, f"measure/{item.key}")))
    if stands in {Standing.FAIL, Standing.UNKNOWN}:
        options.append(("Waive…", ids.value(deployment.id, f"waive/{item.key}")))
    if stands in {Standing.NOT_APPLICABLE, Standing.WAIVED}:
        options.append(("Take back", ids.value(deployment.id, f"back/{item.key}")))
    else:
        options.append(("Not applicable…", ids.value(deployment.id, f"na/{item.key}")))
    return kit.overflow(ids.ITEM_MORE, options)


def _measured(deployment: Deployment, items: Sequence[ItemPlan], now: datetime) -> str:
    found = [known for item in items for name in item.checks if (known := deployment.findings.get(name))]
    if not found:
        return ""
    if deployment.started_at is not None and deployment.phase is not Phase.VERIFYING:
        return f"measured {moment(min(one.measured_at for one in found))}"
    first, until = min(one.measured_at for one in found), min(one.expires_at for one in found)
    holds = f", holds until {moment(until)}" if until > now else ", measured again now"
    return f"measured {moment(first)}{holds}"


def left_out(deployment: Deployment) -> list[Block]:
    """The lines of the checklist that this service does not have, by the reason that its configuration gives."""
    lines = deployment.plan.left_out
    blocks = [kit.section("*Not applicable, says the configuration*")]
    for reason in list(dict.fromkeys(lines.values()))[:40]:
        titles = "; ".join(esc(title) for title, because in lines.items() if because == reason)
        blocks.append(kit.context(f"⏭️ {titles}: _{esc(reason)}_"))
    return blocks


def follow_up(deployment: Deployment, plan: FollowUpPlan, now: datetime) -> list[Block]:
    """A window after LIVE: its tasks, and what happens when nobody does them."""
    record = deployment.follow_ups[plan.key]
    now = min(now, record.done_at) if record.done_at is not None else now
    done, of = gates.progress(deployment, plan.tasks, now)
    open_ = record.done_at is None and deployment.phase is Phase.LIVE
    blocks = [
        kit.section(f"*{esc(plan.title)} · {esc(deployment.service)} {esc(deployment.version)}*\n{done} of {of} done")
    ]
    blocks += [line(deployment, task, now, pressable=open_) for task in plan.tasks]
    measured = _measured(deployment, plan.tasks, now)
    if measured:
        blocks.append(kit.context(measured))
    if record.done_at is not None:
        blocks.append(kit.context(f"done {moment(record.done_at, 'date_time')}"))
    elif not open_:
        blocks.append(kit.context(f"closed with {esc(deployment.id)}: {signs.TITLES[deployment.phase].lower()}"))
    else:
        blocks.append(kit.context(_what_next(deployment, plan, now)))
        snooze = kit.button("Snooze 4 h", ids.SNOOZE, ids.value(deployment.id, plan.key))
        rows = footer(deployment, plan.key, plan.tasks)
        rows[0]["elements"].append(snooze)
        blocks += rows
    return blocks


def _what_next(deployment: Deployment, plan: FollowUpPlan, now: datetime) -> str:
    record = deployment.follow_ups[plan.key]
    if record.snoozed_until is not None and record.snoozed_until > now:
        return f"snoozed until {moment(record.snoozed_until, 'date_time')}"
    captain = esc(deployment.captain.name)
    if record.captain_at is not None:
        return f"the backups were asked, and {captain} {moment(record.captain_at, 'date_time')}"
    if record.escalated_at is not None:
        return f"the backups were asked {moment(record.escalated_at, 'date_time')}; then {captain}"
    if record.reminded_at is not None:
        return f"reminded {moment(record.reminded_at, 'date_time')}; then the backups, then {captain}"
    return f"a reminder comes if it stays open, then the backups are asked, then {captain}"
