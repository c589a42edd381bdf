"""What a start may say besides its version: asked for, found right, recorded, shown, and given to scripts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world import APP, SERVICES, World, world

from bot.model import Change, Person, Phase
from bot.store import snapshot
from bot.views import answers, parameters
from handlers import bolt

PARAMETERS = """
parameters:
  region: {title: Region, type: choice, choices: [eu-west, us-east], required: true}
  settle: {title: Seconds to watch, about: Each member., type: number, at_least: 0, at_most: 60, default: 2}
  ticket: {title: Ticket, type: text, pattern: "[A-Z]+-[0-9]+( [a-z ]+)?", example: OPS-12}
  dry-run: {title: Only pretend, type: yes_no}
scripts:
  freeze: {run: [./freeze.sh, "${parameters.region}", "--settle=${parameters.settle}", "${parameters.ticket}"]}
environments:
  production: {}
  staging: {parameters: {region: {required: false}, settle: {default: 0, at_most: 10}}}
"""
SHOP = "service: shop\nchannel: shop\n" + PARAMETERS


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, APP, SERVICES | {"shop": SHOP}) as one:
        yield one


def field(w: World, key: str, environment: str = "production") -> dict[str, Any]:
    return next(one for one in w.view()["blocks"] if one.get("block_id") == f"parameter:shop:{environment}:{key}")


async def submits(w: World, environment: str = "production", **said: str) -> dict[str, str]:
    given = {f"parameter:shop:{environment}:{key.replace('_', '-')}": value for key, value in said.items()}
    return await w.submits("U000MARA", choose_service="shop", choose_environment=environment, version="1.4.2", **given)


async def test_the_form_asks_for_each_with_the_element_of_its_type(w: World):
    await w.types("U000MARA", "start shop 1.4.2")

    assert field(w, "region")["element"]["type"] == "static_select"
    assert not field(w, "region")["optional"]
    settle = field(w, "settle")
    assert settle["element"] == {
        "type": "number_input",
        "is_decimal_allowed": False,
        "initial_value": "2",
        "min_value": "0",
        "max_value": "60",
        "action_id": "parameter:shop:production:settle",
    }
    assert settle["hint"]["text"] == "Each member. A whole number from 0 to 60. Left empty, it is 2."
    assert field(w, "ticket")["element"]["placeholder"]["text"] == "OPS-12"
    assert field(w, "ticket")["hint"]["text"] == (
        "Something like OPS-12. Everybody can read it and it stays in the record, so write nothing personal."
    )
    assert [one["value"] for one in field(w, "dry-run")["element"]["options"]] == ["yes", "no"]


async def test_what_was_said_is_recorded_shown_and_given_to_scripts(w: World):
    await w.types("U000MARA", "start shop")
    assert await submits(w, region="eu-west", settle="5", ticket="OPS-7", dry_run="no") == {}

    assert "Region: eu-west · Seconds to watch: 5 · Ticket: OPS-7 · Only pretend: no" in await w.reads("card")
    assert "Region: eu-west · Seconds to watch: 5" in await w.types("U000IVY", "status")
    opened = (await w.store.history("shop-1"))[0]
    assert opened.what == "opened with region=eu-west, settle=5, ticket=OPS-7, dry-run=no"
    # A text may hold somebody's name, which could not be taken out of a fact.
    assert opened.facts["parameters"] == {"region": "eu-west", "settle": "5", "dry-run": "no"}

    await w.measured()
    # Whoever signs agrees to them.
    assert "Region: eu-west · Seconds to watch: 5" in await w.reads("ask:lead:U000ANA")
    await w.clears()
    _, start = await w._find("Start", "card", "shop-1")
    assert "with Region: eu-west, Seconds to watch: 5, Ticket: OPS-7" in start["confirm"]["text"]["text"]
    await w.presses("U000MARA", "Start")
    spec = (await w.store.get("shop-1")).runs[0].spec
    assert spec.argv == ("./freeze.sh", "eu-west", "--settle=5", "OPS-7")
    given = {name: said for name, said in spec.given.items() if name.startswith("TMINUS_PARAMETER")}
    assert given == {
        "TMINUS_PARAMETER_REGION": "eu-west",
        "TMINUS_PARAMETER_SETTLE": "5",
        "TMINUS_PARAMETER_TICKET": "OPS-7",
        "TMINUS_PARAMETER_DRY_RUN": "no",
    }


async def test_of_somebody_who_is_forgotten_it_stays_with_what_was_deployed_without_their_name(w: World):
    await w.types("U000MARA", 'start shop 1.4.2 region=eu-west ticket="OPS-7 by mara"')
    await w.measured()
    await w.clears()
    await w.presses("U000MARA", "Start")
    await w.types("U000MARA", "abort shop-1 no more")
    one = await w.store.change("shop-1", lambda it: Change(deployment=replace(it, phase=Phase.ABORTED)))
    await w.store.remember_person(replace(one.captain, name="mara"))

    await w.store.forget("U000MARA", by=one.captain)

    after = await w.store.get("shop-1")
    assert after.parameters["ticket"] == after.runs[0].spec.argv[-1] == "OPS-7 by somebody"
    assert after.parameters["region"] == "eu-west"
    opened = (await w.store.history("shop-1"))[0]
    assert (opened.by, opened.what) == (
        "Somebody",
        "opened with region=eu-west, settle=2, ticket=OPS-7 by somebody",
    )
    assert await w.store.verify("shop-1") is None


async def test_however_much_is_said_every_place_shows_the_beginning_of_it(tmp_path: Path):
    many = "".join(
        f'  note{n}: {{title: Note, type: text, pattern: "[&<]*", default: "{"&<" * 100}"}}\n' for n in range(30)
    )
    async with world(
        tmp_path,
        APP,
        SERVICES | {"shop": f"service: shop\nchannel: shop\nenvironments: {{production: {{}}}}\nparameters:\n{many}"},
    ) as w:
        await w.types("U000MARA", "start shop 1.4.2")
        one = await w.store.get("shop-1")

        assert len(parameters.shown(one)) <= 1000
        answer = answers.status(one, w.clock.now())
        assert len(answer.text) < 3000
        assert answer.blocks[0]["text"]["text"] == answer.text, "nothing after them is cut off"


async def test_a_refusal_quotes_what_was_said_and_what_may_be_said_sign_by_sign(tmp_path: Path):
    shop = SHOP.replace(
        'pattern: "[A-Z]+-[0-9]+( [a-z ]+)?", example: OPS-12', 'pattern: "[A-Z]*-[0-9]*|https://[^/]*/[A-Z]*-"'
    )
    shop = shop.replace("[eu-west, us-east]", '["*", "_eu_"]')
    ticket = "give a text that matches [A-Z]*-[0-9]*|https://[^/]*/[A-Z]*-."
    async with world(tmp_path, APP, SERVICES | {"shop": shop}) as w:
        said = await w.types("U000MARA", "start shop 1.4.2 region=_eu_ ticket=&lt;!channel&gt;")
        assert said == f"ticket cannot be “<!channel>”: {ticket}"
        said = await w.types("U000MARA", "start shop 1.4.2 region=*a*")
        assert said == "region cannot be “*a*”: give one of *, _eu_."
        assert await w.types("U000MARA", "start shop 1.4.2 &lt;@U000IVY&gt;=1") == (
            "shop has no parameter “<@u000ivy>” in production; it has region, settle, ticket, dry-run."
        )

        await w.types("U000MARA", "start shop")
        assert await submits(w, region="_eu_", ticket="x") == {
            "parameter:shop:production:ticket": f"ticket cannot be “x”: {ticket}"
        }
        assert await submits(w) == {"version": "region is missing: give one of *, _eu_, as in region=*."}


async def test_the_command_line_takes_them_too(w: World):
    said = await w.types("U000MARA", "start shop 1.4.2 REGION=EU-West ticket=“OPS-7 see shop-1 ” dry-run=true")
    assert said == "ticket cannot be “OPS-7 see shop-1”: give something like OPS-12."

    await w.types("U000MARA", 'start shop 1.4.2 REGION=EU-West ticket="OPS-7 by night" dry-run=true')

    one = await w.store.get("shop-1")
    assert one.parameters == {"region": "eu-west", "settle": "2", "ticket": "OPS-7 by night", "dry-run": "yes"}
    assert one.environment == "production"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("region=mars", "region cannot be “mars”: give one of eu-west, us-east."),
        ("region=us-eats", "region cannot be “us-eats”: give one of eu-west, us-east. Did you mean us-east?"),
        ("region=eu-west settle=61", "settle cannot be “61”: give a whole number from 0 to 60."),
        ("region=eu-west settle=2.5", "settle cannot be “2.5”: give a whole number from 0 to 60."),
        ("region=eu-west dry-run=maybe", "dry-run cannot be “maybe”: give yes or no."),
        ("region=eu-west ticket=--force", "ticket cannot be “--force”: give something like OPS-12."),
        ("region=eu-west settel=2", "shop has no parameter “settel” in production; did you mean settle?"),
        ("region=eu-west x=2", "shop has no parameter “x” in production; it has region, settle, ticket, dry-run."),
        ("region=eu-west region=us-east", "“region” is said twice; say it once."),
    ],
)
async def test_what_may_not_be_so_gets_a_sentence_and_nothing_changes(w: World, typed: str, said: str):
    assert await w.types("U000MARA", f"start shop 1.4.2 {typed}") == said
    assert await w.store.find() == []
    assert w.slack.views == {}


async def test_a_service_that_has_none_says_so(w: World):
    assert await w.types("U000MARA", "start depot 1.4.2 x=1", channel="depot") == (
        "depot has no parameter “x” in production; it has none."
    )


async def test_in_the_form_a_mistake_stands_at_its_field(w: World):
    await w.types("U000MARA", "start shop")

    assert await submits(w, region="eu-west", settle="99") == {
        "parameter:shop:production:settle": "settle cannot be “99”: give a whole number from 0 to 60."
    }
    assert await submits(w, region="") == {
        "parameter:shop:production:region": "region is missing: give one of eu-west, us-east, as in region=eu-west."
    }
    assert await submits(w) == {"version": "region is missing: give one of eu-west, us-east, as in region=eu-west."}, (
        "the form that somebody has does not show it"
    )
    assert await w.store.find() == []


async def test_a_form_that_had_closed_before_the_answer_was_there_gives_back_what_was_written(
    w: World, monkeypatch: pytest.MonkeyPatch
):
    await w.types("U000MARA", "start shop")
    monkeypatch.setattr(bolt, "ACK_WITHIN_S", 0.0)
    closed, person = asyncio.Event(), w.slack.person

    async def known_late(who: str) -> Person:
        await closed.wait()
        return await person(who)

    monkeypatch.setattr(w.slack, "person", known_late)

    assert await submits(w, region="eu-west", settle="99", ticket="OPS-7") == {}
    closed.set()
    await w.answered()

    assert w.slack.whispers[-1][1].splitlines() == [
        "settle cannot be “99”: give a whole number from 0 to 60.",
        "You wrote: “1.4.2”",
        "You wrote: “99”",
        "You wrote: “OPS-7”",
    ]


async def test_where_one_is_missing_the_form_asks_for_it_with_what_was_said(w: World):
    assert await w.types("U000MARA", "start shop 1.4.2 settle=7") == ""

    assert field(w, "settle")["element"]["initial_value"] == "7"
    version = next(one for one in w.view()["blocks"] if one.get("block_id") == "version")
    assert version["element"]["initial_value"] == "1.4.2"


async def test_a_mention_cannot_open_a_form_and_is_told_what_is_missing(w: World):
    await w.mentions("U000MARA", "start shop 1.4.2")

    assert w.slack.whispers[-1][1] == "region is missing: give one of eu-west, us-east, as in region=eu-west."


async def test_another_environment_has_its_own_defaults_and_keeps_what_was_written(w: World):
    await w.types("U000MARA", "start shop")
    before = "parameter:shop:production:"

    await w.chooses_in_form(
        "U000MARA", "choose_environment", "staging", choose_service="shop", **{f"{before}settle": "2"}
    )
    assert field(w, "settle", "staging")["element"]["initial_value"] == "0"
    assert field(w, "region", "staging")["optional"]

    await w.types("U000MARA", "start shop")
    written = {f"{before}settle": "9", f"{before}ticket": "OPS-7", f"{before}region": "us-east"}
    await w.chooses_in_form("U000MARA", "choose_environment", "staging", choose_service="shop", **written)
    assert field(w, "settle", "staging")["element"]["initial_value"] == "9"
    assert field(w, "ticket", "staging")["element"]["initial_value"] == "OPS-7"
    assert field(w, "region", "staging")["element"]["initial_option"]["value"] == "us-east"

    await w.types("U000MARA", "start shop")
    await w.chooses_in_form(
        "U000MARA", "choose_environment", "staging", choose_service="shop", **{f"{before}settle": "50"}
    )
    assert field(w, "settle", "staging")["element"]["initial_value"] == "0", "staging takes no 50"


async def test_what_a_value_says_is_never_read_again(tmp_path: Path):
    shop = SHOP.replace("[A-Z]+-[0-9]+( [a-z ]+)?", ".*").replace("OPS-12", "any")
    async with world(tmp_path, APP, SERVICES | {"shop": shop}) as w:
        await w.types("U000MARA", "start shop 1.4.2 region=eu-west ticket=${version};rm")
        await w.measured()
        await w.clears()
        await w.presses("U000MARA", "Start")

        assert (await w.store.get("shop-1")).runs[0].spec.argv[-1] == "${version};rm"


async def test_a_record_from_before_there_were_any_still_reads(w: World):
    await w.types("U000MARA", "start shop 1.4.2 region=eu-west")
    one = await w.store.get("shop-1")
    written = snapshot.write_deployment(one).replace('"parameters":{"region":"eu-west","settle":"2"},', "")
    assert '"parameters"' not in written

    assert snapshot.read_deployment(written, one.plan).parameters == {}
