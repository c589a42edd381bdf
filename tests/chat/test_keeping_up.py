"""How far behind the record may a message be while others change all the time? The loop itself, in a time of its own."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

from bot.chat.budget import Budget
from bot.chat.loop import Loop
from bot.chat.order import home_of
from bot.model import MessageState, Owed, Wanted
from bot.views import steps
from tests.chat.conftest import card, reply
from tests.chat.fakes import FakeOutbox, hash_of

#: One update in 1.5 s is what Slack's tier leaves when a burst is spent; so far behind is two of them.
BEHIND_S = 4.0
#: So often somebody looks, and so long it goes on.
EVERY_S, LONG_S = 0.25, 240.0


class At:
    """The time of this little world."""

    def __init__(self) -> None:
        self.now = 0.0


class Taking:
    """Slack takes whatever the budget lets through, and when each form came to stand is written down."""

    def __init__(self, outbox: FakeOutbox) -> None:
        self.outbox = outbox
        self.at = at = At()
        self.loop = Loop(outbox, self, Budget(), grace_s=1, poll_s=1, now=lambda: at.now)  # pyright: ignore[reportArgumentType]
        self.stood: list[tuple[float, str, str]] = []

    async def bring(self, owed: Owed) -> None:
        if home_of(owed):
            await self.outbox.shown(owed, channel="", ts="", shown_hash=owed.wanted_hash)
            self.stood.append((self.at.now, owed.key, owed.wanted_hash))
            return
        wanted = await self.outbox.render(owed.deployment, owed.key)
        assert wanted is not None
        channel, ts = standing(owed.key)
        await self.outbox.shown(owed, channel=channel, ts=ts, shown_hash=hash_of(wanted))
        self.stood.append((self.at.now, owed.key, wanted.text))

    def when(self, key: str, *texts: str) -> float:
        """When one of these stood there first; never: after the end."""
        return next((at for at, which, text in self.stood if which == key and text in texts), 2 * LONG_S)


def standing(key: str) -> tuple[str, str]:
    """Channel and ts of the message with this key."""
    return "C1", key


async def lived(say: Callable[[FakeOutbox, float, Taking], None]) -> Taking:
    """The loop with Slack's real budget, for as long as it takes, in no time."""
    outbox = FakeOutbox()
    taking = Taking(outbox)
    at, loop = taking.at, taking.loop
    async with asyncio.TaskGroup() as tasks:
        while at.now < LONG_S:
            say(outbox, at.now, taking)
            await loop._look(tasks)
            while loop._busy.names:
                await asyncio.sleep(0)
            at.now += EVERY_S
    return taking


def _as_the_views_say(key: str, text: str) -> Wanted:
    return reply(key, text, urgent=key.startswith("steps:") and steps.URGENT)


async def test_the_list_of_steps_is_at_most_a_moment_behind_while_tails_change_all_the_time():
    changed: dict[str, float] = {}

    def say(outbox: FakeOutbox, now: float, _: Taking) -> None:
        outbox.want("shop-1", card(f"card {now // 3}", urgent=True))
        for tail in ("run:deploy", "run:health", "run:smoke", "watch"):
            outbox.want("shop-1", reply(tail, f"{tail} {now}"))
        for number in range(int(now / 20) + 1):
            outbox.want("shop-1", reply(f"log:{number}"))
        step = f"{int(now / 5)} of 50 steps"
        changed.setdefault(step, now)
        outbox.want("shop-1", _as_the_views_say("steps:preparing", step))

    taking = await lived(say)

    said = [(step, at) for step, at in changed.items() if at < LONG_S - 2 * BEHIND_S]
    behind = {step: taking.when("steps:preparing", *list(changed)[n:]) - at for n, (step, at) in enumerate(said)}
    assert max(behind.values()) <= BEHIND_S, behind
    assert sum(key == "watch" for _, key, _ in taking.stood) > LONG_S / 60, "the tails go on, too"


async def test_what_is_ordinary_is_not_kept_waiting_for_ever_by_what_is_urgent():
    def say(outbox: FakeOutbox, now: float, _: Taking) -> None:
        outbox.want("shop-1", card(f"card {now}", urgent=True))
        outbox.want("shop-1", reply("alarm", f"alarm {now}", urgent=True))
        outbox.want("shop-1", reply("section:1", "before" if now < 20 else "after"))

    taking = await lived(say)

    assert taking.outbox.state("shop-1", "section:1") is MessageState.SHOWN
    assert taking.when("section:1", "after") <= 20 + 30 + BEHIND_S


async def test_a_card_whose_numbers_change_all_the_time_starves_nobody():
    """A failing criterion stands on the card with numbers of the watch, which are others each second."""
    ticked: dict[str, float] = {}

    def say(outbox: FakeOutbox, now: float, _: Taking) -> None:
        outbox.want("shop-1", card(f"{now} of 5,544 probes failed", urgent=True))
        outbox.want("shop-1", reply("watch", f"watch {now}"))
        done = f"{int(now / 20)} of 6"
        ticked.setdefault(done, now)
        outbox.want("shop-1", reply("criteria", done))

    taking = await lived(say)

    behind = {done: taking.when("criteria", *list(ticked)[n:]) - at for n, (done, at) in enumerate(ticked.items())}
    assert max(list(behind.values())[:-1]) <= 2 * BEHIND_S, behind


async def test_a_card_that_was_calm_is_sent_at_once():
    said: dict[str, float] = {}

    def say(outbox: FakeOutbox, now: float, _: Taking) -> None:
        signed = f"{int(now / 30)} signed"
        said.setdefault(signed, now)
        outbox.want("shop-1", card(signed, urgent=True))

    taking = await lived(say)

    assert all(taking.when("card", signed) - at <= EVERY_S for signed, at in list(said.items())[:-1])


async def test_whoever_ticks_one_box_after_another_waits_for_none_of_them():
    """Whatever else changes at the same time: the message that was pressed in is shown first."""
    others = [f"{what}:{number}" for what in ("section", "verify", "ask", "run", "alarm") for number in range(4)]
    ticked = [0.0]

    def say(outbox: FakeOutbox, now: float, taking: Taking) -> None:
        outbox.want("shop-1", card(f"{now} of 5,544 probes failed", urgent=True))
        for key in others:
            outbox.want("shop-1", reply(key, f"{now}", urgent=key.startswith("alarm")))
        if taking.when("verification", f"{len(ticked)} of 24") <= now and len(ticked) < 24:
            ticked.append(now)
            taking.loop.pressed(*standing("verification"))
        outbox.want("shop-1", reply("verification", f"{len(ticked)} of 24"))

    await lived(say)

    waited = [after - before for before, after in pairwise(ticked[1:])]
    assert len(waited) == 22
    assert max(waited) <= BEHIND_S, waited


async def test_a_box_is_shown_as_ticked_at_once_when_nothing_else_happens():
    """Everybody who was asked to sign has a message that counts the boxes, too; nobody waits for those."""
    asked = [f"ask:{role}" for role in ("devops", "database", "security", "product")]
    ticked = [0.0]

    def say(outbox: FakeOutbox, now: float, taking: Taking) -> None:
        if taking.when("section:1", f"{len(ticked)} of 24") <= now and len(ticked) < 24:
            ticked.append(now)
            taking.loop.pressed(*standing("section:1"))
        for key in ("section:1", *asked):
            outbox.want("shop-1", reply(key, f"{len(ticked)} of 24"))
        outbox.want("shop-1", card(f"{len(ticked)} of 24", urgent=True))

    await lived(say)

    waited = [after - before for before, after in pairwise(ticked[1:])]
    assert len(waited) == 22
    assert sum(waited) / len(waited) <= 2.0, waited


async def test_what_was_pressed_is_shown_once_and_then_waits_its_turn_again():
    """The tail of a run in which somebody pressed *Cancel* changes all the time; the others are not to wait for it."""
    cancelled = 60.0
    changed: dict[str, float] = {}

    def say(outbox: FakeOutbox, now: float, taking: Taking) -> None:
        outbox.want("shop-1", reply("run:deploy", f"line {now}"))
        if now == cancelled:
            taking.loop.pressed(*standing("run:deploy"))
        done = f"{int(now / 5)} done"
        changed.setdefault(done, now)
        outbox.want("shop-1", reply("section:1", done))

    taking = await lived(say)

    pressed = [at for at, key, _ in taking.stood if key == "run:deploy" and cancelled <= at < cancelled + 30]
    assert pressed[0] - cancelled <= EVERY_S, "it is shown at once"
    assert len(pressed) <= 30 / 3 + 4, "and then as rarely as a tail is"
    behind = [taking.when("section:1", *list(changed)[n:]) - at for n, at in enumerate(changed.values())]
    assert max(behind[:-1]) <= BEHIND_S


async def test_whoever_presses_at_home_sees_at_once_what_became_of_it_and_the_others_take_their_turns():
    """Whatever is saved changes every Home that was ever opened."""
    pressed: list[float] = []

    def say(outbox: FakeOutbox, now: float, taking: Taking) -> None:
        if now % 20 == 10:
            pressed.append(now)
            taking.loop.pressed("U0ANA", "")
        for person in ("U0ANA", "U0BEN", "U0CHLOE", "U0DMITRI"):
            outbox.want_home(person, f"{now}")

    taking = await lived(say)

    hers, his = ([at for at, key, _ in taking.stood if key == f"home:{who}"] for who in ("U0ANA", "U0BEN"))
    assert all(at in hers for at in pressed)
    assert not all(at in his for at in pressed)
    assert len(hers) - len(his) <= 6 * len(pressed), "and then as rarely as the others"
