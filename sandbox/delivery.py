"""How does the app hear what people did, and how does its answer come back?"""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from sandbox.call import strict_json
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.sockets import Sockets
from sandbox.store import Store
from sandbox.world import App, Team

ACK_WITHIN_S = 3.0
RETRY_AFTER = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the app answered to a command, a press or a submission; `error` is Slack's name for a failure."""

    error: str | None = None
    payload: Any = None
    ms: int = 0


class Delivery:
    """Sends to one socket, or as a signed request, whichever the app's manifest asks for."""

    def __init__(
        self, store: Store, team: Team, app: App, clock: Clock, sockets: Sockets, journal: Journal, faults: Faults
    ) -> None:
        self._store = store
        self._team = team
        self._app = app
        self._clock = clock
        self._sockets = sockets
        self._journal = journal
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(timeout=ACK_WITHIN_S, follow_redirects=False, trust_env=False)
        sockets.on_late = self._late

    async def ask(self, kind: str, name: str, payload: dict[str, Any], *, url: str, accepts: bool, log: str) -> Answer:
        """Send what a person did, once; Slack never repeats these."""
        started = time.monotonic()
        if self._app.socket_mode:
            answer = await self._over_socket(kind, name, payload, accepts=accepts)
        else:
            body = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            answer = await self._over_http(url, urlencode(body), "application/x-www-form-urlencoded")
        answer = Answer(error=answer.error, payload=answer.payload, ms=int((time.monotonic() - started) * 1000))
        self._journal.write(
            log,
            name,
            user=payload.get("user_id") or payload.get("user", {}).get("id"),
            request=payload,
            response={"error": answer.error} if answer.error else answer.payload,
            ms=answer.ms,
            findings=[_why(answer.error, name)] if answer.error else [],
        )
        return answer

    async def _over_socket(self, kind: str, name: str, payload: dict[str, Any], *, accepts: bool) -> Answer:
        envelope = {
            "envelope_id": secrets.token_hex(16),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts,
        }
        await self._unkindly(envelope, name)
        acked = await self._sockets.ask(envelope, name, ACK_WITHIN_S)
        if acked is False:
            return Answer(error="dispatch_failed")
        if acked is None:
            return Answer(error="operation_timeout")
        return Answer(payload=acked.get("payload") if isinstance(acked, dict) else None)

    async def _unkindly(self, envelope: dict[str, Any], name: str) -> None:
        """Deliver twice, or cut a socket, where a fault asks for it."""
        if self._faults.strike("duplicate_delivery", method=name) and (connection := self._sockets.choose()):
            await connection.send(envelope | {"envelope_id": secrets.token_hex(16)})
        if self._faults.strike("drop_socket", method=name):
            await self._sockets.drop(self._sockets.choose())

    async def _over_http(self, url: str, body: str, content_type: str, more: dict[str, str] | None = None) -> Answer:
        if not url:
            return Answer(error="dispatch_failed")
        try:
            async with asyncio.timeout(ACK_WITHIN_S):
                reply = await self._http.post(
                    url, content=body.encode(), headers=self._signed(body, content_type) | (more or {})
                )
        except (httpx.TimeoutException, TimeoutError):
            return Answer(error="operation_timeout")
        except httpx.HTTPError:
            return Answer(error="dispatch_failed")
        if not reply.is_success:
            no_retry = reply.headers.get("x-slack-no-retry") == "1"
            return Answer(error="http_error", payload={"status": reply.status_code, "no_retry": no_retry})
        if reply.headers.get("content-type", "").startswith("application/json") and reply.content:
            try:
                return Answer(payload=strict_json(reply.content))
            except ValueError:
                return Answer(error="invalid_response")
        return Answer(payload={"text": reply.text} if reply.text else None)

    def _signed(self, body: str, content_type: str) -> dict[str, str]:
        stamp = str(int(time.time()))
        secret = self._app.signing_secret.encode()
        digest = hmac.new(secret, f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {
            "content-type": content_type,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={digest}",
            "user-agent": "Slackbot 1.0 (sandbox)",
        }

    # Events: repeated until acknowledged.

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event if the app has subscribed to it; in the background, with Slack's repetitions."""
        kind = event["type"]
        if kind == "message":
            kind = {"im": "message.im", "group": "message.groups"}.get(
                event.get("channel_type", ""), "message.channels"
            )
        if self._app.events is not None and kind not in self._app.events:
            return
        event_id = f"Ev{secrets.token_hex(5).upper()}"
        payload: dict[str, Any] = {
            "token": "sandbox-verification-token",
            "team_id": self._team.id,
            "context_team_id": self._team.id,
            "api_app_id": self._app.id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(self._clock.now().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self._team.id,
                    "user_id": self._app.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{secrets.token_urlsafe(16)}",
        }
        waiting = {"kind": kind, "payload": payload, "number": 0, "reason": "", "at": self._clock.now().isoformat()}
        self._store.put("event", event_id, waiting)
        self._pursue(waiting)

    def resume(self) -> None:
        """After a start, go on with every event that nobody has taken yet."""
        for _, waiting in list(self._store.all("event")):
            self._pursue(waiting)

    def _pursue(self, waiting: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._until_taken(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_taken(self, waiting: dict[str, Any]) -> None:
        """Try, and try again after each of Slack's pauses; what is written down survives the sandbox's end."""
        kind, payload, event_id = waiting["kind"], waiting["payload"], waiting["payload"]["event_id"]
        while True:
            await self._clock.sleep_until(datetime.fromisoformat(waiting["at"]))
            if self._store.get("event", event_id) is None:
                return  # The workspace was reset meanwhile.
            # The pause counts from the moment of trying, so that whoever moves the clock meanwhile moves it too.
            tried = self._clock.now()
            reason = await self._once(kind, payload, waiting["number"], waiting["reason"])
            if reason is None or waiting["number"] >= len(RETRY_AFTER):
                self._store.drop("event", event_id)
                return
            at = tried + RETRY_AFTER[waiting["number"]]
            waiting |= {"number": waiting["number"] + 1, "reason": reason, "at": at.isoformat()}
            if self._store.get("event", event_id) is not None:
                self._store.put("event", event_id, waiting)

    async def _once(self, kind: str, payload: dict[str, Any], number: int, reason: str) -> str | None:
        """Why the event has to be repeated, or None."""
        started = time.monotonic()
        if self._app.socket_mode:
            answer = await self._event_over_socket(kind, payload, number, reason)
        else:
            headers = {"x-slack-retry-num": str(number), "x-slack-retry-reason": reason} if number else {}
            answer = await self._over_http(self._app.events_url, json.dumps(payload), "application/json", headers)
        why = {None: None, "operation_timeout": "http_timeout", "dispatch_failed": "connection_failed"}.get(
            answer.error, "http_error"
        )
        self._journal.write(
            "event",
            kind,
            user=payload["event"].get("user"),
            request=payload | ({"retry_num": number, "retry_reason": reason} if number else {}),
            response={"error": answer.error} if answer.error else answer.payload,
            ms=int((time.monotonic() - started) * 1000),
            findings=[_why(answer.error, kind)] if answer.error else [],
        )
        told_to_stop = answer.error == "http_error" and bool((answer.payload or {}).get("no_retry"))
        return None if told_to_stop else why

    async def _event_over_socket(self, kind: str, payload: dict[str, Any], number: int, reason: str) -> Answer:
        envelope = {
            "envelope_id": secrets.token_hex(16),
            "type": "events_api",
            "payload": payload,
            "accepts_response_payload": False,
            "retry_attempt": number,
            "retry_reason": {"http_timeout": "timeout"}.get(reason, reason),
        }
        await self._unkindly(envelope, kind)
        acked = await self._sockets.ask(envelope, kind, ACK_WITHIN_S)
        if acked is False:
            return Answer(error="dispatch_failed")
        return Answer(error="operation_timeout") if acked is None else Answer()

    def _late(self, what: str, after_s: float) -> None:
        self._journal.write(
            "envelope",
            "late acknowledgement",
            request={"of": what},
            response=None,
            ms=int(after_s * 1000),
            findings=[f"The acknowledgement of {what} came after {after_s:.1f} s; Slack waits 3 s and drops it."],
        )

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await self._http.aclose()


def _why(error: str, name: str) -> str:
    return {
        "operation_timeout": f"{name}: no acknowledgement within 3 s; Slack shows an error to the person.",
        "dispatch_failed": f"{name}: nobody was there to take it (no open socket, or no address that answers).",
        "http_error": f"{name}: the app answered with an HTTP status that is not 2xx.",
        "invalid_response": f"{name}: the app's answer is said to be JSON and is not.",
    }.get(error, f"{name}: {error}")
