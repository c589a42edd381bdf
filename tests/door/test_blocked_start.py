"""What would be in the way of a start is told in the form, before anybody has filled it in."""

from world import World

from bot.terminal import plain


def warned(w: World) -> list[str]:
    return [plain(one["text"]["text"]) for one in w.view()["blocks"] if one["type"] == "section"]


async def test_nothing_in_the_way_is_nothing_said(w: World):
    await w.types("U000MARA", "start shop")

    assert warned(w) == []


async def test_the_form_tells_who_is_there_already_and_since_when(w: World):
    await w.types("U000IVY", "start shop 1.5.0")

    await w.types("U000MARA", "start shop")
    assert warned(w) == [
        "⚠️ production is taken by shop 1.5.0 (shop-1, Ivy Chen, since 23 Nov 2026 14:00 UTC), which is in preflight."
    ]

    await w.chooses_in_form("U000MARA", "choose_environment", "staging", choose_service="shop")
    assert warned(w) == [], "staging is free"


async def test_the_form_tells_of_a_change_freeze(w: World):
    await w.types("U000ANA", "freeze shop stock is <counted>")

    await w.types("U000MARA", "start shop")

    assert len(warned(w)) == 1
    assert "stock is <counted>" in warned(w)[0]


async def test_the_form_tells_that_nobody_let_me_into_the_channel(w: World):
    w.slack.member_of.discard("C0SHOP")

    await w.types("U000MARA", "start shop")

    assert warned(w) == ["⚠️ I am not in #shop, where shop is deployed. Type /invite @T-Minus there, then start again."]
