"""Slack is down, and somebody at the machine carries on: the same engine, on the database of the running bot."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bot.app import Surroundings
from bot.model import Verdict
from tests.cli.conftest import Type
from tests.door.world import World
from tests.schedule.test_clock import Town


async def test_with_nothing_under_way_it_says_how_one_begins(w: World, types: Type):
    said = await types("why")

    assert said.code == 2
    assert said.err == "Nothing is under way. A deployment is opened in Slack, with /deploy start."
    assert "Nothing is being deployed here." in (await types("status")).out


async def test_history_and_record_of_the_newest_are_there_when_it_is_over(w: World, types: Type):
    assert (await types("history")).err == "Nothing is under way. A deployment is opened in Slack, with /deploy start."
    await w.opened()
    await w.types("U000MARA", "abort the supplier is down")

    assert (await types("history")).out.startswith("History of shop-1 (1.4.2 → production, aborted)")
    assert '"shop-1"' in (await types("record")).out
    assert (await types("why")).code == 2, "of what is over nothing can be cleared"


async def test_the_status_and_what_is_in_the_way_are_those_of_the_running_bot(w: World, types: Type):
    await w.opened()
    await w.measured(verdict=Verdict.FAIL, summary="5 days left, at least 21 are needed")

    status, why = await types("status"), await types("why", "shop-1")

    assert (status.code, why.code) == (0, 0)
    assert "shop 1.4.2 → production" in status.out
    assert why.out.splitlines() == [
        "shop 1.4.2 → production (shop-1): 5 things in the way",
        "1. Certificates valid: 5 days left, at least 21 are needed   → DevOps Lead",
        "2. Plan verified: to be ticked   → DevOps Lead",
        "3. Capacity looked at: to be ticked   → Database Admin",
        "4. DevOps Lead has not signed   → DevOps Lead",
        "5. Database Admin has not signed   → Database Admin",
    ]


async def test_no_variable_of_the_configuration_has_to_be_set(w: World, types: Type, tmp_path: Path):
    """In an outage somebody signs in from wherever they are; the deployment carries its own plan."""
    await w.opened()
    service = tmp_path / "services" / "shop.yaml"
    service.write_text(service.read_text() + "watch: {url: {env: NOBODY_SET_THIS}}\n")

    assert "shop 1.4.2 → production" in (await types("status")).out
    assert (
        await types("hold", "-m", "the queue is draining")
    ).out == "shop-1 is on hold. A script that runs is not touched."


async def test_in_a_folder_without_a_bot_it_says_where_to_go(types: Type, tmp_path: Path):
    said = await types("status", TMINUS_CONFIG=str(tmp_path / "elsewhere" / "app.yaml"))

    assert said.code == 2
    assert said.err == f"There is no app.yaml in {tmp_path / 'elsewhere'}. Go to the folder that the bot runs in."
    assert not (tmp_path / "t.db").exists()


async def test_the_terminal_goes_by_the_clock_of_the_bot_beside_it(w: World, types: Type, tmp_path: Path):
    """Who advances the demonstration's clock by a day finds a day in the record, also of what is typed at the machine."""
    await w.opened()
    day, town = timedelta(days=1), Town()
    async with town.open() as port:
        await town.turn(day.total_seconds())
        around = {"TMINUS_HOME": str(tmp_path / "home"), "TMINUS_CLOCK_URL": f"http://127.0.0.1:{port}/clock"}
        Surroundings.of(around | {"TMINUS_CONFIG": str(tmp_path / "app.yaml")}).tell()

        said = await types("hold", "-m", "the queue is draining")

    one = await w.store.get("shop-1")
    assert (said.code, said.err) == (0, "")
    assert one.hold is not None
    assert one.hold.at - datetime.now(UTC) > day / 2


async def test_what_a_bot_went_by_is_forgotten_when_the_next_one_starts(tmp_path: Path):
    home = {"TMINUS_HOME": str(tmp_path)}
    Surroundings.of(home | {"TMINUS_CLOCK_URL": "http://127.0.0.1:1/clock", "TMINUS_HOST": "demo"}).tell()
    assert Surroundings.beside_the_bot(home).host == "demo"
    assert Surroundings.beside_the_bot(home | {"TMINUS_HOST": "b", "TMINUS_CLOCK_URL": ""}).clock_url == ""

    secret = "postgresql+psycopg://t:a-secret@db/t"
    Surroundings.of(home | {"TMINUS_DATABASE": secret, "TMINUS_HOST": "b"}).tell()

    known = Surroundings.beside_the_bot(home)
    assert (known.clock_url, known.host) == ("", "b")
    assert not [one for one in tmp_path.iterdir() if "a-secret" in one.read_text()]


async def test_a_checklist_is_finished_signed_and_started_without_slack(w: World, types: Type):
    await w.opened()
    await w.measured()

    assert (await types("tick", "--item", "Plan verified", "--note", "read it twice")).code == 0
    assert (await types("tick", "--item", "capacity")).code == 0
    assert (await types("go", "--role", "DevOps Lead")).out == "shop-1: your go as DevOps Lead is noted."
    assert (await types("go", "--role", "dba", "--as", "piet")).code == 0
    started = await types("start", "shop-1")

    assert started.out == "shop-1 is preparing; the running bot does the steps."
    assert await w.phase() == "preparing"
    story = (await types("history")).out
    assert "olga: go as DevOps Lead" in story
    assert "piet: go as Database Admin" in story
    assert "olga: started" in story
    assert "every hash holds" in story


async def test_what_the_terminal_decided_is_what_slack_will_show(w: World, types: Type):
    await w.opened()

    await types("hold", "-m", "the queue is draining")

    assert "on hold" in (await w.reads("card")).lower()
    assert "olga" in await w.reads("card")
    assert (await types("resume")).out == "shop-1 goes on."
    assert "on hold" not in (await w.reads("card")).lower()


async def test_one_person_signs_for_one_role_here_too(w: World, types: Type):
    await w.opened()
    await w.measured()
    await types("go", "--role", "DevOps Lead")

    said = await types("go", "--role", "Database Admin")

    assert said.code == 2
    assert said.err == "You already signed as DevOps Lead; Database Admin needs another person."


async def test_a_go_without_a_role_names_those_that_sign(w: World, types: Type):
    await w.opened()

    said = await types("go")

    assert said.code == 2
    assert "python -m bot go shop-1 --role 'DevOps Lead'" in said.err
    assert "DevOps Lead, Database Admin" in said.err


async def test_a_role_that_does_not_exist_is_refused(w: World, types: Type):
    await w.opened()

    said = await types("no-go", "--role", "Wizard", "-m", "no")

    assert said.code == 2
    assert "There is no role “Wizard”" in said.err


async def test_a_no_go_keeps_its_reason(w: World, types: Type):
    await w.opened()

    assert (await types("no-go", "--role", "lead")).err == (
        'Say why, it stands in the record: python -m bot no-go shop-1 -m "the supplier is down".'
    )
    assert (await types("no-go", "--role", "lead", "-m", "the old key still works")).code == 0

    assert "the old key still works" in await w.reads("card")


async def test_starting_too_early_says_what_is_missing(w: World, types: Type):
    await w.opened()

    said = await types("start")

    assert said.code == 2
    assert said.err.startswith("Not yet: ")
    assert "python -m bot why" in said.err
    assert await w.phase() == "preflight"


async def test_with_two_under_way_it_names_both(w: World, types: Type):
    await w.opened()
    await w.types("U000MARA", "start depot 2.0.0", channel="depot")

    said = await types("hold", "-m", "wait")

    assert said.code == 2
    assert "2 deployments are under way" in said.err
    assert "shop-1 (1.4.2 to production)" in said.err
    assert "depot-1 (2.0.0 to production)" in said.err
    assert "python -m bot hold " in said.err
    assert (await w.store.get("shop-1")).hold is None
    assert "shop-1" in (await types("status")).out
    assert "depot-1" in (await types("status")).out


async def test_an_id_that_does_not_exist_is_refused(w: World, types: Type):
    said = await types("status", "shop-99")

    assert said.code == 2
    assert said.err == "There is no deployment shop-99. python -m bot status shows those that there are."


async def test_measuring_again_is_asked_of_the_running_bot(w: World, types: Type):
    await w.opened()
    await w.measured()

    said = await types("check", "--only", "tls")

    assert said.out == "shop-1: tls will be measured again by the running bot."
    assert "tls" in (await w.store.get("shop-1")).remeasure
    assert "has no check “tsl”" in (await types("check", "--only", "tsl")).err


async def test_a_rollback_asks_first_and_no_changes_nothing(w: World, types: Type):
    await w.verifying()

    said = await types("rollback", stdin="n\n")

    assert said.code == 0
    assert "Roll shop in production back from 1.4.2 to" in said.out
    assert "Nothing was changed." in said.out
    assert await w.phase() == "verifying"


async def test_a_rollback_runs_and_a_failed_step_of_it_is_retried_or_skipped(w: World, types: Type):
    await w.verifying()

    assert (await types("rollback", "--yes", "-m", "p95 doubled")).out == (
        "shop-1 is rolling back; the running bot runs the script."
    )
    await w.script_ends("health", code=143)
    await w.script_ends("rollback", code=1)
    assert "has no step “rolback”" in (await types("retry", "--step", "rolback")).err
    assert "“Execute rollback script” is tried again" in (await types("retry")).out
    await w.script_ends("rollback")
    assert "“Restore database” is confirmed" in (await types("confirm", "--step", "restore")).out
    await w.script_ends("restore", code=1)
    assert "Say why" in (await types("skip")).err
    assert (await types("skip", "-m", "the schema is the same")).out == "shop-1: “Restore database” is skipped."
    await w.announced("notify-rollback")

    assert await w.phase() == "rolled_back"
    story = await w.store.history("shop-1")
    assert (await types("retry", "shop-1")).err == "No step of shop-1 waits for anybody."
    by_olga = [line.what for line in story if line.by == "olga"]
    assert by_olga[0].startswith("roll back?")
    assert "rolls back" in by_olga
    assert any(what.startswith("retries") for what in by_olga)
    assert any(what.startswith("skip") for what in by_olga)


async def test_a_failed_deployment_is_accepted_with_a_reason(w: World, types: Type):
    await w.deploying()
    await w.script_ends("deploy", code=1)
    assert await w.phase() == "deciding"

    assert (await types("accept")).code == 2
    assert (await types("accept", "-m", "the script's last line is wrong, the version is up")).code == 0

    assert await w.phase() == "verifying"


async def test_a_running_script_is_ended(w: World, types: Type):
    await w.deploying()

    said = await types("cancel")

    assert said.out == "shop-1: Deploy script is being ended by the running bot."
    assert (await w.store.get("shop-1")).runs[-1].cancelled_by is not None
    await w.script_ends("deploy", code=143)
    assert (await types("cancel")).err == "No script of shop-1 is running."


async def test_calling_off_before_production_changed(w: World, types: Type):
    await w.opened()

    assert (await types("abort", "shop-1", "-m", "wrong version")).code == 0

    assert (await w.store.get("shop-1")).abort_reason == "wrong version"
    assert (await types("start", "shop-1")).code == 2


async def test_contacts_are_known_without_slack(w: World, types: Type):
    await w.opened()

    assert "DevOps Lead  Ana Ruiz, backup Ben Okafor" in (await types("contacts")).out


async def test_with_nothing_under_way_the_contacts_are_those_of_the_configuration_whatever_it_needs(
    w: World, types: Type, tmp_path: Path
):
    """Nobody sets the variables of the configuration who wants to know at night whom to call; and who was never met is an address."""
    service = tmp_path / "services" / "shop.yaml"
    service.write_text(service.read_text() + "watch: {url: {env: NOBODY_SET_THIS}}\n")

    said = await types("contacts")

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[:3] == [
        "Contacts of depot",
        "DevOps Lead  U000ANA, backup U000BEN",
        "Database Admin  U000CHLOE, backup U000DMITRI",
    ]
    assert "Contacts of shop" in said.out
    assert (await types("contacts", "shop")).out.startswith("Contacts of shop")
    assert (await types("contacts", "nowhere")).code == 2


async def test_the_contacts_of_a_service_are_there_while_it_is_deployed_and_by_their_names(w: World, types: Type):
    await w.opened()
    for who in ("U000ANA", "U000BEN", "U000CHLOE", "U000DMITRI"):
        await w.store.remember_person(await w.slack.person(who), email="")

    told = (await types("contacts", "depot")).out

    assert told.splitlines()[:2] == ["Contacts of depot", "DevOps Lead  Ana Ruiz, backup Ben Okafor"]
    assert (await types("contacts", "shop-1")).out.startswith("Contacts of shop-1")


async def test_a_tampered_record_is_told(w: World, types: Type):
    await w.opened()
    async with w.store._database.engine.begin() as connection:
        # Whoever can write to the file can also take away what guards it; the hashes they cannot.
        guards = (await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))).scalars()
        for guard in guards.all():
            await connection.execute(text(f"DROP TRIGGER {guard}"))
        await connection.execute(text("UPDATE history SET what = 'nothing happened' WHERE number = 1"))

    assert "❌" in (await types("history")).out


async def test_what_people_wrote_is_shown_as_they_wrote_it(w: World, types: Type):
    await w.opened()
    await types("hold", "-m", "load < 5 & *rising*")

    assert "load < 5 & *rising*" in (await types("why")).out or "load < 5 & rising" in (await types("why")).out
    assert (await w.store.get("shop-1")).hold.reason == "load < 5 & *rising*"
