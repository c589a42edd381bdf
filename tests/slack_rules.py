"""Would Slack accept what the bot shows? The sandbox's own validation, for every test that has a message or a view in hand."""

import json
from typing import Any

from sandbox import blocks as table
from sandbox.inside import block_text
from sandbox.validation import check_blocks, check_view, view_bytes

LONGEST_UPDATE = 4000  # characters of a text that chat.update takes
looked_at = {"messages": 0, "views": 0}


def accepted_message(text: str, blocks: Any) -> None:
    """Fail when Slack would refuse this message, at its first showing or when it is edited."""
    told = json.loads(json.dumps(list(blocks)))
    looked_at["messages"] += 1
    assert [issue.line() for issue in check_blocks(told, table.MESSAGE)] == []
    assert block_text(told) <= table.MOST_BLOCK_TEXT
    assert len(text) <= LONGEST_UPDATE
    assert text or told


def accepted_view(view: Any) -> None:
    told = json.loads(json.dumps(view))
    looked_at["views"] += 1
    assert [issue.line() for issue in check_view(told)] == []
    assert view_bytes(told) <= table.MOST_VIEW_BYTES
