"""How does a signed request reach the app's address, and what does the address answer?"""

import asyncio
import hashlib
import hmac
import json
import secrets
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx

from sandbox.call import strict_json

ACK_WITHIN_S = 3.0
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MOST_REDIRECTS = 2
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the app answered to what it was sent; `error` is Slack's name for a failure."""

    error: str | None = None
    payload: Any = None
    ms: int = 0


class Web:
    """Sends signed requests, each within the three seconds that Slack waits."""

    def __init__(self, signing_secret: str) -> None:
        self._secret = signing_secret.encode()
        self._http = httpx.AsyncClient(timeout=ACK_WITHIN_S, follow_redirects=False, trust_env=False)

    async def send(
        self, url: str, body: str, content_type: str, more: dict[str, str] | None = None, *, redirects: int = 0
    ) -> Answer:
        """One request; an event follows up to two redirects and is sent anew at each, everything else follows none."""
        if not url:
            return Answer(error="dispatch_failed")
        try:
            async with asyncio.timeout(ACK_WITHIN_S):
                reply = await self._post(url, body, content_type, more or {})
                for _ in range(redirects):
                    if not _elsewhere(reply):
                        break
                    reply = await self._post(str(reply.url.join(reply.headers["location"])), body, content_type, more)
        except (httpx.TimeoutException, TimeoutError):
            return Answer(error="operation_timeout")
        except httpx.ConnectError as problem:
            return Answer(error="ssl_error" if _about_tls(problem) else "dispatch_failed")
        except (httpx.HTTPError, httpx.InvalidURL):
            return Answer(error="dispatch_failed")
        if redirects and _elsewhere(reply):
            return Answer(error="too_many_redirects")
        return _read(reply)

    async def _post(self, url: str, body: str, content_type: str, more: dict[str, str] | None) -> httpx.Response:
        stamp = str(int(time.time()))
        digest = hmac.new(self._secret, f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "content-type": content_type,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={digest}",
            "user-agent": "Slackbot 1.0 (sandbox)",
        }
        return await self._http.post(url, content=body.encode(), headers=headers | (more or {}))

    async def verify(self, url: str, token: str) -> tuple[dict[str, Any], Answer]:
        """What was asked, and the answer to the challenge: Slack takes no address without one."""
        challenge = secrets.token_urlsafe(40)
        asked = {"token": token, "challenge": challenge, "type": "url_verification"}
        answer = await self.send(url, json.dumps(asked), JSON)
        if not answer.error and _challenge_in(answer.payload) != challenge:
            return asked, Answer(error="challenge_failed")
        return asked, answer

    async def close(self) -> None:
        await self._http.aclose()


def _elsewhere(reply: httpx.Response) -> bool:
    return reply.status_code in REDIRECTS and bool(reply.headers.get("location"))


def _about_tls(problem: BaseException) -> bool:
    cause = problem.__cause__ or problem.__context__
    return isinstance(problem, ssl.SSLError) or (cause is not None and _about_tls(cause))


def _read(reply: httpx.Response) -> Answer:
    if not reply.is_success:
        no_retry = reply.headers.get("x-slack-no-retry") == "1"
        return Answer(error="http_error", payload={"status": reply.status_code, "no_retry": no_retry})
    if reply.headers.get("content-type", "").startswith(JSON) and reply.content:
        try:
            return Answer(payload=strict_json(reply.content))
        except ValueError:
            return Answer(error="invalid_response")
    return Answer(payload={"text": reply.text} if reply.text else None)


def _challenge_in(payload: Any) -> str | None:
    """The challenge comes back bare, as a form, or in JSON."""
    if not isinstance(payload, dict):
        return None
    if "challenge" in payload:
        return payload["challenge"]
    said = str(payload.get("text") or "").strip()
    return parse_qs(said).get("challenge", [said])[0]
