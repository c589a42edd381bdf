"""What does the public side answer, and which member does it ask?"""

import logging
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from demo.cache import Cache, Kept
from demo.limit import ANYBODY, WITH_KEY, Limits
from demo.members import Member, Members

log = logging.getLogger(__name__)

BIGGEST_BODY = 1_000_000
MEMBER_WITHIN_S = 10.0
SECURITY = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-site",
}
# These belong to one connection, or are ours to say.
NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date", "host", "te"}
SAFE = {"GET", "HEAD", "OPTIONS"}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
}


@dataclass(frozen=True, kw_only=True)
class Policy:
    service_name: str
    assets_name: str
    allowed_origin: str
    api_key: str


def problem(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status, {"Cache-Control": "no-store"})


class Gateway:
    """An ASGI application: routes by name and path, limits, caches, and asks a member."""

    def __init__(self, policy: Policy, members: Members, cache: Cache) -> None:
        self.policy, self.members, self.cache = policy, members, cache
        self.limits = Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self.answer(request)
        except Exception:
            # The edge of the process: whatever goes wrong here, customers get an answer with the same headers.
            log.exception("%s %s failed in the gateway", request.method, request.url.path)
            answer = problem(500, "Something went wrong here; it has been noted.")
        answer.headers.update(SECURITY)
        if request.url.path.startswith("/api/"):
            self.allow_origin(request, answer)
        if request.method == "HEAD":
            answer.body = b""
        await answer(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        name, path = request.url.hostname or "", request.url.path
        if name not in {self.policy.service_name, self.policy.assets_name}:
            return problem(421, "This name is not served here.")
        if path.startswith("/assets/"):
            return await self.asset(request)
        if name == self.policy.assets_name or path.startswith("/admin/"):
            return problem(404, "There is nothing at this address.")
        if not path.startswith("/api/"):
            return await self.ask(request)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=PREFLIGHT if self.is_allowed(request) else {})
        return await self.limited(request)

    def is_allowed(self, request: Request) -> bool:
        return request.headers.get("origin") == self.policy.allowed_origin

    def allow_origin(self, request: Request, answer: Response) -> None:
        """One origin may read the API from a browser; Vary keeps caches from giving its answer to others."""
        answer.headers.add_vary_header("Origin")
        if self.is_allowed(request):
            answer.headers["Access-Control-Allow-Origin"] = self.policy.allowed_origin
            answer.headers["Access-Control-Allow-Credentials"] = "true"

    async def limited(self, request: Request) -> Response:
        endpoint = "/".join(request.url.path.split("/")[:3])
        has_key = request.headers.get("x-api-key") == self.policy.api_key
        who = "key" if has_key else request.client.host if request.client else "unknown"
        decision = self.limits.take(f"{who} {endpoint}", WITH_KEY if has_key else ANYBODY, time.monotonic())
        if decision.allowed:
            answer = self.key(has_key=has_key) if request.url.path == "/api/key" else await self.ask(request)
        else:
            answer = problem(429, f"Too many requests; try again in {decision.retry_after} s.")
            answer.headers["Retry-After"] = str(decision.retry_after)
        answer.headers["RateLimit-Limit"] = str(decision.limit)
        answer.headers["RateLimit-Remaining"] = str(decision.remaining)
        return answer

    def key(self, *, has_key: bool) -> Response:
        """A harmless address that only answers to whoever has the key in use."""
        answer = JSONResponse({"key": "in use"}) if has_key else problem(401, "This needs the key in X-Api-Key.")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def asset(self, request: Request) -> Response:
        """From the cache, or from whichever member has the file: during a deployment the pages name two releases'."""
        path = request.url.path
        if request.method not in SAFE:
            return problem(405, "Files can only be read.")
        now = time.monotonic()
        if kept := self.cache.get(path, now):
            return self.file(request, kept, "HIT", int(now - kept.since))
        answer = problem(502, "No member of the service answers.")
        for member in self.members.candidates():
            try:
                found = await self.once(member, "GET", path, {}, b"")
            except httpx.HTTPError:
                continue
            if found.status_code == HTTPStatus.OK:
                kind = found.headers.get("content-type", "application/octet-stream")
                kept = self.cache.put(path, found.content, kind, found.headers.get("cache-control", ""), now)
                return self.file(request, kept, "MISS", 0)
            answer = Response(found.content, found.status_code, media_type=found.headers.get("content-type"))
            answer.headers["X-Cache"] = "MISS"
        return answer

    def file(self, request: Request, kept: Kept, how: str, age: int) -> Response:
        headers = {"Cache-Control": kept.cache_control, "Age": str(age), "X-Cache": how, "Vary": "Accept-Encoding"}
        body = kept.body
        if kept.packed and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = kept.packed, "gzip"
        return Response(body, headers={**headers, "Content-Type": kept.kind})

    async def ask(self, request: Request) -> Response:
        """Ask a member; ask the next one where that cannot do anything twice."""
        body = await request.body()
        if len(body) > BIGGEST_BODY:
            return problem(413, "The request is too big.")
        headers = {key: value for key, value in request.headers.items() if key not in NOT_PASSED_ON}
        headers["x-request-id"] = uuid.uuid4().hex
        headers["x-forwarded-for"] = request.client.host if request.client else "unknown"
        headers["x-forwarded-proto"] = "https"
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        for member in self.members.candidates():
            try:
                return self.passed_on(await self.once(member, request.method, path, headers, body))
            except httpx.ConnectError:
                # Nothing has been sent, so asking another one is harmless.
                continue
            except httpx.TimeoutException:
                return problem(504, "The service did not answer in time.")
            except httpx.HTTPError:
                if request.method not in SAFE:
                    return problem(502, "The service broke off; it is not known whether the request was carried out.")
        return problem(503, "No member of the service takes requests at the moment.")

    async def once(
        self, member: Member, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> httpx.Response:
        member.in_flight += 1
        member.requests += 1
        try:
            return await self.members.client.request(
                method, member.url + path, headers=headers, content=body, timeout=MEMBER_WITHIN_S
            )
        finally:
            member.in_flight -= 1

    def passed_on(self, found: httpx.Response) -> Response:
        answer = Response(found.content, found.status_code)
        for key, value in found.headers.multi_items():
            if key not in NOT_PASSED_ON:
                answer.headers.append(key, value)
        answer.headers["X-Cache"] = "BYPASS"
        return answer
