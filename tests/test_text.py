"""Text for Slack is safe, short and readable."""

import base64
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import text
from bot.errors import ConfigError
from bot.terminal import plain
from bot.text import Raw

AT = datetime(2026, 11, 3, 14, 2, 9, tzinfo=UTC)


def test_a_label_cannot_page_the_company():
    assert text.esc("<!channel> R&D > 3") == "&lt;!channel&gt; R&amp;D &gt; 3"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("*all clear*", "∗all clear∗"),
        ("_quiet_ and ~gone~", "ˍquietˍ and ∼gone∼"),
        ("`rm -rf /`", "ˋrm -rf /ˋ"),
        ("a `b` *c", "a `b` ∗c"),
        ("5*3 is DB_POOL_SIZE", "5*3 is DB_POOL_SIZE"),
        ("see https://wiki.example/_plan/*all, or *ask*", "see https://wiki.example/_plan/*all, or ∗ask∗"),
        ("`health_verify.py` - Health check", "`health_verify.py` - Health check"),
        ("```\nno\n```", "ˋˋˋ\nno\nˋˋˋ"),
    ],
)
def test_no_words_of_people_restyle_a_card_and_all_of_them_read_as_they_were_written(words, shown):
    assert text.esc(words) == shown
    assert plain(text.esc(words)).replace("`", "") == words.replace("`", "")


def test_what_is_to_be_copied_stays_as_it_is():
    assert text.code("./_build/*.js & `x`") == "`./_build/*.js &amp; ˋxˋ`"


def test_what_is_escaped_is_not_escaped_again():
    assert text.esc(text.esc("a & b")) == "a &amp; b"


@given(st.text())
def test_nothing_from_people_survives_as_markup(words):
    assert not set("<>") & set(text.esc(words))


@pytest.mark.parametrize(
    ("words", "limit", "clipped"),
    [
        ("short", 5, "short"),
        ("a longer one", 9, "a longer…"),
        ("a longer one", 8, "a longe…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("see <@U123|ana> now", 10, "see…"),
        ("see <https://example.com/|it>", 12, "see…"),
        ("a &amp; b", 5, "a…"),
        ("a &lt;", 5, "a…"),
        ("if a < b then stop", 12, "if a < b th…"),
    ],
)
def test_a_long_text_is_clipped_without_tearing_a_mention_or_an_entity(words, limit, clipped):
    assert text.clip(words, limit) == clipped


def test_clipping_keeps_what_is_escaped_escaped():
    assert isinstance(text.clip(text.esc("a & b & c & d"), 9), Raw)


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_clipping_keeps_to_its_limit(words, limit):
    assert len(text.clip(words, limit)) <= limit


@pytest.mark.parametrize(
    ("words", "secrets", "shown"),
    [
        ("token abc123 used", ["abc123"], "token ••• used"),
        ("abc123456", ["abc123", "abc123456"], "•••"),
        ("nothing here", [], "nothing here"),
        ("nothing here", ["", "  "], "nothing here"),
        ("MIIEvQIBADANBg", ["-----BEGIN\nMIIEvQIBADANBg\n-----END\nab"], "•••"),
        ("ab is a word", ["-----BEGIN\nMIIEvQIBADANBg\nab"], "ab is a word"),
        ("a.c abc", ["a.c"], "••• abc"),
        ("?key=p%40ss%2Fw%C3%B6rd+1", ["p@ss/wörd 1"], "?key=•••"),
        ("?key=p%40ss/w%c3%b6rd%201", ["p@ss/wörd 1"], "?key=•••"),
        (r'{"key": "a \"b\" c"}', ['a "b" c'], '{"key": "•••"}'),
        (r"pa ss/w\u00f6rd", ["pa ss/wörd"], "•••"),
        ("eWVz yes", ["yes"], "eWVz •••"),
    ],
)
def test_secrets_are_hidden(words, secrets, shown):
    assert text.redact(words, secrets) == shown


@given(st.binary(max_size=5), st.text(st.characters(codec="utf-8"), min_size=8, max_size=30), st.binary(max_size=5))
def test_a_secret_is_hidden_in_base64_whatever_stands_beside_it(before, secret, after):
    secret = f"x{secret}x"
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    shown = text.redact(encoded, [secret])
    assert text.HIDDEN in shown
    # Of the letters that stand for the secret at most the two at the edges are left.
    assert len(shown.replace(text.HIDDEN, "")) <= math.ceil((len(before) + len(after)) * 8 / 6) + 5


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        ("U012AB", "<@U012AB>"),
        ("W012AB", "<@W012AB>"),
        ("op:root", "root"),
        ("t-minus", "T-Minus"),
        ("op:<!here>", "&lt;!here&gt;"),
        ("U1><!channel", "U1&gt;&lt;!channel"),
    ],
)
def test_only_people_in_slack_are_mentioned(person, shown):
    assert text.mention(person) == shown


@pytest.mark.parametrize(
    ("style", "token"),
    [
        ("time", "<!date^1793714529^{time}|14:02 UTC>"),
        ("date_time", "<!date^1793714529^{date_short_pretty} {time}|3 Nov 2026 14:02 UTC>"),
        ("day", "<!date^1793714529^{date_short_pretty}|3 Nov 2026>"),
    ],
)
def test_a_moment_is_shown_in_the_readers_zone_with_a_fallback(style, token):
    assert text.moment(AT, style) == token
    assert text.moment(AT.astimezone(timezone(timedelta(hours=5))), style) == token


def test_a_moment_without_a_zone_is_a_bug():
    with pytest.raises(ValueError, match="time zone"):
        text.moment(datetime(2026, 11, 3))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0012, "1.2 ms"),
        (0.038, "38 ms"),
        (0.4127, "413 ms"),
        (0.9999, "1 s"),
        (0.99951, "1 s"),
        (1, "1 s"),
        (1.44, "1.4 s"),
        (9.96, "10 s"),
        (11.2, "11 s"),
        (59.6, "1 min"),
        (72, "1 min 12 s"),
        (125, "2 min 05 s"),
        (600, "10 min"),
        (3599.7, "1 h"),
        (11400, "3 h 10 min"),
        (86400, "24 h"),
        (172799, "2 days"),
        (183600, "2 days 3 h"),
        (518400, "6 days"),
        (17 * 86400 + 7200, "17 days"),
        (-72, "−1 min 12 s"),
    ],
)
def test_durations_read_as_people_say_them(seconds, words):
    assert text.duration(seconds) == words


@given(st.floats(min_value=0, max_value=10**9))
def test_no_duration_has_sixty_of_anything(seconds):
    words = text.duration(seconds)
    assert "60" not in words.split()[:1] or words.endswith(("ms", "days"))
    assert not words.endswith(" 60 s")
    assert not words.endswith(" 60 min")
    assert not words.startswith("1000 ms")


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.001, "0.1 %"),
        (0.0034, "0.34 %"),
        (0.00104, "0.104 %"),
        (0.9998, "99.98 %"),
        (0.99996, "99.996 %"),
        (1.0004, "100.04 %"),
        (0.07, "7 %"),
        (2.494, "249 %"),
        (12.345, "1,230 %"),
        (0.0000002, "0.00002 %"),
        (-0.03, "-3 %"),
    ],
)
def test_percentages_never_round_a_loss_away(ratio, words):
    assert text.percent(ratio) == words


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (6840, "6,840"),
        (3.0, "3"),
        (118.2504, "118.25"),
        (0.00123, "0.00123"),
        (1234567.891, "1,234,567.89"),
        (-12, "-12"),
    ],
)
def test_numbers_have_separators_and_no_noise(n, words):
    assert text.number(n) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1200, "1.2 kB"),
        (999_999, "1 MB"),
        (100_000_000, "100 MB"),
        (5_000_000_000, "5 GB"),
        (2_500_000_000_000, "2.5 TB"),
    ],
)
def test_sizes_have_a_readable_unit(count, words):
    assert text.size(count) == words


@pytest.mark.parametrize(
    ("n", "one", "many", "words"),
    [
        (12, "change", "", "12 changes"),
        (1, "change", "", "1 change"),
        (0, "change", "", "0 changes"),
        (2, "address", "", "2 addresses"),
        (3, "entry", "", "3 entries"),
        (3, "day", "", "3 days"),
        (2, "branch", "", "2 branches"),
        (2, "person", "people", "2 people"),
        (6840, "probe", "", "6,840 probes"),
        (2, "y", "", "2 ies"),
    ],
)
def test_counted_things_agree_with_their_number(n, one, many, words):
    assert text.plural(n, one, many) == words


@pytest.mark.parametrize(
    ("done", "of", "width", "drawn"),
    [
        (24, 29, 10, "▓▓▓▓▓▓▓▓░░"),
        (0, 29, 5, "░░░░░"),
        (29, 29, 5, "▓▓▓▓▓"),
        (28, 29, 5, "▓▓▓▓░"),
        (0, 0, 5, "░░░░░"),
        (9, 3, 5, "▓▓▓▓▓"),
        (-1, 3, 5, "░░░░░"),
    ],
)
def test_a_bar_is_full_only_when_it_is_done(done, of, width, drawn):
    assert text.bar(done, of, width) == drawn


@pytest.mark.parametrize(
    ("parts", "words"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists_read_as_a_sentence(parts, words):
    assert text.several(parts) == words


def test_a_list_with_a_mention_escapes_the_rest():
    shown = text.several([text.mention("U1"), "<!here>"])
    assert shown == "<@U1> and &lt;!here&gt;"
    assert isinstance(shown, Raw)


def test_templates_escape_values_and_keep_mentions_and_dates(tmp_path):
    (tmp_path / "done.j2").write_text(
        "*{{ service }}* is live since {{ at|moment }}, after {{ 72|duration }}: {{ 12|plural('change') }}, "
        "{{ 6840|number }} probes. {{ who|mention }} & co\n"
    )
    shown = text.render_from(tmp_path, "done.j2", {"service": "<!channel>", "at": AT, "who": "U1"})
    assert shown == (
        "*&lt;!channel&gt;* is live since <!date^1793714529^{date_short_pretty} {time}|3 Nov 2026 14:02 UTC>, after 1 min 12 s: 12 changes, "
        "6,840 probes. <@U1> & co"
    )


def test_a_template_that_asks_for_what_is_not_there_says_what_is(tmp_path):
    (tmp_path / "a.j2").write_text("{{ vresion }}")
    with pytest.raises(ConfigError, match=r"a\.j2: 'vresion' is undefined\. Known here: service, version\."):
        text.render_from(tmp_path, "a.j2", {"version": "1", "service": "checkout"})


def test_a_broken_template_says_where(tmp_path):
    (tmp_path / "a.j2").write_text("fine\n{% if x %}")
    with pytest.raises(ConfigError, match=r"a\.j2, line 2: "):
        text.render_from(tmp_path, "a.j2", {})


def test_a_missing_template_is_named():
    with pytest.raises(ConfigError, match=r"templates/no-such\.j2 is missing"):
        text.render("no-such.j2")
