"""What a monitoring system reads of the bot, as its own parser understands it."""

from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import __version__, metrics
from bot.errors import Unreachable
from bot.model import Verdict, WatchReport, Window
from tests.door.world import World

pytestmark = pytest.mark.real

OUTCOMES = {("chat.update", "ok"): 7, ("chat.update", "ratelimited"): 2}


async def scraped(tell) -> httpx.Response:
    async with metrics.serving(tell, "127.0.0.1:0") as port, httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.get(f"http://127.0.0.1:{port}/metrics")


async def told(w: World) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    answer = await scraped(lambda: metrics.text(w.store, OUTCOMES, w.clock.now()))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def test_what_is_under_way_is_told_to_a_monitoring_system(w: World):
    await w.opened()
    await w.measured("tls", Verdict.FAIL)
    w.clock.advance(timedelta(minutes=11))
    await w.engine.look("shop-1")
    seen = await told(w)

    assert seen["tminus_build_info", __version__] == 1
    assert (seen["tminus_deployments", "preflight"], seen["tminus_deployments", "live"]) == (1, 0)
    assert (seen["tminus_checks", "fail"], seen["tminus_checks", "pass"]) == (1, 0)
    assert seen["tminus_scripts_running",] == 0
    assert seen["tminus_slack_calls_total", "chat.update", "ratelimited"] == 2
    # Slack is only spoken for here: nothing stands there yet, the reminders as little as the card.
    assert seen["tminus_messages_owed",] == len(await w.messages())
    assert seen["tminus_oldest_owed_message_age_seconds",] >= 660
    assert seen["tminus_reminders_shown",] == 0

    for one in await w.store.outbox.owed():
        await w.store.outbox.sending(one)
        await w.store.outbox.shown(one, channel=one.to, ts="1.1", shown_hash=one.wanted_hash)
    seen = await told(w)
    assert (seen["tminus_messages_owed",], seen["tminus_oldest_owed_message_age_seconds",]) == (0, 0)
    assert seen["tminus_reminders_shown",] == len([key for key in await w.keys() if key.startswith("remind:")]) > 0


async def test_what_becomes_less_when_somebody_deletes_it_in_slack_is_no_counter(w: World):
    await w.opened()
    families = text_string_to_metric_families((await metrics.text(w.store, OUTCOMES, w.clock.now())).decode())

    assert [one.name for one in families if one.type == "counter"] == ["tminus_slack_calls"]


async def test_a_script_that_runs_and_a_watch_that_sees_nothing_are_told_to_a_monitoring_system(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    await w.script_runs("freeze")
    last = Window(probes=20, to_at=w.clock.now() - timedelta(seconds=90))
    await w.engine.watch_reported(WatchReport(id="shop-1", alive=True, baseline=last, since=Window(), recent=last))
    seen = await told(w)

    assert (seen["tminus_deployments", "preparing"], seen["tminus_scripts_running",]) == (1, 1)
    assert seen["tminus_watch_last_probe_age_seconds", "shop-1"] >= 90


async def test_a_database_that_is_away_is_told_to_a_monitoring_system():
    async def tell() -> bytes:
        raise Unreachable("The database did not answer.")

    answer = await scraped(tell)
    assert (answer.status_code, answer.text) == (503, "The database did not answer.")
