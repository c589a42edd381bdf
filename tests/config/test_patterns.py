"""A pattern that a text could keep busy for ever is told from one that could not."""

import pytest

from bot.config.patterns import mistake


@pytest.mark.parametrize(
    "pattern",
    [
        "OPS-[0-9]+",
        "[A-Z]+-[0-9]+( [a-z ]+)?",
        r"([0-9]{1,3}\.){3}[0-9]{1,3}",
        "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}",
        "([0-9a-f]{2})*",
        "[a-z](-?[a-z0-9])*",
        "[a-z]+(-[a-z]++)*",
        "([a-z]++-?)+[0-9]",
        "a{300}",
    ],
)
def test_what_is_soon_known_is_a_pattern(pattern):
    assert mistake(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "([a-z]+-?)+[0-9]",
        "(?:a|b+)*",
        "(((a*?)b?)c)*?",
        "(?=(a+)+)b",
        "(?>a+)+",
        "([a-z]+){7}",
        "(?P<x>a)?(?(x)(b+)+|c)",
    ],
)
def test_what_repeats_what_itself_repeats_is_none(pattern):
    assert mistake(pattern).startswith("repeats what itself repeats")


@pytest.mark.parametrize("pattern", ["[", "a{99999999999999999999}", "(" * 5000 + ")" * 5000])
def test_what_python_cannot_read_is_told(pattern):
    assert mistake(pattern).startswith("is not a regular expression: ")
