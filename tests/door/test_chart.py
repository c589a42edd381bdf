"""When a deployment is through, its course stands in the thread as a picture."""

from pathlib import Path

from world import World

from bot.views import charting


async def picture(w: World, key: str):
    return next((one for one in await w.messages() if one.key == key), None)


async def test_a_deployment_that_is_live_gets_one_picture_that_does_not_change(w: World):
    await w.verifying()
    await w.script_ends("health")
    await w.watch_sees(since=400)
    assert await picture(w, charting.LIVE) is None
    await w.ticks("U000ANA", "Answers well")

    drawn = await picture(w, charting.LIVE)

    assert drawn is not None
    assert (drawn.in_thread, drawn.title) == (True, "shop 1.4.2 → production while it was deployed")
    assert drawn.file == "shop-1"
    await w.watch_sees(since=500, gap=3.0)
    assert await picture(w, charting.LIVE) == drawn


async def test_the_picture_says_in_words_what_it_shows_and_which_steps_ran(w: World):
    one = await w.live()

    chart = charting.chart(one, charting.LIVE)

    assert chart is not None
    assert chart.numbers == (
        "Available 100 %: 0 of 400 probes failed · longest gap 0 ms · p50 10 ms (+0 %) · p95 20 ms (+0 %) · p99 30 ms (+0 %)"
    )
    assert [band.title for band in chart.bands] == ["Execute deploy script", "Run health checks"]
    assert chart.zero_at == one.deploy_at


async def test_a_way_back_is_drawn_too_and_one_that_nobody_watched_is_not(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    assert await picture(w, charting.BACK) is None
    await w.watch_sees(since=40)
    await w.presses("U000CHLOE", "Roll back", message="alarm:0")
    await w.script_ends("rollback")
    await w.presses("U000DMITRI", "Go ahead")
    await w.script_ends("restore")
    await w.announced("notify-rollback")

    drawn = await picture(w, charting.BACK)

    assert drawn is not None
    assert drawn.title.endswith("until it was rolled back")
    one = await w.store.get("shop-1")
    chart = charting.chart(one, charting.BACK)
    assert chart is not None
    assert [band.title for band in chart.bands if band.failed] == ["Execute deploy script"]
    shown = charting.with_picture(drawn, Path("watches") / "shop-1" / "rolled_back.png", chart)
    assert charting.as_projected(shown) == drawn
