"""How is it told that a deployment is on hold, and that it goes on?"""

from datetime import datetime

from bot.model import Deployment, Hold, Phase
from bot.text import clip, duration, esc, mention, moment
from bot.views import asking, card, kit, signs, watching
from bot.views.kit import Block

#: Less than this has the same moment at both ends.
_MINUTE = 60

_ENDED = {"resumed": "resumed it", "aborted": "called it off", "rolled_back": "rolled it back"}


def hold(deployment: Deployment, one: Hold) -> tuple[str, list[Block]]:
    """Who stopped it, why, and who lets it go on; afterwards how it ended."""
    by, why = esc(one.by.name), f"“{esc(clip(one.reason, 500))}”"
    if one.ended_at is not None and one.ended_by is not None:
        lasted = (one.ended_at - one.at).total_seconds()
        from_to = f"from {moment(one.at)} to {moment(one.ended_at)}"
        from_to = from_to if lasted >= _MINUTE else f"for {duration(lasted)}, {moment(one.at)}"
        return f"⏸️ It was on hold by {by} {from_to}: {why}. {esc(one.ended_by.name)} {_ENDED[one.how]}.", []
    if deployment.over:
        return f"⏸️ It was on hold by {by} since {moment(one.at)}: {why}. {asking.is_now(deployment)}.", []
    said = (
        f"⏸️ {esc(signs.name(deployment))} is on hold by {by} since {moment(one.at)}: {why}. "
        f"{_stops(deployment)} until {esc(signs.releases(one))} presses *Resume*. {_called(deployment, one, one.at)}"
    ).strip()
    return said, [kit.section(said), *kit.actions(card.resume_button(deployment))]


def _stops(deployment: Deployment) -> str:
    match deployment.phase:
        case Phase.DECIDING if any(one.settled_at is None and one.auto_at is not None for one in deployment.alarms):
            return "Nothing rolls back by itself and nobody is reminded"
        case Phase.DECIDING:
            return "Nobody is reminded of the decision"
        case Phase.LIVE:
            return "Nobody is reminded of its follow-ups"
        case Phase.ROLLING_BACK | Phase.ABORTING:
            return "The way back goes on, but nobody is reminded and it does not end"
        case _:
            return "No step begins and nobody is reminded"


def resumed(deployment: Deployment, one: Hold) -> str:
    """Who let it go on, and after how long."""
    if one.ended_at is None or one.ended_by is None:
        return ""
    took = duration((one.ended_at - one.at).total_seconds())
    goes_on = f"▶️ {esc(signs.name(deployment))} goes on: {esc(one.ended_by.name)} resumed it {moment(one.ended_at)}"
    return f"{goes_on}, after {took} on hold by {esc(one.by.name)}. {_called(deployment, one, one.ended_at)}".strip()


def _called(deployment: Deployment, one: Hold, at: datetime) -> str:
    """Whoever started it, whoever stopped it, and whoever is asked to decide then; but nobody for what they did themselves."""
    did = one.ended_by or one.by
    open_ = [
        alarm for alarm in deployment.alarms if alarm.at <= at and (alarm.settled_at is None or at < alarm.settled_at)
    ]
    asked = [person for alarm in open_ for person in watching.asked(deployment, alarm, at)]
    called = dict.fromkeys(person.id for person in (deployment.captain, one.by, *asked) if person.id != did.id)
    return " ".join(mention(person) for person in called)
