"""A mention that is delivered again, because the bot died while it handled the first delivery: done once, and never lost."""

from unittest.mock import patch

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from world import World

import handlers
from bot.store import Store
from handlers.bolt import Bolt


class Died(Exception):
    """As far as this delivery is concerned, the process is gone."""


def comes_back(w: World) -> None:
    """Another process on the same record: it remembers nothing but that."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token="xoxb-1", bot_user_id="U000BOT")

    w.app = AsyncApp(authorize=authorize, signing_secret="test", process_before_response=True)
    handlers.register(Bolt(w.app, w.slack, w.slack), w.engine)
    w.slack.whispers.clear()


@pytest.mark.parametrize("saved", [False, True], ids=["before the commit", "after the commit"])
async def test_a_wish_survives_the_death_of_the_bot_and_is_done_once(w: World, saved):
    await w.opened()
    change = Store.change

    async def dies(store, *arguments, **how):
        if saved:
            await change(store, *arguments, **how)
        raise Died

    with patch.object(Store, "change", dies):
        await w.mentions("U000ANA", "hold the queue is draining", event_id="Ev7")
    comes_back(w)
    await w.mentions("U000ANA", "hold the queue is draining", event_id="Ev7")

    assert (await w.store.get("shop-1")).hold is not None
    assert (await w.story()).count("hold") == 1
    assert [words for _, words in w.slack.whispers] == ["shop-1 is on hold. /deploy resume releases it."]


async def test_a_question_is_answered_by_whoever_comes_back(w: World):
    await w.opened()
    with patch.object(Store, "find", side_effect=Died):
        await w.mentions("U000ANA", "why", event_id="Ev8")
    comes_back(w)
    await w.mentions("U000ANA", "why", event_id="Ev8")

    assert any("in the way" in words.lower() for _, words in w.slack.whispers)


async def test_a_freeze_that_is_asked_for_again_is_one_freeze(w: World):
    await w.opened()
    await w.mentions("U000ANA", "freeze Black Friday", event_id="Ev9")
    comes_back(w)
    await w.mentions("U000ANA", "freeze Black Friday", event_id="Ev9")

    assert len(await w.store.freezes()) == 1
