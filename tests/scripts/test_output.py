"""What is stored of a script's output, and what people read of it."""

import base64
import os
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Progress
from bot.scripts.output import Output, shown
from bot.scripts.supervisor import HIDDEN, Redactor

# Few letters, so that secrets overlap, repeat, and begin where others end.
words = st.text(alphabet="ab", min_size=4, max_size=8)


def redacted(secrets: list[str], data: bytes, cuts: list[int]) -> bytes:
    redactor = Redactor(secrets)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    out = b"".join(redactor.feed(data[a:b]) for a, b in pairwise(edges))
    return out + redactor.close()


@given(
    secrets=st.lists(words, max_size=3), text=st.text(alphabet="abc\n", max_size=60), cuts=st.lists(st.integers(0, 60))
)
def test_no_byte_of_a_secret_is_stored_however_the_output_is_cut(secrets: list[str], text: str, cuts: list[int]):
    data = text.encode()
    covered = [False] * len(data)
    for secret in map(str.encode, secrets):
        for at in range(len(data)):
            if data.startswith(secret, at):
                covered[at : at + len(secret)] = [True] * len(secret)

    out = redacted(secrets, data, cuts)

    assert out.replace(HIDDEN, b"") == bytes(byte for byte, hidden in zip(data, covered, strict=True) if not hidden)
    assert (HIDDEN in out) == any(covered)
    assert redacted(secrets, data, []).replace(HIDDEN, b"") == out.replace(HIDDEN, b"")


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200)))
def test_output_without_secrets_is_stored_as_it_is(data: bytes, cuts: list[int]):
    assert redacted(["a secret that is not in it"], data, cuts) == data


@given(cuts=st.lists(st.integers(0, 100)))
def test_a_mask_counts_from_its_line_on_however_the_output_is_cut(cuts: list[int]):
    data = b"see sesame here\n  ::add-mask::sesame\r\nsee sesame there\nnot a ::add-mask::there\n"

    out = redacted([], data, cuts)

    hidden = HIDDEN.decode()
    assert out.decode().endswith(f"::add-mask::{hidden}\r\nsee {hidden} there\nnot a ::add-mask::there\n")


@pytest.mark.parametrize(
    "form",
    [
        "pa ss/wörd+1",
        quote("pa ss/wörd+1", safe=""),
        base64.b64encode("pa ss/wörd+1".encode()).decode().rstrip("="),
        "pa ss/w\\u00f6rd+1",
    ],
)
def test_a_secret_is_hidden_in_the_forms_in_which_it_is_sent(form: str):
    assert redacted(["pa ss/wörd+1"], f"<{form}>".encode(), []) == b"<" + HIDDEN + b">"


def test_each_line_of_a_private_key_is_hidden_by_itself():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n"

    assert redacted([key], b"    kqhkiG9w0BAQEF\r\n", []) == b"    " + HIDDEN + b"\r\n"


def test_short_values_are_not_hidden_for_they_are_common_words():
    assert redacted(["yes", ""], b"yes", []) == b"yes"


# ── What people read ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"\x1b[1;32mgreen\x1b[0m and \x1b]8;;http://x\x07a link\x1b]8;;\x07", "green and a link"),
        (b"10 %\r20 %\r30 %\r\n", "30 %"),
        (b"bell\x07 null\x00", "bell␇ null␀"),
        ("reversed \u202e txt.exe".encode(), "reversed � txt.exe"),
        (b"broken \xff\xfe", "broken ��"),
        (b"a\tb  ", "a    b"),
        ("👩‍🚀 ünïcode ✓".encode(), "👩‍🚀 ünïcode ✓"),
        (b"x" * 1000, "x" * 299 + "…"),
    ],
)
def test_a_line_is_shown_safely(line: bytes, text: str):
    assert shown(line) == text


def output(tmp_path: Path, *pieces: bytes, last: bool = True) -> Output:
    log = tmp_path / "log"
    output = Output(log)
    for number, piece in enumerate(pieces):
        with log.open("ab") as file:
            file.write(piece)
        output.read(last=last and number == len(pieces) - 1)
    return output


def test_only_the_last_twelve_lines_are_kept_and_empty_ones_do_not_count(tmp_path: Path):
    read = output(tmp_path, b"".join(b"line %d\n\n" % number for number in range(100)))

    assert read.tail == tuple(f"line {number}" for number in range(88, 100))


def test_a_line_that_has_not_ended_is_shown_and_later_completed(tmp_path: Path):
    assert output(tmp_path, b"one\nDownloadi", last=False).tail == ("one", "Downloadi")
    assert output(tmp_path, b"ng\n", last=False).tail == ("one", "Downloading")


@given(cuts=st.lists(st.integers(0, 200), max_size=6))
def test_commands_are_understood_however_the_reading_is_cut(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]):
    data = (
        b"::group::Members\n::progress 1/4 api-1 is drained: gone::\n::warning::a%25b\n::warning file=x::c::d\n"
        b"::debug::hidden\n::progress 3/4\n::error::e\n::progress nonsense\n::unknown::stays\n::error::at the end"
    )
    edges = [0, *sorted(cut % len(data) for cut in cuts), len(data)]

    read = output(tmp_path_factory.mktemp("log"), *(data[a:b] for a, b in pairwise(edges)))

    assert read.progress == Progress(done=3, of=4)
    assert tuple(read.warnings) == ("a%b", "c::d")
    assert tuple(read.errors) == ("e", "at the end")
    assert read.tail == ("Members", "::unknown::stays")
    assert read.size == len(data)


def test_of_many_warnings_the_last_ten_are_kept_and_all_are_counted(tmp_path: Path):
    read = output(tmp_path, b"".join(b"::warning::w%d\n" % number for number in range(25)))

    assert read.warning_count == 25
    assert tuple(read.warnings) == tuple(f"w{number}" for number in range(15, 25))


def test_both_forms_of_progress_are_understood(tmp_path: Path):
    assert output(tmp_path, b"::progress 2/7 Draining api-2::\n").progress == Progress(
        done=2, of=7, text="Draining api-2"
    )
    os.truncate(tmp_path / "log", 0)
    assert output(tmp_path, b"::progress 5/7 Switching\n").progress == Progress(done=5, of=7, text="Switching")
