"""Will time alone roll this back, and how does somebody stop that?"""

from bot.model import Alarm, Deployment, Phase
from bot.text import Raw, esc, moment
from bot.views import ids, kit
from bot.views.kit import Block


def first(deployment: Deployment) -> Alarm | None:
    """What goes first by itself of all that is to be decided; else what somebody stopped; None: people decide anyway."""
    open_ = [one for one in deployment.alarms if one.settled_at is None] if deployment.phase is Phase.DECIDING else []
    goes = [one for one in open_ if one.auto_at is not None]
    stopped = next((one for one in open_ if one.stopped_by is not None), None)
    return min(goes, key=lambda one: one.auto_at or one.at) if goes else stopped


def told(deployment: Deployment, one: Alarm | None) -> Raw:
    """When it goes by itself, or why it does not any more; empty where only people decide."""
    if one is None:
        return Raw()
    if one.auto_at is None:
        if one.stopped_by is None:
            return Raw()
        when = f" {moment(one.stopped_at)}" if one.stopped_at is not None else ""
        stopped = f"{esc(one.stopped_by.name)} stopped that{when}"
        return Raw(f"It no longer rolls back by itself: {stopped}. It waits for somebody to decide.")
    if deployment.hold is not None:
        return Raw("Nothing rolls back by itself until somebody resumes it.")
    at = moment(one.auto_at, "time")
    return Raw(f"Rolling back by itself at {at} unless somebody decides. *Let people decide* stops that.")


def stop_button(deployment: Deployment, one: Alarm | None) -> Block | None:
    """Leaves it to people; None where it is theirs already."""
    if one is None or one.auto_at is None:
        return None
    return kit.button("Let people decide", ids.STOP_AUTO, ids.value(deployment.id))
