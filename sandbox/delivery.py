"""How does the app hear what people did, and how does its answer come back?"""

import asyncio
import json
import secrets
import time
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sandbox import hearing
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.over_http import ACK_WITHIN_S, FORM, JSON, MOST_REDIRECTS, Answer, Web
from sandbox.sockets import Sockets
from sandbox.store import Store
from sandbox.world import App, Team

RETRY_AFTER = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))
RETRY_REASONS = {
    None: None, "operation_timeout": "http_timeout", "dispatch_failed": "connection_failed", "ssl_error": "ssl_error",
    "too_many_redirects": "too_many_redirects",
}  # fmt: skip
TOKEN = "sandbox-verification-token"  # noqa: S105 (the old way to know Slack; the signature is the real one)


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
        self._tasks: set[asyncio.Task[Any]] = set()
        self._web = Web(app.signing_secret)
        self._verified = False
        self._verifying = asyncio.Lock()
        self.silenced: set[str] = set()
        sockets.on_late = self._late

    async def ask(self, kind: str, name: str, payload: dict[str, Any], *, url: str, accepts: bool, log: str) -> Answer:
        """Send what a person did, once; Slack never repeats these."""
        started = time.monotonic()
        if self._app.socket_mode:
            answer = await self._over_socket(kind, name, payload, accepts=accepts)
        else:
            body = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            self._twice(name, url, urlencode(body), FORM)
            answer = await self._web.send(url, urlencode(body), FORM)
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
        """Deliver twice over a socket, or cut it, where a fault asks for that."""
        if self._faults.strike("duplicate_delivery", method=name) and (connection := self._sockets.choose()):
            await connection.send(envelope | {"envelope_id": secrets.token_hex(16)})
        if self._faults.strike("drop_socket", method=name):
            await self._sockets.drop(self._sockets.choose())

    def _twice(self, name: str, url: str, body: str, content_type: str) -> None:
        """Deliver twice over HTTP, where a fault asks for it; the answer to the one too many is nobody's."""
        if self._faults.strike("duplicate_delivery", method=name):
            self._keep(self._web.send(url, body, content_type))

    # Events: repeated until acknowledged.

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event if the app has subscribed to it; in the background, with Slack's repetitions."""
        kind = hearing.kind_of(event)
        if self._app.events is not None and kind not in self._app.events:
            return
        if self._app.scopes is not None and not (scopes := hearing.scopes_for(event)) <= self._app.scopes:
            self._missed(kind, sorted(scopes))
            return
        event_id = f"Ev{secrets.token_hex(5).upper()}"
        payload: dict[str, Any] = {
            "token": TOKEN,
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

    def _missed(self, kind: str, scopes: list[str]) -> None:
        """Say once what the app will wonder about."""
        if kind in self.silenced:
            return
        self.silenced.add(kind)
        said = (
            f"The app has subscribed to {kind} without the scope {', '.join(scopes)}; Slack sends it nothing of that."
        )
        self._journal.write("event", kind, request=None, response={"error": "missing_scope"}, ms=0, findings=[said])

    def resume(self) -> None:
        """After a start, ask the app's address for its challenge, and go on with every event that nobody has taken."""
        if not self._app.socket_mode and self._app.events_url:
            self._keep(self._verify(at_start=True))
        for _, waiting in list(self._store.all("event")):
            self._pursue(waiting)

    def _pursue(self, waiting: dict[str, Any]) -> None:
        self._keep(self._until_taken(waiting))

    def _keep(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
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
            answer = await self._event_over_http(kind, json.dumps(payload), headers)
        why = RETRY_REASONS.get(answer.error, "http_error")
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

    async def _event_over_http(self, kind: str, body: str, headers: dict[str, str]) -> Answer:
        url = self._app.events_url
        if url and not await self._verify():
            return Answer(error="url_not_verified")
        self._twice(kind, url, body, JSON)
        return await self._web.send(url, body, JSON, headers, redirects=MOST_REDIRECTS)

    async def _verify(self, *, at_start: bool = False) -> bool:
        """Whether the app's address has answered its challenge; asked until it has, since the app may start later."""
        async with self._verifying:
            if self._verified:
                return True
            started = time.monotonic()
            asked, answer = await self._web.verify(self._app.events_url, TOKEN)
            self._verified = answer.error is None
            # An app that is started after the workspace has done nothing wrong.
            early = at_start and answer.error == "dispatch_failed"
            self._journal.write(
                "event",
                "url_verification",
                request=asked,
                response={"error": answer.error} if answer.error else {"ok": True},
                ms=int((time.monotonic() - started) * 1000),
                findings=[_why(answer.error, "url_verification")] if answer.error and not early else [],
            )
            return self._verified

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
        await self._web.close()


def _why(error: str, name: str) -> str:
    return {
        "operation_timeout": f"{name}: no acknowledgement within 3 s; Slack shows an error to the person.",
        "dispatch_failed": f"{name}: nobody was there to take it (no open socket, or no address that answers).",
        "http_error": f"{name}: the app answered with an HTTP status that is not 2xx.",
        "ssl_error": f"{name}: the address has no certificate that can be trusted.",
        "too_many_redirects": f"{name}: the address leads on and on; Slack follows two redirects.",
        "challenge_failed": f"{name}: the address answered without the challenge; no event is sent there.",
        "url_not_verified": f"{name}: not sent, because the address has not answered its url_verification.",
        "invalid_response": f"{name}: the app's answer is said to be JSON and is not.",
    }.get(error, f"{name}: {error}")
