"""The whole story leaves as a file, and anybody can tell whether a word of its history was changed."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Said, Type
from tests.door.world import World


@pytest.fixture
async def record(w: World, types: Type) -> str:
    await w.opened()
    await w.types("U000ANA", "hold the queue is draining")
    await w.types("U000ANA", "resume")
    return (await types("record", "shop-1")).out


async def _verify(types: Type, tmp_path: Path, text: str) -> Said:
    file = tmp_path / "record.json"
    file.write_text(text)
    return await types("verify", str(file))


async def test_the_record_holds_the_story_and_verifies_without_the_database(
    w: World, types: Type, record: str, tmp_path: Path
):
    body = json.loads(record)
    head = (await w.store.get("shop-1")).head

    said = await _verify(types, tmp_path, record)

    assert body["deployment"]["release"]["version"] == "1.4.2"
    assert [line["why"] for line in body["history"] if line["what"] == "hold"] == ["the queue is draining"]
    assert (said.code, said.out) == (
        0,
        f"shop-1: {len(body['history'])} lines, every hash holds. Compare the head with the card in Slack: {head[:12]}",
    )


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("the queue is draining", "nothing happened", "was altered: the reason is not what was written."),
        ('"by_name": "Ana Ruiz"', '"by_name": "Ben Okafor"', "was altered: who did it is not what was written."),
        ('"number": 2,', '"number": 9,', "Line 2 of the history is missing."),
        ('"head": "', '"head": "0', "The end of the history is missing"),
    ],
)
async def test_a_word_that_was_changed_is_found(
    types: Type, record: str, tmp_path: Path, before: str, after: str, sentence: str
):
    # What the record stood at when it was written goes before the history, which is what the hashes hold.
    stood, mark, history = record.partition('"history": [')
    changed = (
        (stood, history.replace(before, after, 1)) if before in history else (stood.replace(before, after, 1), history)
    )
    said = await _verify(types, tmp_path, mark.join(changed))

    assert said.code == 1
    assert sentence in said.err


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "something else"}', "\x00"])
async def test_what_is_no_record_is_refused_with_what_to_do(types: Type, tmp_path: Path, text: str):
    said = await _verify(types, tmp_path, text)

    assert (said.code, said.err) == (
        2,
        "This is not a record of T-Minus. python -m bot record DEPLOYMENT writes one.",
    )


async def test_a_file_that_is_not_there_is_a_sentence(types: Type, tmp_path: Path):
    said = await types("verify", str(tmp_path / "nothing.json"))

    assert said.code == 2
    assert (
        said.err == f"{tmp_path / 'nothing.json'} cannot be read as text; give a file that python -m bot record wrote."
    )


async def test_in_slack_the_record_comes_as_a_file_to_whoever_asked(w: World, types: Type, tmp_path: Path):
    await w.opened()

    said = await w.types("U000ANA", "record")
    await w.chooses("U000BEN", "", "Record")

    assert "is on its way to your messages with me" in said
    assert [(user, name) for user, name, _ in w.slack.given] == [("U000ANA", "shop-1.json"), ("U000BEN", "shop-1.json")]
    assert (await _verify(types, tmp_path, w.slack.given[0][2])).code == 0


async def test_the_record_is_for_those_whom_the_deployment_concerns(w: World):
    await w.opened()

    assert "can take its record" in await w.types("U000IVY", "record")
    assert w.slack.given == []
