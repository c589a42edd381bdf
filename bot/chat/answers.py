"""What does it mean for what was sent, when Slack does not simply say yes? Pure."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.errors import TMinusError


class Fate(Enum):
    #: Nothing happened, and it may work later (limits, a token, no connection at all).
    NOT_NOW = "not now"
    #: It may have happened.
    UNKNOWN = "unknown"
    #: What it was about is not there any more.
    GONE = "gone"
    #: Slack will not take it in this form.
    NEVER = "never"


class Trouble(TMinusError):
    """A call that did not get a yes."""

    def __init__(self, method: str, code: str, fate: Fate, *, wait_s: float = 0.0, detail: str = "") -> None:
        super().__init__(f"{method}: {code}" + (f" ({detail})" if detail else ""))
        self.method = method
        self.code = code
        self.fate = fate
        #: Slack asked to stay away for so long.
        self.wait_s = wait_s
        self.detail = detail

    @property
    def passes(self) -> bool:
        """Trying again soon may help; a missing scope or a wrong token needs a person first."""
        return self.fate is Fate.UNKNOWN or self.wait_s > 0 or self.code in {NOT_CONNECTED, "request_timeout"}


#: Not Slack's word but ours: there never was a connection.
NOT_CONNECTED = "not connected"

#: Refused before anything was done; a person, or time, changes it for all messages at once.
_NOT_NOW = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "message_limit_exceeded",
        "missing_scope",
        "not_authed",
        "org_login_required",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
#: Slack's own words for "something broke, and some of it may have been done".
_UNKNOWN = frozenset(
    {"fatal_error", "internal_error", "service_unavailable", "team_added_to_org", "update_failed", "rollup_error"}
)
_GONE = frozenset({"message_not_found", "thread_not_found", "not_found"})

_TOO_MANY = 429
_SERVER_ERROR = 500

#: When Slack asks to wait but does not say how long.
_WAIT_S = 10.0

#: What a person can do about a message that Slack refuses. `{to}` is the channel or the person.
_SENTENCES: Mapping[str, str] = {
    "cannot_dm_bot": "{to} is a bot; name a person instead.",
    "channel_not_found": "Slack knows no {to}, or T-Minus is not in it; invite it there with /invite @T-Minus.",
    "edit_window_closed": "The workspace does not allow changing this message any more; allow editing in its settings.",
    "cant_update_message": "Slack does not let T-Minus change this message; it belongs to somebody else.",
    "file_uploads_disabled": "The workspace does not allow file uploads; an admin of it can.",
    "invalid_blocks": "Slack cannot show this message as it is written; that is a fault of T-Minus, see its log.",
    "invalid_blocks_format": "Slack cannot show this message as it is written; that is a fault of T-Minus, see its log.",
    "is_archived": "{to} is archived; unarchive it, or name another channel in app.yaml.",
    "is_inactive": "{to} is archived; unarchive it, or name another channel in app.yaml.",
    "messages_tab_disabled": "Direct messages to T-Minus are switched off; switch on its Messages tab in the app's settings.",
    "msg_blocks_too_long": "This message is too long for Slack; that is a fault of T-Minus, see its log.",
    "msg_too_long": "This message is too long for Slack; that is a fault of T-Minus, see its log.",
    "not_in_channel": "T-Minus is not in {to}; invite it there with /invite @T-Minus.",
    "restricted_action": "The workspace does not let T-Minus post in {to}; an admin of it can.",
    "restricted_action_read_only_channel": "Only some people may post in {to}; let T-Minus, or name another channel.",
    "storage_limit_reached": "The workspace has no room left for files; delete some, or ask an admin of it.",
    "user_disabled": "{to} is deactivated in Slack; name another person.",
    "user_not_found": "Slack knows no person {to}; correct the roster in app.yaml.",
}


def sentence(trouble: Trouble, to: str) -> str:
    """What a person reads about a message that cannot be delivered."""
    known = _SENTENCES.get(trouble.code)
    return known.format(to=to) if known else f"Slack refuses this message ({trouble.code}); see the log of T-Minus."


def understand(method: str, problem: Exception) -> Trouble:
    """Sort whatever slack_sdk or the network raised by what it says about the call."""
    if isinstance(problem, aiohttp.ClientConnectorError):
        # There was never a connection, so nothing can have been sent.
        return Trouble(method, NOT_CONNECTED, Fate.NOT_NOW)
    if not isinstance(problem, SlackApiError):
        return Trouble(method, "no answer", Fate.UNKNOWN, detail=type(problem).__name__)
    status, headers, data = _answer(problem.response)
    code = str(data.get("error") or f"http {status}")
    detail = "; ".join(map(str, (data.get("response_metadata") or {}).get("messages", [])))
    if status == _TOO_MANY or code in {"ratelimited", "rate_limited"}:
        return Trouble(method, "ratelimited", Fate.NOT_NOW, wait_s=_wait_s(headers))
    if code in _NOT_NOW:
        fate = Fate.NOT_NOW
    elif code in _UNKNOWN or status >= _SERVER_ERROR or "error" not in data:
        fate = Fate.UNKNOWN
    else:
        fate = Fate.GONE if code in _GONE else Fate.NEVER
    return Trouble(method, code, fate, detail=detail)


def _answer(response: Any) -> tuple[int, Mapping[str, str], Mapping[str, Any]]:
    """slack_sdk hands over its own response, or aiohttp's when the body was not JSON."""
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    return int(status), getattr(response, "headers", None) or {}, data if isinstance(data, dict) else {}


def _wait_s(headers: Mapping[str, str]) -> float:
    found = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(float(found), 0.1)
    except ValueError:
        return _WAIT_S
