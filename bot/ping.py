"""How does something outside tell the bot that it ran, and how it went?

Each thing that reports has a URL with a key of its own: `/ping/KEY` when it went well, `/ping/KEY/start` when it begins,
`/ping/KEY/fail` when it failed, `/ping/KEY/0` and other exit codes for shells. What is sent along is kept as its log.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.check import resolve
from bot.errors import Cannot, Unreachable
from bot.plan import Plan
from bot.store.pings import Pings
from bot.web import listening

log = logging.getLogger(__name__)

#: What is kept of what is sent along; the rest is read no further.
LONGEST_BODY = 10_000
_MOST_STATUS = 255
#: Shorter keys can be guessed.
SHORTEST_KEY = 16


def digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def keys(plans: Iterable[Plan], environ: Mapping[str, str]) -> frozenset[str]:
    """The digests of all keys that checks ask about; one whose secret is not set is told by its check."""
    found: set[str] = set()
    for plan in plans:
        for check in plan.checks.values():
            for name in ("key", "ping_key"):
                try:
                    given = resolve(check.with_.get(name, ""), environ)
                except Cannot:
                    continue
                if check.uses in {"ping", "alerts"} and isinstance(given, str) and len(given) >= SHORTEST_KEY:
                    found.add(digest(given))
    return frozenset(found)


def pinged(pings: Pings, known: Callable[[], Collection[str]]) -> Starlette:
    """Takes what is told at known keys; a key that is not known looks like a page that is not there."""

    async def told(request: Request) -> Response:
        key = digest(request.path_params["key"])
        kind, status = _understood(request.path_params.get("what", ""))
        if key not in known() or not kind:
            return PlainTextResponse("not found", status_code=404)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            await pings.keep(key, kind, exit_status=status, body=body)
        except Unreachable as problem:
            # Callers such as `curl --retry` try again on this one.
            log.warning("a ping could not be kept", extra={"why": str(problem)})
            return PlainTextResponse("try again", status_code=503)
        return PlainTextResponse("OK")

    methods = ["GET", "HEAD", "POST"]
    return Starlette(
        routes=[Route("/ping/{key}", told, methods=methods), Route("/ping/{key}/{what}", told, methods=methods)]
    )


def serving(pings: Pings, known: Callable[[], Collection[str]], listen: str) -> AbstractAsyncContextManager[int]:
    """Listen on HOST:PORT while inside; gives the port."""
    return listening(pinged(pings, known), listen, "TMINUS_PING")


def _understood(what: str) -> tuple[str, int | None]:
    """The kind of a ping and its exit code; no kind: it makes no sense."""
    if not what:
        return "success", None
    if what in {"start", "fail"}:
        return what, None
    if what.isascii() and what.isdecimal() and int(what) <= _MOST_STATUS:
        return ("fail" if int(what) else "success"), int(what)
    return "", None


async def _body(request: Request) -> str:
    kept = bytearray()
    async for chunk in request.stream():
        kept += chunk[: LONGEST_BODY - len(kept)]
        if len(kept) >= LONGEST_BODY:
            break
    return kept.decode("utf-8", "replace").replace("\0", "\ufffd")
