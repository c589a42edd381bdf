"""What does the text that a person typed become on the wire?"""

import re

from sandbox.workspace import Room, Workspace

TOKEN = re.compile(r"<(?:@[UW][A-Z0-9]+|#[CG][A-Z0-9]+|!(?:subteam\^S[A-Z0-9]+|here|channel|everyone))(?:\|[^<>]*)?>")
BROADCASTS = ("here", "channel", "everyone")


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_message(workspace: Workspace, text: str) -> str:
    """@names and #channels become tokens, and everything else is escaped; tokens that are there already stay."""
    return _translate(workspace, text, labels=False)


def as_command(workspace: Workspace, text: str) -> str:
    """The same for a command whose manifest asks for `should_escape`: tokens carry the name too."""
    return _translate(workspace, text, labels=True)


def _translate(workspace: Workspace, text: str, *, labels: bool) -> str:
    names = _names(workspace, labels=labels)
    found = sorted(names, key=len, reverse=True)
    pattern = re.compile(
        TOKEN.pattern + r"|(?<![\w&])(?:" + "|".join(re.escape(name) for name in found) + r")(?![\w-])", re.IGNORECASE
    )
    parts: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        parts += [escape(text[end : match.start()]), names.get(match.group().lower(), match.group())]
        end = match.end()
    return "".join(parts) + escape(text[end:])


def _names(workspace: Workspace, *, labels: bool) -> dict[str, str]:
    """What can be typed, in lower case, and the token it becomes."""
    names: dict[str, str] = {f"@{word}": f"<!{word}>" for word in BROADCASTS}
    for room in workspace.rooms.values():
        if room.kind != "im":
            names[f"#{room.name.lower()}"] = f"<#{room.id}|{room.name}>" if labels else f"<#{room.id}>"
    for user in workspace.users.values():
        token = f"<@{user.id}|{user.name}>" if labels else f"<@{user.id}>"
        names |= {f"@{user.name.lower()}": token, f"@{user.real_name.lower()}": token}
    for group in workspace.groups.values():
        token = f"<!subteam^{group.id}|@{group.handle}>" if labels else f"<!subteam^{group.id}>"
        names[f"@{group.handle.lower()}"] = token
    return names


def calls_app(workspace: Workspace, text: str) -> bool:
    return f"<@{workspace.bot}>" in text or f"<@{workspace.bot}|" in text


def room_label(room: Room) -> str:
    """The channel's name as a command or an action carries it."""
    return "directmessage" if room.kind == "im" else "privategroup" if room.kind == "private" else room.name
