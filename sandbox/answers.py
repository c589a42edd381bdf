"""How is shown what the app answers: in its acknowledgement, or to a response URL?"""

from typing import Any

from sandbox.box import Sandbox
from sandbox.call import FALSE, TRUE, strict_json
from sandbox.methods_chat import MOST_TEXT, author, checked_attachments, checked_blocks, checked_metadata, thread_of
from sandbox.refusal import Refusal

RESPONSE_TYPES = ("ephemeral", "in_channel")
Body = dict[str, Any]


def show_answer(box: Sandbox, body: Any, token: str, original: Body | None) -> Body:
    """Show what the app said, or refuse it as Slack does; `original` is what the URL was counted for."""
    known = original or box.store.get("response", token)
    if not isinstance(body, dict):
        raise Refusal("invalid_payload")
    if body.get("response_type") not in (None, *RESPONSE_TYPES):
        raise _wrong("response_type", f"must be one of {', '.join(RESPONSE_TYPES)}")
    delete, replace = _flag(body, "delete_original"), _flag(body, "replace_original")
    found = box.workspace.rooms[known["channel"]]
    if delete:
        _replace(box, known, None)
        return {"ok": True}
    content = _content(box, body)
    metadata = checked_metadata(body.get("metadata"))
    if replace and known["ts"]:
        _replace(box, known, content)
        return {"ok": True}
    given = body.get("thread_ts")
    thread = thread_of(found, str(given)) if given else known["thread_ts"]
    if body.get("response_type") == "in_channel":
        message = box.workspace.post(found, author(box), **content, thread_ts=thread, metadata=metadata or None)
    else:
        message = box.workspace.whisper(known["user"], found, **content, thread_ts=thread)
    box.tickets.point(token, message["ts"], ephemeral=body.get("response_type") != "in_channel")
    return {"ok": True}


def _content(box: Sandbox, body: Body) -> Body:
    blocks = body.get("blocks")
    if isinstance(blocks, str):
        try:
            blocks = strict_json(blocks)
        except ValueError:
            raise Refusal("invalid_blocks_format") from None
    shown = checked_blocks(box, blocks) if blocks is not None else None
    content: Body = {
        "text": str(body.get("text") or "")[:MOST_TEXT],
        "blocks": shown,
        "attachments": checked_attachments(body.get("attachments"), shown),
    }
    if not content["text"] and not content["blocks"] and not content["attachments"]:
        raise Refusal("no_text")
    return content


def _flag(body: Body, name: str) -> bool:
    """Slack's own examples write these flags as words."""
    value = body.get(name, False)
    if isinstance(value, bool):
        return value
    if value in TRUE:
        return True
    if value is None or value in FALSE:
        return False
    raise _wrong(name, "must be a boolean")


def _wrong(name: str, why: str) -> Refusal:
    return Refusal("invalid_arguments", messages=[f"[ERROR] {why} [json-pointer:/{name}]"])


def _replace(box: Sandbox, known: Body, content: Body | None) -> None:
    """Replace or delete the message that the answer belongs to."""
    workspace = box.workspace
    if known["ephemeral"]:
        message = workspace.whispered(known["user"], known["channel"], known["ts"] or "")
        if message is not None and content is None:
            workspace.unwhisper(message)
        elif message is not None and content is not None:
            workspace.rewhisper(message, **content)
        return
    message = workspace.find(known["channel"], known["ts"] or "")
    if message is not None and content is None:
        workspace.delete(message)
    elif message is not None and content is not None:
        workspace.change(message, **content)
