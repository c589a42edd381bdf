"""Where does our verdict differ from a tool's, and is that difference listed with its reason?"""

import random
import re
from pathlib import Path

import pytest

COMPARISON = Path(__file__).parents[2] / "docs" / "comparison.md"


def listed(kind):
    """The rows of the table below the heading `### kind`."""
    text = COMPARISON.read_text(encoding="utf-8")
    section = re.search(rf"^### {re.escape(kind)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| ([^|]+) \| `([^`|]+)` \| `([^`|]+)` \|", section[1] if section else "", re.MULTILINE)
    return {(case.strip(), tool, name) for case, tool, name in rows}


class Comparison:
    """What the cases of one kind came to, for one run."""

    def __init__(self, kind, cases):
        self.kind = kind
        self.cases = set(cases)
        self.seed = random.randrange(10**6)  # noqa: S311 - it only shuffles
        self.different, self.compared = set(), set()

    def hold(self, case, tool, theirs, ours, *, near=0.0):
        """Property by property; `near`: how far numbers may be apart."""
        for name, their in theirs.items():
            our = ours.get(name)
            self.compared.add((case, tool, name))
            numbers = near and isinstance(our, int | float) and isinstance(their, int | float)
            if abs(our - their) <= near if numbers else our == their:
                continue
            self.different.add((case, tool, name))
            assert (case, tool, name) in listed(self.kind), (
                f"{case}: {name} is {our!r} to us and {their!r} to {tool} (seed {self.seed})"
            )

    def settle(self):
        """In the last test: a disagreement that is gone has to leave the list."""
        if {case for case, _, _ in self.compared} != self.cases:
            pytest.skip("only after all cases were compared")
        assert listed(self.kind) == self.different
