"""How does Slack's text read at a terminal?"""

import html
import re

_TOKEN = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?:[^|>]*)\|([^>]*)>")
_MENTION = re.compile(r"<[@#!]([^|>]*)(?:\|([^>]*))?>")
_MARKS = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|`([^`\n]+)`")


def plain(text: str) -> str:
    """Date tokens as UTC, links as text and address, marks taken off."""
    text = _TOKEN.sub(r"\1", text)
    text = _LINK.sub(r"\2 (\1)", text)
    text = _MENTION.sub(lambda match: match[2] or match[1], text)
    text = _MARKS.sub(lambda match: match[1] or match[2] or match[3], text)
    return html.unescape(text)
