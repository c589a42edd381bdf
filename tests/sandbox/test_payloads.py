"""Whatever Slack's own types and builders make, the sandbox takes."""

import blockkit

from sandbox.blocks import MESSAGE, SHAPES
from sandbox.validation import check_blocks, check_view
from tests.sandbox import built, typed
from tests.sandbox.nodejs import needed


def test_whatever_the_types_of_slack_allow_is_accepted_and_every_type_and_key_occurs():
    needed()
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


# What @slack/types does not have, and slack_sdk, blockkit or the builder slackblocks has.
BEYOND_THE_TYPES = {
    "block/card.slack_icon",
    "block/card.subtext",
    "element/button.agent_prompt",
    "element/button.agent_prompt_display",
    "element/button.visible_to_user_ids",
    "part/emoji.skin_tone",
    "rich/rich_text_list.offset",
    "rich/rich_text_preformatted.language",
}


def test_whatever_the_sandbox_takes_beyond_the_types_is_listed():
    needed()
    known: dict[str, set[str]] = {}
    for keys in typed.types()["shapes"].values():
        if "type" in keys:
            known.setdefault(keys["type"]["value"], set()).update(keys)
    beyond = {
        f"{shape}.{name}"
        for shape, kind in SHAPES.items()
        for name in kind.fields
        if (called := shape.partition("/")[2]) in known and name not in known[called]
    }
    assert beyond == BEYOND_THE_TYPES
