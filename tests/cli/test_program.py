"""What somebody reads who starts the program with something missing or wrong: a sentence, never a traceback."""

import json
import socket
from contextlib import closing

import pytest

from bot import __version__
from bot.machine import diagram
from tests.cli.conftest import ROOT, Said, Type, program
from tests.door.world import World

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "s"}


def is_a_sentence(said: Said, *, lines: int = 1) -> bool:
    """Exit code 2, nothing printed, and as many lines about what was wrong."""
    return said.code == 2 and not said.out and "Traceback" not in said.err and len(said.err.splitlines()) == lines


@pytest.mark.parametrize(
    ("environ", "http", "expected"),
    [
        ({}, "", "SLACK_BOT_TOKEN is not set."),
        ({"SLACK_BOT_TOKEN": "xoxp-1"}, "", "SLACK_BOT_TOKEN does not begin with xoxb-."),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "", "SLACK_APP_TOKEN is not set."),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xoxb-1"}, "", "SLACK_APP_TOKEN does not begin with xapp-."),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "127.0.0.1:0", "SLACK_SIGNING_SECRET is not set."),
    ],
)
async def test_a_token_that_is_missing_or_another_one_is_told_with_where_to_find_it(w, types, environ, http, expected):
    tokens = dict.fromkeys(TOKENS, "")

    said = await types("run", *(["--http", http] if http else []), **(tokens | environ))

    assert is_a_sentence(said)
    assert said.err.startswith(expected)
    assert "under " in said.err


@pytest.mark.real
async def test_the_real_program_says_it_without_a_traceback(tmp_path):
    said = await program("run", TMINUS_HOME=str(tmp_path))

    assert is_a_sentence(said)
    assert said.err.startswith("SLACK_BOT_TOKEN is not set.")


async def test_a_wrong_configuration_is_told_line_by_line(w: World, types: Type, tmp_path):
    app = tmp_path / "app.yaml"
    app.write_text(app.read_text().replace("after: 2 h", "after: soon").replace("evidence: true", "evidence: perhaps"))

    for command in ("check-config", "run"):
        said = await types(command, **TOKENS)
        assert is_a_sentence(said, lines=len(said.err.splitlines()))
        told = [line for line in said.err.splitlines() if "app.yaml:" in line]
        assert len(told) >= 2
        assert any("soon" in line for line in told)
        assert any("perhaps" in line for line in told)


async def test_without_a_configuration_it_says_where_it_looked(types: Type, tmp_path):
    said = await types("check-config")

    assert is_a_sentence(said)
    assert "app.yaml" in said.err


async def test_a_right_configuration_is_summed_up(w: World, types: Type):
    said = await types("check-config")

    assert said.code == 0
    assert said.out.startswith("depot → production: ")
    assert "shop → staging: " in said.out


async def test_the_schema_for_editors_is_the_committed_one(types: Type):
    said = await types("check-config", "--schema")

    assert json.loads(said.out) == json.loads((ROOT / "docs" / "app.schema.json").read_text(encoding="utf-8"))


async def test_a_database_that_cannot_be_used_is_a_sentence(w: World, types: Type, tmp_path):
    (tmp_path / "novel.db").write_text("It was a dark and stormy night." * 100)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"postgresql+psycopg://t@127.0.0.1:{free.getsockname()[1]}/t"
        urls = [nobody, f"sqlite+aiosqlite:///{tmp_path / 'novel.db'}", "mysql://h/d", "not an address"]
        for url in urls:
            said = await types("status", TMINUS_DATABASE=url)
            assert is_a_sentence(said), said.err
            assert said.err.endswith(".")


async def test_a_clock_that_does_not_answer_keeps_nobody_from_looking(w: World, types: Type):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        said = await types("status", TMINUS_CLOCK_URL=f"http://127.0.0.1:{free.getsockname()[1]}/clock")

    assert said.code == 0


@pytest.mark.parametrize("listen", ["3000", "localhost:http", "127.0.0.1:70000", "127.0.0.1:²"])
async def test_an_address_that_is_none_is_a_sentence(w: World, types: Type, listen):
    said = await types("run", "--http", listen, **TOKENS)

    assert is_a_sentence(said)
    assert said.err == f"--http {listen}: write HOST:PORT, as in 127.0.0.1:3000."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["stat"], "I do not know “stat”. Did you mean status? "),
        (["histroy", "shop-1"], "I do not know “histroy”. Did you mean history? "),
        (["help"], "I do not know “help”. Did you mean --help? "),
        (["bogus"], "I do not know “bogus”. "),
        (["checks", "rum"], "I do not know “rum”. Did you mean run? "),
    ],
)
async def test_an_unknown_word_gets_the_nearest_one_as_in_slack(types: Type, words, sentence):
    said = await types(*words)

    assert is_a_sentence(said)
    assert said.err.startswith(sentence)
    assert said.err.endswith(" --help lists what I do.")


async def test_the_smaller_commands_print_what_they_promise(types: Type):
    assert (await types("version")).out == __version__
    assert (await types("diagram")).out == diagram().strip()
    assert "headers      Does every page carry" in (await types("checks", "list")).out


async def test_a_check_is_explained_with_parameters_values_and_rules(types: Type):
    told = (await types("checks", "explain", "headers")).out

    assert "urls" in told
    assert "hsts_max_age  " in told
    assert "  score >= 90" in told
    wrong = await types("checks", "explain", "heders")
    assert is_a_sentence(wrong)
    assert "headers" in wrong.err


async def test_every_check_can_be_explained(types: Type):
    names = [line.split()[0] for line in (await types("checks", "list")).out.splitlines()]

    for name in names:
        assert (await types("checks", "explain", name)).out.startswith(f"{name}: ")


@pytest.mark.real
async def test_the_program_stands_alone_in_another_folder(tmp_path):
    """The manifest needs neither a configuration nor a database nor Slack."""
    said = await program("manifest", cwd=tmp_path)

    assert said.code == 0
    assert json.loads(said.out)["features"]["slash_commands"][0]["command"] == "/deploy"
    assert list(tmp_path.iterdir()) == []
