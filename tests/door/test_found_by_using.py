"""What somebody found who used the product for the first time: who is asked, what a line says, what a press offers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from world import World

from bot.decide.opening import check_somebody_can_sign
from bot.errors import Refused
from bot.model import Person, Phase, RunState, Seat, Verdict, WatchReport, Window
from bot.plan import StepKind
from bot.views import charting
from bot.views.home import home


async def test_a_captain_who_is_the_contact_of_a_role_is_passed_by_and_the_backup_is_asked_at_once(w: World):
    await w.types("U000ANA", "start shop 1.4.2")
    await w.measured()

    keys = await w.keys()

    assert "ask:lead:U000BEN" in keys
    assert "ask:lead:U000ANA" not in keys
    assert "DevOps Lead   ⏳ asked Ben Okafor" in await w.reads("card")
    assert "Not me" not in str(await w.buttons("ask:lead:U000BEN"))
    assert "the contact Ana Ruiz started this; only Ben Okafor can sign" in await w.reads("ask:lead:U000BEN")
    await w.passes(minutes=20)
    assert [one.to for one in await w.messages() if one.key == "remind:lead"] == ["U000BEN"]
    assert "ask:lead:U000ANA" not in await w.keys()


async def test_a_captain_who_is_the_backup_of_a_role_is_never_asked_for_it(w: World):
    await w.types("U000BEN", "start shop 1.4.2")
    await w.measured()

    assert await w.buttons("ask:lead:U000ANA") == ["Go", "No-go…"]
    assert "is asked" not in await w.reads("ask:lead:U000ANA")
    assert (
        "asked Ana Ruiz 23 Nov 2026 14:00 UTC (the backup Ben Okafor started this; only Ana Ruiz can sign)"
        in await w.reads("card")
    )
    await w.passes(minutes=20)
    assert "ask:lead:U000BEN" not in await w.keys()
    shown = str(home("U000BEN", [await w.store.get("shop-1")], w.clock.now()))
    assert "wants your go" not in shown
    with pytest.raises(Refused, match="Ben Okafor started shop-1 and signs for no role; only you can sign this"):
        await w.engine.pass_on("shop-1", "lead", by=await w.slack.person("U000ANA"))


async def test_whoever_fills_a_role_alone_cannot_start_since_nobody_could_sign(w: World):
    plan = (await w.opened()).plan
    ana = Person(id="U000ANA", name="Ana Ruiz")
    alone = Seat(role="lead", title="DevOps Lead", contact=ana, backup=ana)

    with pytest.raises(Refused, match="You are both contact and backup of DevOps Lead"):
        check_somebody_can_sign(plan, (alone,), ana)


async def test_the_waive_form_shows_the_line_that_is_accepted_also_when_the_record_says_it(w: World):
    await w.verifying()
    await w.script_ends("health")
    await w.watch_sees(since=400, gap=2.0)

    await w.chooses("U000ANA", "Zero downtime", "Waive…")

    assert "longest gap 2 s" in str(w.view())


async def test_a_no_go_stands_before_everything_that_is_merely_not_done(w: World):
    await w.opened()
    await w.measured(verdict=Verdict.FAIL, summary="5 days left")
    await w.types("U000CHLOE", "no-go the restore was never tried")
    await w.types("U000ANA", "hold lunch")

    why = (await w.types("U000MARA", "why")).splitlines()

    assert why[1].startswith("1. On hold by Ana Ruiz: lunch")
    assert why[1].endswith("somebody of the roster")
    assert why[2].startswith("2. Database Admin says no-go: the restore was never tried")
    assert why[3].startswith("3. Certificates valid: 5 days left")


async def test_the_card_and_the_question_offer_a_retry_when_a_step_failed(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)

    assert await w.buttons() == ["Roll back", "Retry", "Accept, because…"]
    assert "Retry" in await w.buttons("alarm:0")
    await w.presses("U000MARA", "Retry", message="card")

    assert await w.phase() == "deploying"
    await w.types("U000CHLOE", "rollback it is slow")
    assert await w.buttons() == ["Roll back", "Accept, because…"], "nothing failed this time"


async def test_a_step_that_failed_is_done_again_or_left_out_on_the_card(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    await w.script_ends("freeze", code=3)
    assert (await w.buttons())[:3] == ["Retry", "Skip, because…", "Hold…"]

    await w.presses("U000MARA", "Retry", message="card")
    assert "Retry" not in await w.buttons()


async def test_a_step_says_how_long_its_script_ran_not_when_it_was_noticed(w: World):
    await w.clear()
    await w.presses("U000MARA", "Start")
    w.clock.advance(timedelta(minutes=2, seconds=44))
    await w.script_ends("freeze", duration_s=24.0)

    assert "exited 0 · 24 s" in await w.reads("steps:preparing")


async def test_an_abort_says_who_called_it_off(w: World):
    await w.opened()
    await w.types("U000CHLOE", "abort the supplier is down")

    assert "Chloé Martin called it off: “the supplier is down”" in await w.reads("card")


async def test_a_rolled_back_card_says_who_decided_it_and_what_had_happened(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=3)
    await w.presses("U000BEN", "Roll back", message="alarm:0")
    assert (
        "Ben Okafor decided it. What happened 23 Nov 2026 14:00 UTC: Execute deploy script: exited 3"
        in await w.reads("card")
    )
    await w.script_ends("rollback")
    await w.presses("U000DMITRI", "Go ahead")
    await w.script_ends("restore")
    await w.announced("notify-rollback")

    card = await w.reads("card")
    assert "Ben Okafor decided it. What happened 23 Nov 2026 14:00 UTC: Execute deploy script: exited 3" in card
    assert "exited 0 · Dmitri Volkov · 2 s" in await w.reads("steps:rolling_back")


async def test_what_people_write_restyles_no_card_and_reads_as_they_wrote_it(w: World):
    await w.opened()
    await w.types("U000ANA", "hold *all* ~off~ _now_ `see this` in DB_POOL_SIZE")

    card = next(one for one in await w.messages() if one.key == "card")
    shown = str(card.blocks)

    assert not any(marked in shown for marked in ("*all*", "~off~", "_now_", "`see this`"))
    assert "DB_POOL_SIZE" in shown
    assert "“*all* ~off~ _now_ `see this` in DB_POOL_SIZE”" in await w.reads("card")


async def test_downtime_after_the_deployment_and_time_that_nobody_measured_are_told_apart(w: World):
    settings = w.engine.settings
    plan = settings.plans[("shop", "production")]
    during = replace(
        plan.checks["zero"],
        with_={"window": "during"},
        require=("probes >= 10", "not_measured <= 10s"),
        pass_=("longest_gap == 0s", "not_measured == 0s"),
        warn=("longest_gap <= 1s",),
    )
    plans = {**settings.plans, ("shop", "production"): replace(plan, checks={**plan.checks, "zero": during})}
    w.engine.settings = replace(settings, plans=plans)
    await w.verifying()
    await w.script_ends("health")

    async def seen(**while_deployed: float) -> str:
        since = Window(probes=900, lost=40, longest_gap_s=2.0, p50_s=0.01)
        report = WatchReport(
            id="shop-1",
            alive=True,
            baseline=Window(probes=100, p50_s=0.01),
            since=since,
            recent=Window(),
            during=Window(probes=480, p50_s=0.01, **while_deployed),
        )
        await w.engine.watch_reported(report)
        return await w.reads("criteria")

    assert "✅ pass   Zero downtime" in await seen()
    assert "While it was deployed: 0 of 480 probes failed" in await w.reads("watch")
    assert "⚠️ warn   Zero downtime" in await seen(not_measured_s=4.0)
    assert "not measured for 4 s" in await w.reads("criteria")
    assert "❔ not measured for 4 s" in await w.reads("watch")
    assert "❔ unknown   Zero downtime" in await seen(not_measured_s=40.0)


@pytest.mark.parametrize(("lag", "told"), [(0.24, True), (0.003, False)])
async def test_whoever_decides_hears_when_the_prober_itself_was_late(w: World, lag: float, told: bool):
    await w.deploying()
    seen = Window(probes=900, lost=40, p50_s=0.01, lag_p95_s=lag)
    nothing = Window()
    await w.engine.watch_reported(
        WatchReport(id="shop-1", alive=True, baseline=nothing, since=seen, recent=nothing, during=nothing)
    )
    await w.script_ends("deploy", code=1)

    assert ("The prober itself was late by 240 ms" in await w.reads("alarm:0")) is told


async def test_a_short_log_that_stands_in_its_tail_is_not_sent_once_more(w: World):
    await w.deploying()
    await w.script_ends("deploy", tail=("deployed", "all members answer"), log_bytes=28)

    assert "log:shop-1.deploy.1" not in await w.keys()
    await w.script_ends("health", code=1, tail=("last line",), log_bytes=2000)
    assert "log:shop-1.health.1" in await w.keys()


async def test_marks_for_machines_alone_are_no_reason_to_send_a_log(w: World):
    await w.deploying()
    # `::group::` and the like stand in the log, and what they say is shown elsewhere.
    await w.script_ends("deploy", tail=("Members a, b", "all answer"), log_bytes=71)
    assert "log:shop-1.deploy.1" not in await w.keys()

    await w.script_ends("health", tail=tuple(f"line {number}" for number in range(12)), log_bytes=2000)
    assert "log:shop-1.health.1" in await w.keys()


async def test_a_follow_up_goes_to_the_backups_and_only_later_to_the_captain(w: World):
    await w.live()
    await w.passes(hours=2)
    assert "then the backups are asked, then Mara Lind" in await w.reads("followup:immediate")
    await w.passes(minutes=30)
    assert "due:immediate:lead:again" in await w.keys()

    await w.passes(minutes=30)
    assert "due:immediate:lead:backup" in await w.keys()
    assert "due:immediate:captain" not in await w.keys()
    await w.passes(hours=1)

    assert "due:immediate:captain" in await w.keys()
    assert "and Mara Lind" in await w.reads("followup:immediate")


async def test_a_lost_run_leaves_its_log_too(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=0, state=RunState.LOST, tail=("half",), log_bytes=900)

    assert "log:shop-1.deploy.1" in await w.keys()


async def test_a_step_that_a_person_does_is_called_by_what_there_is_to_do_and_names_them_once(w: World):
    settings = w.engine.settings
    plan = settings.plans[("shop", "production")]
    supplier = {
        "kind": StepKind.CONFIRM,
        "script": "",
        "role": "lead",
        "about": "Ask the supplier to deploy, and wait for its word",
    }
    steps = tuple(replace(step, **supplier) if step.key == "deploy" else step for step in plan.steps)
    plans = {**settings.plans, ("shop", "production"): replace(plan, steps=steps)}
    w.engine.settings = replace(settings, plans=plans)

    await w.deploying()

    asked = "Execute deploy script: Ask the supplier to deploy, and wait for its word"
    assert asked in await w.reads("card")
    called = f"{asked}. DevOps Lead does this, and then says that it is done. U000ANA U000BEN\n"
    assert (await w.reads("asks:deploy")).startswith(called)
    assert "DevOps Lead does this." in await w.reads("steps:deploying")
    # From here on production may change, as with a script: how long it takes is counted from now.
    assert (await w.store.get("shop-1")).deploy_at is not None
    assert asked in str(home("U000ANA", [await w.store.get("shop-1")], w.clock.now()))
    w.clock.advance(timedelta(minutes=6))
    await w.presses("U000ANA", "Done", message="asks:deploy")
    assert "confirmed · Ana Ruiz · 6 min" in await w.reads("steps:deploying")


async def test_a_line_with_a_box_says_why_it_matters_too_to_whoever_asks(w: World):
    await w.opened()
    await w.measured()

    await w.presses("U000IVY", "Why, and how?", message="section:before")

    shown = str(w.view())
    assert "Plan verified" in shown
    assert "DevOps Lead clears it." in shown
    assert "Certificates valid" not in shown, "it passed"


async def test_the_damage_is_told_from_the_beginning_until_it_went_live_with_what_was_accepted(w: World):
    await w.deploying()
    await w.script_ends("deploy", code=1)
    await w.looks()
    assert w.still_deploying, "what fails while people decide belongs to the deployment"
    await w.presses("U000ANA", "Accept, because…", message="alarm:0")
    await w.submits("U000ANA", reason="only the old search page")
    seen = Window(probes=11_450, lost=1_900, errors=54, p50_s=0.01)
    before = Window(probes=100, p50_s=0.01)
    report = WatchReport(id="shop-1", alive=True, baseline=before, since=seen, recent=Window(), during=seen)
    await w.engine.watch_reported(report)
    await w.script_ends("health")
    await w.ticks("U000ANA", "Answers well")
    await w.looks()
    assert w.still_deploying is False
    later = replace(seen, probes=90_000, lost=1_950)
    await w.engine.watch_reported(replace(report, since=later))

    told = await w.reads("announce:C0RELEASES")

    assert "1,954 of 11,450 probes failed" in told
    assert "Accepted: Execute deploy script (Ana Ruiz: “only the old search page”)." in told
    one = await w.store.get("shop-1")
    assert one.phase is Phase.LIVE
    drawn = charting.chart(one, charting.LIVE)
    assert drawn is not None
    assert "1,954 of 11,450 probes failed" in drawn.numbers
