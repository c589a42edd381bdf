"""Files are read by libyaml, and by PyYAML itself where there is a mistake: do both read the same?"""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import tree

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "app.yaml", *sorted((ROOT / "services").glob("*.yaml"))]
#: Long enough to have one of everything, short enough to be read hundreds of times.
SOME = FILES[-1].read_text("utf-8")


def read_by(kind: type, text: str) -> object:
    loader = kind(text)
    return told(loader.get_single_node())


def told(node: yaml.Node | None) -> object:
    if node is None:
        return None
    place = (node.tag, node.start_mark.line, node.start_mark.column)
    if isinstance(node, yaml.MappingNode):
        return (*place, [(told(key), told(value)) for key, value in node.value])
    if isinstance(node, yaml.SequenceNode):
        return (*place, [told(each) for each in node.value])
    return (*place, node.value)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_both_read_the_same_in_our_own_files(file: Path):
    text = file.read_text("utf-8")
    assert read_by(tree._Quick, text) == read_by(tree._Loader, text)


@settings(max_examples=60, deadline=None)
@given(
    at=st.integers(0, len(SOME) - 1),
    what=st.sampled_from(["'", '"', "- ", ": ", "#", "é", "🚀", "\t", "~", "no", "12:30", "| ", "> ", "[", "}", "\n", "&a ", "\\"]),
)  # fmt: skip
def test_both_read_the_same_whatever_was_typed(at: int, what: str):
    text = SOME[:at] + what + SOME[at:]
    try:
        exact = read_by(tree._Loader, text)
    except yaml.YAMLError:
        return
    try:
        quick = read_by(tree._Quick, text)
    except yaml.YAMLError:
        # Then the other one is asked.
        return
    assert quick == exact
