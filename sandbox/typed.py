"""What does Slack's message box make of what a person typed? Blocks of rich text, beside the text."""

import re
from typing import Any

Part = dict[str, Any]
STYLES = {"*": "bold", "_": "italic", "~": "strike"}
FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
# A mention, a channel, a broadcast, a link; an emoji; code; an address; something between two marks of emphasis.
INLINE = re.compile(
    r"<@(?P<user>[UW][A-Z0-9]+)(?:\|[^<>]*)?>|<#(?P<channel>[CG][A-Z0-9]+)(?:\|[^<>]*)?>"
    r"|<!subteam\^(?P<group>S[A-Z0-9]+)(?:\|[^<>]*)?>|<!(?P<range>here|channel|everyone)(?:\|[^<>]*)?>"
    r"|:(?P<emoji>[a-z0-9_+'-]+):|`(?P<code>[^`\n]+)`|(?P<url>https?://[^\s<>|]+)"
    r"|(?<![\w*_~])(?P<mark>[*_~])(?P<inner>\S|\S[^\n]*?\S)(?P=mark)(?![\w*_~])"
)


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def as_blocks(text: str, block_id: str) -> list[Part]:
    """One rich_text block; lines that begin with a quotation mark and fenced code are parts of their own."""
    parts: list[Part] = []
    end = 0
    for match in FENCE.finditer(text):
        parts += _lines(text[end : match.start()].strip("\n"))
        code = {"type": "text", "text": unescape(match[1])}
        parts.append({"type": "rich_text_preformatted", "elements": [code], "border": 0})
        end = match.end()
    parts += _lines(text[end:].strip("\n") if end else text)
    return [{"type": "rich_text", "block_id": block_id, "elements": parts}] if parts else []


def _lines(text: str) -> list[Part]:
    """Runs of quoted and of plain lines, one part each."""
    runs: list[tuple[str, list[str]]] = []
    for line in text.split("\n") if text else []:
        quoted = line.startswith("&gt;")
        kind = "rich_text_quote" if quoted else "rich_text_section"
        said = line.removeprefix("&gt;").removeprefix(" ") if quoted else line
        if runs and runs[-1][0] == kind:
            runs[-1][1].append(said)
        else:
            runs.append((kind, [said]))
    return [{"type": kind, "elements": made} for kind, lines in runs if (made := _inline("\n".join(lines), {}))]


def _inline(text: str, style: dict[str, bool]) -> list[Part]:
    made: list[Part] = []
    end = 0
    for match in INLINE.finditer(text):
        made += _plain(text[end : match.start()], style) + _element(match, style)
        end = match.end()
    return made + _plain(text[end:], style)


def _plain(text: str, style: dict[str, bool]) -> list[Part]:
    return [_styled({"type": "text", "text": unescape(text)}, style)] if text else []


def _element(match: re.Match[str], style: dict[str, bool]) -> list[Part]:
    if match["mark"]:
        return _inline(match["inner"], style | {STYLES[match["mark"]]: True})
    if match["code"]:
        return [_styled({"type": "text", "text": unescape(match["code"])}, style | {"code": True})]
    for group, kind, key in (
        ("user", "user", "user_id"), ("channel", "channel", "channel_id"), ("group", "usergroup", "usergroup_id"),
        ("range", "broadcast", "range"), ("emoji", "emoji", "name"), ("url", "link", "url"),
    ):  # fmt: skip
        if match[group]:
            return [_styled({"type": kind, key: unescape(match[group])}, style)]
    return []


def _styled(part: Part, style: dict[str, bool]) -> Part:
    return part | ({"style": dict(style)} if style else {})
