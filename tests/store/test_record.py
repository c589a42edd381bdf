"""The record: made once, changed under a lock, found again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.errors import Refused
from bot.model import Change, Line, Phase, Run, RunReport, RunSpec, RunState, WatchReport, Window
from bot.store import Taken, tables
from tests.store.records import ANA, BEN, NOON, drafted, ticking, to_phase


async def test_numbers_are_counted_per_service_and_an_earlier_deployment_is_handed_over(store):
    first = await store.create("checkout", "production", drafted())
    other = await store.create("payments", "production", drafted("payments"))
    await store.change(first.id, to_phase(Phase.ABORTED))
    staging = await store.create("checkout", "staging", drafted(environment="staging"))
    third = await store.create("checkout", "production", drafted())

    assert [one.id for one in (first, other, staging, third)] == [
        "checkout-1",
        "payments-1",
        "checkout-2",
        "checkout-3",
    ]
    # The earlier one is of the same environment: not staging.
    assert (staging.release.previous, third.release.previous) == ("", "1.1.0")
    assert third.revision == 1


async def test_a_second_one_is_refused_with_who_holds_it_and_leaves_no_gap_in_the_numbers(store, checkout):
    with pytest.raises(Taken, match=r"taken by checkout 1\.1\.0 \(checkout-1, Ana\), which is in preflight") as refusal:
        await store.create("checkout", "production", drafted())

    assert refusal.value.active == checkout
    await store.change(checkout.id, to_phase(Phase.ABORTED))
    assert (await store.create("checkout", "production", drafted())).number == 2


async def test_when_many_start_the_same_at_once_one_wins_and_the_others_read_who(store):
    made = await asyncio.gather(
        *(store.create("checkout", "production", drafted()) for _ in range(12)), return_exceptions=True
    )

    winners = [one for one in made if not isinstance(one, Exception)]
    assert len(winners) == 1
    assert all(isinstance(one, Taken) and one.active == winners[0] for one in made if one is not winners[0])
    assert [one.id for one in await store.find()] == ["checkout-1"]


async def test_replicas_that_share_a_database_cannot_both_start(opened):
    async with opened() as one, opened() as other:
        made = await asyncio.gather(
            *(store.create("checkout", "production", drafted()) for store in (one, other) * 4), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in made) == ["Deployment"] + ["Taken"] * 7


async def test_a_draft_that_refuses_leaves_nothing_behind(store):
    def draft(number, earlier):
        raise Refused("The captain is not on the roster.")

    with pytest.raises(Refused, match="roster"):
        await store.create("checkout", "production", draft)
    assert await store.find() == []
    assert (await store.create("checkout", "production", drafted())).number == 1


async def test_when_many_people_tick_at_once_no_tick_is_lost(opened, store, checkout):
    async with opened() as replica:
        await asyncio.gather(*((store, replica)[n % 2].change(checkout.id, ticking(f"item-{n}")) for n in range(60)))

    after = await store.get(checkout.id)
    assert after.ticks.keys() == {f"item-{n}" for n in range(60)}
    assert after.revision == 61
    assert [line.number for line in await store.history(checkout.id)] == list(range(1, 62))
    assert await store.verify(checkout.id) is None


async def test_what_was_decided_is_what_is_read_again(store, checkout):
    after = await store.change(checkout.id, ticking("backup", BEN, "seen at 14:02"))

    assert after == await store.get(checkout.id)
    assert after.ticks["backup"].by == BEN
    assert after.revision == checkout.revision + 1
    assert after.head != checkout.head


@pytest.mark.parametrize(
    "decide",
    [lambda _: None, lambda deployment: Change(deployment=deployment)],
    ids=["nothing", "the same record"],
)
async def test_a_decision_that_changes_nothing_writes_nothing(store, checkout, decide):
    assert await store.change(checkout.id, decide) == checkout
    assert await store.get(checkout.id) == checkout
    assert len(await store.history(checkout.id)) == 1


async def test_a_line_alone_is_worth_writing(store, checkout):
    after = await store.change(checkout.id, lambda it: Change(deployment=it, lines=(Line(what="asked why", by=BEN),)))
    assert after.revision == 2
    assert [line.what for line in await store.history(checkout.id)] == ["opened", "asked why"]


async def test_a_refusal_changes_nothing_and_reaches_the_person(store, checkout):
    def decide(deployment):
        raise Refused("Only the captain may.")

    with pytest.raises(Refused, match="Only the captain may"):
        await store.change(checkout.id, decide)
    assert await store.get(checkout.id) == checkout


async def test_a_rendering_that_fails_undoes_the_decision(opened, checkout):
    def fail(deployment):
        raise ValueError("no such template")

    async with opened(fail) as broken:
        with pytest.raises(ValueError, match="no such template"):
            await broken.change(checkout.id, ticking("backup"))
        assert await broken.get(checkout.id) == checkout


async def test_a_decision_about_another_record_is_a_bug_and_is_not_written(store, checkout):
    await store.change(checkout.id, ticking("backup"))
    stale = replace(checkout, notes="decided on what was read before")
    with pytest.raises(ValueError, match="checkout-1 was decided on another record"):
        await store.change(checkout.id, lambda _: Change(deployment=stale))
    assert (await store.get(checkout.id)).notes == ""


async def test_a_caller_who_gives_up_does_not_undo_what_was_begun(store, checkout):
    begun = asyncio.Event()

    def decide(deployment):
        begun.set()
        return ticking("backup")(deployment)

    pressing = asyncio.create_task(store.change(checkout.id, decide))
    await begun.wait()
    pressing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pressing

    await store.change(checkout.id, ticking("monitoring"))
    assert (await store.get(checkout.id)).ticks.keys() == {"backup", "monitoring"}


async def test_an_id_is_understood_in_any_case_and_an_unknown_one_says_where_to_look(store, checkout):
    assert await store.get(" Checkout-1 ") == checkout
    assert (await store.change("CHECKOUT-1", ticking("backup"))).id == "checkout-1"
    for act in (store.get, store.history, store.verify, lambda it: store.change(it, ticking("backup"))):
        with pytest.raises(Refused, match=r"There is no deployment checkout-99\. "):
            await act("checkout-99")


async def test_when_a_newer_one_goes_live_the_older_steps_aside_in_the_same_transaction(store):
    async def live(others=None):
        made = await store.create("checkout", "production", drafted())
        return await store.change(made.id, to_phase(Phase.LIVE), others=others)

    asked = []

    def supersede(new, older):
        asked.append((new.id, new.phase, [one.id for one in older]))
        return [to_phase(Phase.SUPERSEDED, superseded_by=new.id)(one) for one in older]

    first = await live()
    elsewhere = await store.create("payments", "production", drafted("payments"))
    await store.change(elsewhere.id, to_phase(Phase.LIVE))
    second = await live(supersede)

    assert asked == [("checkout-2", Phase.LIVE, ["checkout-1"])]
    older = await store.get(first.id)
    assert (older.phase, older.superseded_by, older.revision) == (Phase.SUPERSEDED, "checkout-2", 3)
    assert [line.what for line in await store.history(first.id)][-1] == "went to superseded"
    assert await store.verify(first.id) is None
    assert [one.id for one in await store.find(phases={Phase.LIVE})] == [second.id, elsewhere.id]


async def test_if_the_older_cannot_step_aside_the_newer_does_not_go_live(store):
    first = await store.create("checkout", "production", drafted())
    await store.change(first.id, to_phase(Phase.LIVE))
    second = await store.create("checkout", "production", drafted())

    def refuse(new, older):
        raise Refused("Not now.")

    with pytest.raises(Refused, match="Not now"):
        await store.change(second.id, to_phase(Phase.LIVE), others=refuse)
    assert {one.id: one.phase for one in await store.find()} == {
        "checkout-1": Phase.LIVE,
        "checkout-2": Phase.PREFLIGHT,
    }


async def test_two_that_change_while_each_looks_at_the_other_do_not_wait_in_a_circle(store):
    first = await store.create("checkout", "production", drafted())
    await store.change(first.id, to_phase(Phase.LIVE))
    second = await store.create("checkout", "production", drafted())
    await store.change(second.id, to_phase(Phase.LIVE))

    def touch(new, older):
        return [ticking(f"{new.id}-{new.revision}")(one) for one in older]

    await asyncio.gather(
        *(store.change(it, ticking(f"by-{n}"), others=touch) for n in range(10) for it in (first.id, second.id))
    )
    assert [one.revision for one in await store.find()] == [22, 22]


async def test_a_live_one_cannot_become_active_again_beside_a_newer_one(store):
    first = await store.create("checkout", "production", drafted())
    await store.change(first.id, to_phase(Phase.LIVE))
    second = await store.create("checkout", "production", drafted())

    with pytest.raises(Taken) as refusal:
        await store.change(first.id, to_phase(Phase.DECIDING))
    assert refusal.value.active == second
    assert (await store.get(first.id)).phase is Phase.LIVE

    await store.change(second.id, to_phase(Phase.ABORTED))
    assert (await store.change(first.id, to_phase(Phase.DECIDING))).active


async def test_going_back_and_starting_anew_at_the_same_moment_is_decided_for_one_of_them(opened):
    async with opened() as one, opened() as other:
        made = await one.create("checkout", "production", drafted())
        for _ in range(6):
            await one.change(made.id, to_phase(Phase.LIVE))
            both = await asyncio.gather(
                one.change(made.id, to_phase(Phase.DECIDING)),
                other.create("checkout", "production", drafted()),
                return_exceptions=True,
            )
            assert sorted(isinstance(result, Taken) for result in both) == [False, True], both
            [active] = await one.find(active=True)
            await one.change(active.id, to_phase(Phase.LIVE))


async def test_the_database_itself_refuses_a_second_active_one(store, checkout):
    columns = [column.name for column in tables.deployment.columns if column.name not in {"id", "folded", "number"}]
    copied = ", ".join(columns)
    twin = f"INSERT INTO deployment (id, folded, number, {copied}) SELECT 'twin', 'twin', 99, {copied} FROM deployment"  # noqa: S608
    with pytest.raises(IntegrityError):
        async with store._database.engine.begin() as connection:
            await connection.execute(text(twin))

    await store.change(checkout.id, to_phase(Phase.LIVE))
    async with store._database.engine.begin() as connection:
        await connection.execute(text(twin))


async def test_what_is_looked_for_is_found_the_newest_first(store, checkout):
    payments = await store.create(
        "payments", "staging", drafted("payments", "staging", channel="C_PAY", at=NOON + timedelta(hours=1))
    )
    checkout = await store.change(checkout.id, to_phase(Phase.CLOSED))

    assert await store.find() == [payments, checkout]
    assert await store.find(limit=1) == [payments]
    assert await store.find(active=True) == [payments]
    assert await store.find(active=False) == [checkout]
    assert await store.find(phases=[Phase.CLOSED, Phase.ABORTED]) == [checkout]
    assert await store.find(phases=[]) == []
    assert await store.find(service="payments", environment="staging", channel="C_PAY") == [payments]
    assert await store.find(service="payments", environment="production") == []


async def test_what_is_due_is_told_in_order_and_those_that_are_over_wait_for_nothing(store, checkout, clock):
    payments = await store.create("payments", "production", drafted("payments", at=NOON - timedelta(minutes=5)))

    assert await store.due(NOON) == []
    assert await store.next_due() == (NOON + timedelta(minutes=55), payments.id)
    assert await store.due(NOON + timedelta(minutes=55)) == [payments.id]
    assert await store.due(NOON + timedelta(days=7)) == [payments.id, checkout.id]
    assert await store.wake_times() == {
        payments.id: NOON + timedelta(minutes=55),
        checkout.id: NOON + timedelta(minutes=60),
    }

    for one in (payments, checkout):
        await store.change(one.id, to_phase(Phase.ABORTED))
    assert await store.next_due() is None


def a_run(state):
    return Run(
        id="run-1",
        script="deploy",
        title="Deploy",
        step="deploy",
        asked_by=ANA,
        asked_at=NOON,
        spec=RunSpec(
            id="run-1", host="here", argv=("./deploy.sh", "1.1.0"), cwd=".", given={"TMINUS_VERSION": "1.1.0"}
        ),
        report=RunReport(id="run-1", state=state),
    )


async def test_the_loop_looks_at_what_is_not_over_or_still_has_something_alive(store, checkout):
    watch = WatchReport(id="w", alive=True, baseline=Window(), since=Window(), recent=Window())
    assert await store.unsettled() == [checkout]

    running = await store.change(checkout.id, to_phase(Phase.ABORTED, runs=(a_run(RunState.RUNNING),), watch=watch))
    assert await store.unsettled() == [running]
    watched = await store.change(checkout.id, to_phase(Phase.ABORTED, runs=(a_run(RunState.LOST),)))
    assert await store.unsettled() == [watched]
    await store.change(checkout.id, to_phase(Phase.ABORTED, watch=replace(watch, alive=False)))
    assert await store.unsettled() == []


async def test_a_delivery_changes_the_record_once_however_often_it_comes(store, checkout):
    await asyncio.gather(
        *(
            store.change(
                checkout.id, lambda it: Change(deployment=it, lines=(Line(what="mentioned", by=ANA),)), once="Ev01"
            )
            for _ in range(5)
        )
    )
    assert len(await store.history(checkout.id)) == 2


async def test_a_delivery_whose_decision_was_refused_may_come_again(store, checkout):
    def refuse(deployment):
        raise Refused("Not yet.")

    with pytest.raises(Refused):
        await store.change(checkout.id, refuse, once="Ev01")
    after = await store.change(checkout.id, ticking("backup"), once="Ev01")
    assert "backup" in after.ticks


async def test_a_start_that_is_delivered_twice_is_one_start(store):
    first = await store.create("checkout", "production", drafted(), once="Ev02")
    again = await store.create("checkout", "production", drafted(), once="Ev02")
    assert again == first
    assert len(await store.find()) == 1


async def test_everything_is_there_again_after_a_restart(opened):
    async with opened() as store:
        made = await store.create("checkout", "production", drafted())
        made = await store.change(made.id, ticking("backup"))
    async with opened() as store:
        assert await store.get("checkout-1") == made
        assert await store.verify("checkout-1") is None
        assert (await store.change(made.id, ticking("monitoring"))).revision == 3
