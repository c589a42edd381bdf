"""How is somebody asked, in a direct message: for a sign-off, for a follow-up?"""

from datetime import datetime

from bot import gates
from bot.gates import Standing
from bot.model import Deployment, Person, Phase, Seat
from bot.plan import ItemPlan
from bot.text import clip, duration, esc, moment, plural
from bot.views import card, ids, kit, signs
from bot.views.kit import Block


def sign_off(deployment: Deployment, seat: Seat, person: Person, now: datetime) -> list[Block]:
    """Everything somebody needs to say go or no-go, and the buttons to say it."""
    title = f"*{esc(signs.name(deployment))}* wants your go as *{esc(seat.title)}*"
    if person.id == seat.backup.id:
        title += f", as backup for {esc(seat.contact.name)}"
    blocks = [kit.section(title), kit.section("\n".join(_facts(deployment, now)))]
    given = gates.sign_off(deployment, seat.role, now)
    carried = ids.value(deployment.id, seat.role)
    if given is not None:
        said = "🟢 GO" if given.go else f"🔴 NO-GO “{esc(clip(given.reason, 300))}”"
        stands_in = f", as backup for {esc(seat.contact.name)}" if given.as_backup else ""
        blocks.append(kit.section(f"{said}  {esc(given.by.name)}{stands_in}, {moment(given.at)}"))
        if deployment.phase is Phase.PREFLIGHT:
            change = (
                kit.button("Change my mind: no-go…", ids.NO_GO, carried)
                if given.go
                else kit.button("Change my mind: go", ids.GO, carried)
            )
            blocks += kit.actions(change)
        return blocks
    if deployment.phase is not Phase.PREFLIGHT:
        blocks.append(
            kit.context(
                f"{esc(deployment.id)} is {signs.TITLES[deployment.phase].lower()}; nothing is asked of you any more."
            )
        )
        return blocks
    go = kit.button("Go", ids.GO, carried, style="primary")
    no_go = kit.button("No-go…", ids.NO_GO, carried, style="danger")
    left = [
        one for one in gates.signers(deployment, seat.role) if one not in gates.asked_to_sign(deployment, seat.role)
    ]
    blocks += kit.actions(go, no_go, kit.button(f"Not me, ask {left[0].name}", ids.NOT_ME, carried) if left else None)
    if left:
        late = duration(deployment.plan.sign_off.escalate_after_s)
        blocks.append(kit.context(f"If nobody answers within {late}, {esc(left[0].name)} is asked."))
    alone = signs.only_one_signs(deployment, seat)
    if alone:
        blocks.append(kit.context(alone))
    return blocks


def ready(deployment: Deployment, now: datetime) -> tuple[str, list[Block]]:
    """What the captain reads once nothing is in the way: it waits for them. The text alone, and the blocks."""
    name = signs.name(deployment)
    waiting = len(list(gates.blockers(deployment, now)))
    if deployment.phase is not Phase.PREFLIGHT:
        said, button = f"is {signs.TITLES[deployment.phase].lower()}", None
    elif waiting:
        said, button = f"is not clear any more: {plural(waiting, 'thing')} in the way", None
    else:
        said, button = "is all clear. It waits for you to start it", card.start_button(deployment)
    where = f" (<{signs.link_target(deployment.thread)}|thread>)" if deployment.thread else ""
    blocks = [kit.section(f"*{esc(name)}* {said}.{where}"), *(kit.actions(button) if button else [])]
    return f"{esc(name)} {said}.", blocks


def _facts(deployment: Deployment, now: datetime) -> list[str]:
    standings = [gates.standing(deployment, item, now) for item in gates.preflight_items(deployment)]
    fails, warns, unknown = (standings.count(one) for one in (Standing.FAIL, Standing.WARN, Standing.UNKNOWN))
    measured = f"measured: {plural(fails, 'fail')}, {plural(warns, 'warning')}, {unknown} unknown"
    if not any(item.checks for item in gates.preflight_items(deployment)):
        measured = "nothing is measured"
    where = f" (<{signs.link_target(deployment.thread)}|thread>)" if deployment.thread else ""
    release = deployment.release
    by = f", by {plural(len(release.changes.authors), 'author')}" if release.changes else ""
    # Not how many items are ticked: four messages would be edited with every tick, and the thread says it anyway.
    lines = [f"{card.changes(deployment)}{by} · {measured}{where}"]
    backup = next((known for name, known in deployment.findings.items() if name == "backup"), None)
    last = next((step.title for step in deployment.plan.steps if step.no_return), "")
    back = f"Rollback: to {esc(release.previous or 'an unknown version')}"
    back += f" · backup: {esc(clip(backup.summary, 120))}" if backup else " · no backup was measured"
    lines.append(back + (f" · no return after “{esc(last)}”" if last else ""))
    return lines


def tasks(deployment: Deployment, title: str, open_: list[ItemPlan]) -> list[Block]:
    """What this person's role still has to tick, in a follow-up or in the verification."""
    where = f" (<{signs.link_target(deployment.thread)}|thread>)" if deployment.thread else ""
    lines = [f"*{esc(title)} · {esc(signs.name(deployment))}*: {plural(len(open_), 'task')} for you{where}"]
    lines += [f"☐ {esc(task.title)}" for task in open_]
    if not open_:
        lines = [f"*{esc(title)} · {esc(signs.name(deployment))}*: all of yours is done."]
    return [kit.section("\n".join(lines))]
