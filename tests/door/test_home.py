"""App Home: what waits for somebody stands there with what they need to do it."""

from collections.abc import Iterator
from typing import Any

from world import World

from bot.views.home import home


async def at_home(w: World, user: str) -> list[dict[str, Any]]:
    return home(user, await w.store.find(), w.clock.now())["blocks"]


def elements(blocks: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in blocks:
        for one in [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]:
            yield block.get("text", {}).get("text", ""), one


def labels(blocks: list[dict[str, Any]]) -> list[str]:
    return [one["text"]["text"] for _, one in elements(blocks) if one["type"] == "button"]


async def presses(w: World, user: str, blocks: list[dict[str, Any]], label: str) -> None:
    """A button of this label, or the box beside this title; Home has no message and no channel."""
    element = next(
        one for title, one in elements(blocks) if one.get("text", {}).get("text") == label or (label in title and label)
    )
    if element["type"] == "checkboxes":
        element = element | {"selected_options": element["options"]}
    body = {"type": "block_actions", "user": {"id": user}, "team": {"id": "T"}, "trigger_id": "T1"}
    where = {"container": {"type": "view", "view_id": "V"}, "view": {"id": "V", "type": "home", "blocks": blocks}}
    await w._send({**body, **where, "actions": [{**element, "block_id": "b"}]})


async def test_a_sign_off_is_given_or_refused_at_home(w: World):
    await w.opened()
    await w.measured()
    chloe = await at_home(w, "U000CHLOE")
    assert labels(chloe) == ["Start a deployment", "Go", "No-go…"]

    await presses(w, "U000CHLOE", chloe, "No-go…")
    assert w.view()["title"]["text"] == "No-go"
    await presses(w, "U000CHLOE", chloe, "Go")

    assert [given.role for given in (await w.store.get("shop-1")).sign_offs] == ["dba"]
    assert labels(await at_home(w, "U000CHLOE")) == ["Start a deployment"]


async def test_an_item_is_ticked_at_home_and_goes_away(w: World):
    await w.opened()
    chloe = await at_home(w, "U000CHLOE")
    assert "1 item to tick" in str(chloe)

    await presses(w, "U000CHLOE", chloe, "Capacity looked at")

    assert "capacity" in (await w.store.get("shop-1")).ticks
    assert "Capacity looked at" not in str(await at_home(w, "U000CHLOE"))


async def test_an_item_that_needs_evidence_asks_for_it_at_home_too(w: World):
    await w.opened()

    await presses(w, "U000ANA", await at_home(w, "U000ANA"), "Plan verified")

    assert w.view()["title"]["text"] == "Evidence"


async def test_a_step_that_waits_for_a_word_is_let_go_at_home(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    await w.script_ends("rollback")
    dmitri = await at_home(w, "U000DMITRI")
    assert labels(dmitri) == ["Start a deployment", "Go ahead", "Skip, because…"]
    assert labels(dmitri)[1:] == (await w.buttons())[:2], "the card has the same"

    await presses(w, "U000DMITRI", dmitri, "Go ahead")

    assert "Go ahead" not in labels(await at_home(w, "U000DMITRI"))


async def test_whoever_decides_at_home_has_every_way_there(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    chloe = await at_home(w, "U000CHLOE")
    assert labels(chloe) == ["Start a deployment", "Roll back", "Retry", "Accept, because…"]
    assert "Execute deploy script: exited 3" in str(chloe)
    assert labels(await at_home(w, "U000MARA")) == ["Start a deployment", "Roll back", "Retry"]

    await presses(w, "U000CHLOE", chloe, "Accept, because…")

    assert w.view()["title"]["text"] == "Accept"


async def test_a_hold_is_told_at_home_and_released_there_by_those_who_may(w: World):
    await w.opened()
    await w.types("U000CHLOE", "hold the queue is draining")

    for user, may in (("U000BEN", True), ("U000MARA", False), ("U000IVY", False)):
        shown = await at_home(w, user)
        assert "by Chloé Martin: “the queue is draining”" in str(shown)
        assert ("Resume" in labels(shown)) is may
    await w.presses_at_home("U000BEN", "Resume")

    assert (await w.store.get("shop-1")).hold is None
    assert "Resume" not in labels(await at_home(w, "U000BEN"))


async def test_the_tasks_of_a_follow_up_are_ticked_at_home(w: World):
    await w.live()
    assert "User flows verified" not in str(await at_home(w, "U000ANA"))
    await w.passes(hours=2)
    ana = await at_home(w, "U000ANA")
    assert "1 task for you" in str(ana)

    await presses(w, "U000ANA", ana, "User flows verified")

    assert (await w.store.get("shop-1")).follow_ups["immediate"].done_at is not None


async def test_two_deployments_of_the_same_items_keep_their_boxes_apart(w: World):
    await w.opened()
    await w.types("U000MARA", "start depot 2.0.0", channel="depot")

    ids = [block["block_id"] for block in await at_home(w, "U000CHLOE") if "block_id" in block]

    assert len(ids) == len(set(ids)) == 2


async def test_whoever_presses_at_home_or_sends_a_form_is_shown_their_home_first(w: World):
    await w.opened()
    await w.measured()

    await w.presses_at_home("U000CHLOE", "No-go…")
    assert w.slack.pressed_in == [("U000CHLOE", "")]
    await w.submits("U000CHLOE", reason="the restore was never tried")

    assert w.slack.pressed_in == [("U000CHLOE", ""), ("U000CHLOE", "")]
