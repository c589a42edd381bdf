"""A deployment from its first word to its rollback: is there a handler for everything that could be pressed on the way?"""

from collections.abc import Iterator
from typing import Any

from bot.views import home
from tests.cli.test_manifest import registered
from tests.door.world import World


def pressable(node: Any) -> Iterator[str]:
    """The ids of all elements whose press reaches the bot; an input's only when it is dispatched."""
    if isinstance(node, dict):
        if node.get("type") == "input" and not node.get("dispatch_action"):
            return
        if isinstance(node.get("action_id"), str):
            yield node["action_id"]
        for value in node.values():
            yield from pressable(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from pressable(value)


async def shown(w: World) -> set[str]:
    """What can be pressed now: in messages, in App Home of everybody, and in the modals that opened."""
    found: set[str] = set()
    for deployment in await w.store.find():
        for message in await w.messages(deployment.id):
            found |= set(pressable(list(message.blocks)))
    for user in ("U000MARA", "U000ANA", "U000CHLOE"):
        found |= set(pressable(home.home(user, await w.store.find(), w.clock.now())))
    for view in w.slack.views.values():
        found |= set(pressable(view))
    return found


async def test_whatever_is_shown_on_the_way_has_a_handler(w: World):
    seen: set[str] = set()
    callbacks: set[str] = set()

    async def look() -> None:
        nonlocal seen, callbacks
        seen |= await shown(w)
        callbacks |= {view["callback_id"] for view in w.slack.views.values()}

    await w.types("U000MARA", "start shop")
    await look()
    await w.clear()
    await look()
    await w.presses("U000ANA", "Hold…")
    await w.submits("U000ANA", reason="a moment")
    await look()
    await w.presses("U000ANA", "Resume")
    await w.presses("U000MARA", "Start")
    await look()
    await w.script_ends("freeze", code=1)
    await look()
    await w.presses("U000MARA", "Retry")
    await w.script_ends("freeze")
    await w.announced("notify")
    await w.watch_sees()
    await look()
    await w.script_ends("deploy", code=1)
    await look()
    await w.presses("U000ANA", "Accept, because…")
    await w.submits("U000ANA", reason="it is up")
    await look()
    await w.script_ends("health")
    await w.watch_sees(since=400)
    await w.ticks("U000ANA", "Answers well")
    await w.passes(hours=2)
    await look()
    await w.types("U000ANA", "rollback it is slow")
    await look()
    await w.presses("U000ANA", "Roll back")
    await w.script_ends("rollback")
    await look()

    listened = registered()
    assert seen <= set(listened["action"])
    # `read` is the modal that only shows something.
    assert callbacks <= set(listened["submission"]) | {"read"}
    assert {"start", "tick", "retry", "roll_back", "snooze", "open_start", "confirm"} <= seen, "the walk saw little"
