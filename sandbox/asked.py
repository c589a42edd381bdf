"""What does a request to the control API say, and how is it told what cannot be done?"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.box import Sandbox
from sandbox.call import strict_json
from sandbox.faults import BadFault
from sandbox.people import Impossible, person
from sandbox.refusal import Refusal
from sandbox.world import User

Body = dict[str, Any]
Look = Callable[[Sandbox, Request], Awaitable[Response]]
Act = Callable[[Sandbox, User, Body], Awaitable[Body]]


def _bad(sentence: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": sentence}, status_code=status)


async def body_of(request: Request) -> Body:
    raw = await request.body()
    try:
        told = strict_json(raw or b"{}")
    except ValueError:
        raise Impossible("The body has to be JSON.") from None
    if not isinstance(told, dict):
        raise Impossible("The body has to be a JSON object.")
    return told


def number(raw: str | None, default: int | None, name: str) -> int | None:
    if raw is None or raw == "":
        return default
    try:
        return int(raw)
    except ValueError:
        raise Impossible(f"`{name}` has to be a whole number.") from None


def guarded(box: Sandbox, function: Look) -> Any:
    """Turn what cannot be done into a sentence and a status."""

    async def endpoint(request: Request) -> Response:
        try:
            return await function(box, request)
        except (Impossible, BadFault) as problem:
            return _bad(str(problem))
        except Refusal as refusal:
            return _bad(f"Slack would refuse this: {refusal.error} {'; '.join(refusal.messages or [])}".strip())

    return endpoint


def acting(box: Sandbox, function: Act) -> Any:
    """An endpoint for something that a person does: JSON in, JSON out."""

    async def act(box_: Sandbox, request: Request) -> Response:
        body = await body_of(request)
        user = person(box_, body.get("as"))
        if user.deleted:
            raise Impossible(f"{user.real_name} is deactivated.")
        return JSONResponse(await function(box_, user, body))

    return guarded(box, act)
