"""How do the watch and the question whether to roll back look?"""

from collections.abc import Iterator
from datetime import datetime

from bot.model import Alarm, Blind, Deployment, Person, Phase, Window
from bot.recorded import was_late
from bot.text import duration, esc, mention, moment, number, percent
from bot.views import card, ids, itself, kit, signs, steps
from bot.views.kit import Block
from bot.views.leftover import not_well

#: From here on the prober's own lag is more than what it measures on a quiet machine.
_LAGS_S = 0.05


def watch(deployment: Deployment) -> list[Block]:
    """Availability and latency since the deploy script began, against the time before."""
    report, plan = deployment.watch, deployment.plan.watch
    if report is None or plan is None:
        return []
    seen = report.since if report.since.probes else report.baseline
    rate = plan.rate if deployment.live_at is None else plan.live_rate
    places = len(plan.addresses) or 1
    addresses = f"{places} addresses" if places > 1 else "1 address"
    blocks = [kit.section(f"*Watch* · {number(rate)} probes a second · {addresses}")]
    if not seen.probes:
        blocks.append(kit.section(esc(report.problem or "The first probes are on their way.")))
        return blocks
    if not report.since.probes:
        blocks.append(kit.section(f"Baseline: {number(seen.probes)} probes · {_latencies(seen, seen)}"))
    else:
        lost = seen.lost + seen.errors
        available = percent(1 - lost / seen.probes)
        blocks.append(
            kit.section(
                f"{'✅' if not lost else '⚠️'} *Available {available}*: {number(seen.lost)} lost and {number(seen.errors)} errors of "
                f"{number(seen.probes)} · longest gap {duration(seen.longest_gap_s)}{_not_measured(seen)}\n"
                f"{_latencies(seen, report.baseline)}"
            )
        )
    during = report.during
    if during.probes and during != report.since:
        failed = f"{number(during.lost + during.errors)} of {number(during.probes)} probes failed"
        gap = f"longest gap {duration(during.longest_gap_s)}{_not_measured(during)}"
        blocks.append(kit.section(f"While it was deployed: {failed} · {gap}"))
    notes = []
    if report.problem:
        notes.append(esc(report.problem))
    if report.last_error:
        notes.append(f"last error: {esc(report.last_error[:200])}")
    if seen.lag_p95_s is not None:
        notes.append(f"the prober's own lag p95 {duration(seen.lag_p95_s)}")
    blocks.append(kit.context(" · ".join(notes) or "measured by its own process"))
    return blocks


def _not_measured(seen: Window) -> str:
    """Nobody looked for so long: neither good nor bad."""
    return f" · ❔ not measured for {duration(seen.not_measured_s)}" if seen.not_measured_s else ""


def _latencies(seen: Window, baseline: Window) -> str:
    parts: list[str] = []
    for name, value, before in (
        ("p50", seen.p50_s, baseline.p50_s),
        ("p95", seen.p95_s, baseline.p95_s),
        ("p99", seen.p99_s, baseline.p99_s),
    ):
        if value is None:
            continue
        change = f" ({value / before - 1:+.0%})".replace("%", " %") if before and baseline is not seen else ""
        parts.append(f"{name} {duration(value)}{change}")
    return "   ".join(parts)


def alarm(deployment: Deployment, one: Alarm) -> list[Block]:
    """Roll back, or accept? With the numbers, and afterwards with what was decided."""
    if one.settled_at is not None:
        reason = f": “{esc(one.reason)}”" if one.reason else ""
        return [
            kit.section(f"🚨 *{esc(one.title)}*: {esc(one.detail)}"),
            kit.context(f"{decided(one)} {moment(one.settled_at)}{reason}"),
        ]
    blocks = [kit.section(f"🚨 *Roll back?* {esc(one.title)}: {esc(one.detail)}\n{called(deployment)}")]
    if ours := _our_own_lag(deployment):
        blocks.append(kit.context(ours))
    if stands := _stands_still(deployment, one):
        blocks.append(kit.context(stands))
    if deployment.phase is Phase.DECIDING:
        carried = ids.value(deployment.id)
        hold = card.resume_button(deployment) or kit.button("Hold and look…", ids.HOLD, carried)
        accept = kit.button("Accept, because…", ids.ACCEPT, carried)
        retry = steps.retry_button(deployment) if one.key.startswith("step-") else None
        blocks += kit.actions(
            card.roll_back_button(deployment), retry, hold, accept, itself.stop_button(deployment, one)
        )
    return blocks


def decided(one: Alarm) -> str:
    """Who decided it, and how."""
    done = {"accepted": "accepted", "rolled_back": "rolled back", "retried": "retried"}.get(one.how, one.how)
    return f"{esc(one.settled_by.name if one.settled_by else 'somebody')} {done}"


def _stands_still(deployment: Deployment, one: Alarm) -> str:
    """Whether time alone decides this, and how somebody stops that; empty where neither time nor a hold plays a part."""
    said = itself.told(deployment, one)
    return f"{card.hold_line(deployment)}. {said}".rstrip() if deployment.hold is not None else said


def _our_own_lag(deployment: Deployment) -> str:
    """What has to be known before anybody blames the service; empty while the prober is on time."""
    seen = deployment.watch.since if deployment.watch is not None else None
    if seen is None or seen.lag_p95_s is None or seen.lag_p95_s < _LAGS_S:
        return ""
    said = was_late(seen.lag_p95_s)
    return f"{said[0].upper()}{said[1:]}."


def asked(deployment: Deployment, one: Alarm, at: datetime) -> Iterator[Person]:
    """Who has been asked by then: the captain and the first role of the roster; once that was not enough, all of it."""
    yield from _first(deployment)
    if one.reminded_at is not None and one.reminded_at <= at:
        yield from (person for seat in deployment.roster for person in (seat.contact, seat.backup))


def called(deployment: Deployment) -> str:
    """The people who have to act: the captain, and the first role of the roster."""
    return " ".join(mention(one) for one in dict.fromkeys(person.id for person in _first(deployment)))


def _first(deployment: Deployment) -> list[Person]:
    return [deployment.captain, *(seat.contact for seat in deployment.roster[:1])]


def blind_text(deployment: Deployment, one: Blind) -> str:
    """What nobody can see since when, and that nothing proposes a rollback meanwhile."""
    if one.until is not None:
        return f"👁 {esc(one.title)} can be seen again, since {moment(one.until)}; from {moment(one.since)} on nobody could."
    if deployment.over:
        return f"🙈 {esc(one.title)} could not be seen from {moment(one.since)} on: {esc(one.detail)}"
    return (
        f"🙈 We are blind: {esc(one.title)} cannot be seen since {moment(one.since)}: {esc(one.detail.rstrip('.'))}. Nothing proposes "
        f"a rollback for it meanwhile; look yourselves, and mend what measures it. {mention(deployment.captain.id)}"
    )


def unwell(deployment: Deployment) -> str:
    """Who has to look at what went back and is not well; empty where it is. Nobody is asked again."""
    said = not_well(deployment)
    if not said:
        return ""
    name = esc(signs.name(deployment))
    return f"⚠️ {name} is rolled back, and not well: {said} Nothing watches it from here on; look yourselves. {called(deployment)}"


def alarm_text(deployment: Deployment, one: Alarm) -> str:
    return f"🚨 Roll back {esc(signs.name(deployment))}? {esc(one.title)}: {esc(one.detail)}"
