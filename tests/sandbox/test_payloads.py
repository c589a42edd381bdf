"""Whatever Slack's own types and builders make, the sandbox takes."""

import blockkit
import pytest

from sandbox.blocks import MESSAGE
from sandbox.validation import check_blocks, check_view
from tests.sandbox import built, typed
from tests.sandbox.nodejs import MISSING, present


@pytest.mark.skipif(not present(), reason=MISSING)
def test_whatever_the_types_of_slack_allow_is_accepted_and_every_type_and_key_occurs():
    messages, seen = typed.all_kinds()
    views = typed.drawn(typed.views(seen), 60)

    refused = [(check_blocks(blocks, MESSAGE), blocks) for blocks in messages]
    refused += [(check_view(view), view) for view in views]
    assert [([issue.line() for issue in issues], what) for issues, what in refused if issues] == []
    assert typed.everything() - seen == set()


def test_whatever_a_builder_that_others_wrote_makes_is_accepted_and_each_of_its_components_occurs():
    seen: set[str] = set()
    refused = []
    for made in built.surfaces(seen):
        issues = check_view(made) if "type" in made else check_blocks(made["blocks"], MESSAGE)
        refused += [([issue.line() for issue in issues], made)] if issues else []
    assert refused == []
    assert set(blockkit.__all__) - seen == set()
