"""How does a call of the Web API go: who may, how often, with what, and what comes back?"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.box import Sandbox
from sandbox.call import Call, published, read_call, settle
from sandbox.faults import Rule
from sandbox.refusal import Refusal

Method = Callable[[Sandbox, Call], dict[str, Any]]
METHODS: dict[str, Method] = {}
APP_TOKEN_METHODS = ("apps.connections.open",)
SERVER_ERROR = 500
NO_TOKEN_METHODS = ("api.test", "oauth.v2.access", "blocks.validate")


def method(name: str) -> Callable[[Method], Method]:
    def register(function: Method) -> Method:
        METHODS[name] = function
        return function

    return register


def need_scope(box: Sandbox, *any_of: str) -> None:
    """Refuse when the manifest gives the app none of these scopes."""
    held = box.world.app.scopes
    if held is None or not any_of or held.intersection(any_of):
        return
    raise Refusal("missing_scope", needed=",".join(any_of), provided=",".join(sorted(held)))


async def answer(box: Sandbox, request: Request) -> Response:
    """Answer one call and write it down; HTTP 429 and 500 only where Slack would."""
    name = request.path_params["method"]
    started = time.monotonic()
    call = Call(method=name, token="", args={}, body="query")
    lost = None
    status = 200
    try:
        call = await read_call(request, name)
        if rule := _strike(box, call, "slow"):
            await asyncio.sleep(rule.seconds)
        told = _perform(box, call)
        lost = _strike(box, call, "lost_answer")
    except Refusal as refusal:
        told, status = refusal.as_data(), refusal.status
        if not refusal.injected:
            call.findings.append(_told(call, refusal))
    headers = {"retry-after": str(retry)} if (retry := told.pop("retry_after", None)) else {}
    if box.world.app.scopes is not None:
        headers["x-oauth-scopes"] = ",".join(sorted(box.world.app.scopes))
    box.journal.write(
        "api",
        name,
        request=_readable(call.args),
        response=told,
        ms=int((time.monotonic() - started) * 1000),
        findings=call.findings,
    )
    if lost and (transport := request.scope.get("sandbox.transport")):
        # The call has been carried out, and its author will never know.
        transport.abort()
    return JSONResponse(told, status_code=status, headers=headers)


def _channel(box: Sandbox, call: Call) -> str:
    return box.workspace.address(call.text("channel") or call.text("channel_id"))


def _strike(box: Sandbox, call: Call, fault: str) -> Rule | None:
    return box.faults.strike(fault, method=call.method, channel=_channel(box, call))


def _readable(args: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{len(value)} bytes" if isinstance(value, bytes) else value for name, value in args.items()}


def _told(call: Call, refusal: Refusal) -> str:
    details = "; ".join(refusal.messages or [])
    if refusal.error == "missing_scope":
        details = f"needed {refusal.more['needed']}"
    return f"{call.method} was refused: {refusal.error}" + (f" ({details})" if details else "")


def _perform(box: Sandbox, call: Call) -> dict[str, Any]:
    if _strike(box, call, "http_500"):
        raise Refusal("internal_error", status=SERVER_ERROR, injected=True)
    if rule := _strike(box, call, "rate_limited"):
        raise Refusal("ratelimited", status=429, retry_after=max(1, int(rule.seconds)), injected=True)
    described = published().get(call.method)
    function = METHODS.get(call.method)
    if described is None or function is None:
        raise Refusal("unknown_method", req_method=call.method)
    _admit(box, call)
    wait = box.limits.refuse(call.method, described.tier, _channel(box, call))
    if wait is not None:
        raise Refusal("ratelimited", status=429, retry_after=wait)
    # Slack judges who asks before it looks at what is asked; a method that any of several scopes opens is asked about
    # the one for the kind of conversation again, when that is known.
    need_scope(box, *described.scopes)
    settle(call, described)
    return {"ok": True, **function(box, call)}


def _admit(box: Sandbox, call: Call) -> None:
    """Is this a token of ours, and of the kind that the method takes?"""
    app = box.world.app
    if not call.token:
        if call.method in NO_TOKEN_METHODS:
            return
        raise Refusal("not_authed")
    if box.faults.strike("revoked_token", method=call.method):
        raise Refusal("token_revoked", injected=True)
    if call.token not in (app.bot_token, app.app_token):
        raise Refusal("invalid_auth")
    if (call.token == app.app_token) != (call.method in APP_TOKEN_METHODS):
        raise Refusal("not_allowed_token_type")
