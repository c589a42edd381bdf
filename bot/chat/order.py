"""Which messages may go now, and in what order? Pure."""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

from bot.chat.budget import Rank
from bot.model import MessageState, Owed

#: A message is named by its deployment and its key, for ever.
Name = tuple[str, str]

#: The root of a deployment's thread.
CARD = "card"

_HOME = "home:"
_LIVE = ("run:", "watch")

_PATIENCE_S = 30.0

_EVER = datetime.min.replace(tzinfo=UTC)


def name_of(owed: Owed) -> Name:
    return owed.deployment, owed.key


def home_of(owed: Owed) -> str:
    """Whose App Home this is; empty for a message."""
    return owed.key.removeprefix(_HOME) if not owed.deployment and owed.key.startswith(_HOME) else ""


def is_live(owed: Owed) -> bool:
    """The tail of a run, or the numbers of the watch, already shown: the next ones replace them anyway."""
    return owed.key.startswith(_LIVE) and owed.state is MessageState.SHOWN and not owed.urgent


def rank_of(owed: Owed, waited_s: float) -> Rank:
    """Nobody is kept waiting for ever: every half minute improves the rank by one."""
    rank = Rank.URGENT if owed.urgent else Rank.LIVE if is_live(owed) else Rank.NORMAL
    return Rank(max(rank - int(waited_s / _PATIENCE_S), Rank.URGENT))


def lane_of(owed: Owed) -> str:
    """New messages of one lane appear in order: a thread with its root, else a channel or a person."""
    if owed.in_thread or owed.key == CARD:
        return f"thread {owed.deployment}"
    return f"to {owed.to}"


def candidates(
    owed: Iterable[Owed], stuck: Collection[Name] = (), rank: Callable[[Owed], Rank] = lambda one: rank_of(one, 0)
) -> list[Owed]:
    """What may go as far as order is concerned: every change of a shown message, and the next new ones of each lane.

    Those of the same rank go by age, and whoever has waited long has gained rank: what is said all the time starves nobody.
    But a live tail never goes before what somebody waits for: the next one replaces it anyway.

    The root goes before its replies. What may already be in Slack (it is looked up) keeps its place, so the others of
    its lane wait; what is urgent does not wait for them, only for the root. What is stuck on a fault of its own is passed by.
    """
    ready: list[Owed] = []
    lanes: dict[str, list[Owed]] = {}
    for one in owed:
        if one.state is MessageState.SHOWN or home_of(one):
            ready.append(one)
        else:
            lanes.setdefault(lane_of(one), []).append(one)
    for lane in lanes.values():
        ready.extend(_next_of(sorted(lane, key=_place), stuck))
    return sorted(ready, key=lambda one: (rank(one), is_live(one), one.dirty_at or _EVER))


def _place(owed: Owed) -> tuple[bool, bool, datetime]:
    return owed.key != CARD, not owed.urgent, owed.dirty_at or _EVER


def _next_of(lane: list[Owed], stuck: Collection[Name]) -> Iterable[Owed]:
    yield from (one for one in lane if one.state is MessageState.SENDING)
    uncertain = False
    for one in lane:
        if one.state is MessageState.SENDING:
            uncertain = True
        elif not uncertain or one.urgent:
            yield one
            if name_of(one) not in stuck:
                return
        if one.key == CARD:
            return
