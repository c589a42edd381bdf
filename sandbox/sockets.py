"""Which Socket Mode connections does the app have, and what came back over them?"""

import asyncio
import json
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.call import strict_json

MOST_CONNECTIONS = 10
TICKET_LIVES_S = 30.0
SESSION_S = 3600.0
# Slack's own switch for authors who want to see a reconnection soon: debug_reconnects=true in the address.
DEBUG_SESSION_S = 360.0
WARNED_BEFORE_S = 10.0
KEPT_LATE = 500


@dataclass(kw_only=True, eq=False)
class Connection:
    id: str
    socket: WebSocket
    lives_s: float
    leaving: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, message: dict[str, Any]) -> bool:
        """Whether the message went out; a connection that broke meanwhile is no error of ours."""
        try:
            async with self.lock:
                await self.socket.send_text(json.dumps(message))
        except (RuntimeError, WebSocketDisconnect, OSError):
            self.leaving = True
            return False
        return True


class Sockets:
    """Up to ten connections; each envelope goes to one of them, and its acknowledgement comes back here."""

    def __init__(self, app_id: str, *, lives_s: float = SESSION_S, seed: int = 1) -> None:
        self._app_id = app_id
        self._lives_s = lives_s
        self._tickets: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._late: dict[str, tuple[float, str]] = {}
        self._chance = random.Random(seed)  # noqa: S311 (which connection is no secret)
        self.connections: list[Connection] = []
        self.on_change: Any = None  # called when a connection comes or goes
        self.on_late: Any = None  # called with (what, seconds) when an acknowledgement comes too late

    def ticket(self) -> str:
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = time.monotonic()
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        issued = self._tickets.pop(socket.query_params.get("ticket", ""), None)
        if issued is None or time.monotonic() - issued > TICKET_LIVES_S:
            await socket.close(code=1008, reason="the ticket is unknown, used or expired")
            return
        await socket.accept()
        lives_s = DEBUG_SESSION_S if socket.query_params.get("debug_reconnects") == "true" else self._lives_s
        connection = Connection(id=secrets.token_hex(4), socket=socket, lives_s=lives_s)
        if len(self.connections) >= MOST_CONNECTIONS:
            await connection.send({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return
        self.connections.append(connection)
        self._changed()
        ageing = asyncio.create_task(self._age(connection))
        try:
            await connection.send(self._hello(connection))
            while True:
                self._take(await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            ageing.cancel()
            self._gone(connection)

    async def _age(self, connection: Connection) -> None:
        """Warn a connection shortly before its end, ask it to come again, and end it when it has not left by itself."""
        warned_before_s = min(WARNED_BEFORE_S, connection.lives_s / 3)
        await asyncio.sleep(connection.lives_s - warned_before_s)
        await self._part(connection, "warning")
        await asyncio.sleep(warned_before_s)
        await self._part(connection, "refresh_requested")
        await asyncio.sleep(warned_before_s)
        await self.drop(connection, code=1000)

    async def _part(self, connection: Connection, reason: str) -> None:
        """Say that the connection ends; after a warning it stays usable until the app has come again."""
        await connection.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
        if reason != "warning":
            connection.leaving = True

    def _hello(self, connection: Connection) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": f"sandbox-{connection.id}",
                "build_number": 1,
                "approximate_connection_time": int(connection.lives_s),
            },
            "connection_info": {"app_id": self._app_id},
        }

    def choose(self) -> Connection | None:
        ready = [connection for connection in self.connections if not connection.leaving]
        return self._chance.choice(ready) if ready else None

    async def ask(self, envelope: dict[str, Any], what: str, timeout_s: float) -> dict[str, Any] | bool | None:
        """The acknowledgement; None when none came in time; False when there is nobody to ask."""
        envelope_id = envelope["envelope_id"]
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = answer
        started = time.monotonic()
        try:
            while (connection := self.choose()) is not None:
                if await connection.send(envelope):
                    break
            else:
                return False
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            self._late[envelope_id] = (started, what)
            while len(self._late) > KEPT_LATE:
                self._late.pop(next(iter(self._late)))
            return None
        finally:
            self._waiting.pop(envelope_id, None)

    def _take(self, raw: str) -> None:
        try:
            message = strict_json(raw)
        except ValueError:
            return
        envelope_id = message.get("envelope_id") if isinstance(message, dict) else None
        answer = self._waiting.get(envelope_id or "")
        if answer is not None and not answer.done():
            answer.set_result(message)
        elif envelope_id in self._late and self.on_late:
            started, what = self._late.pop(envelope_id)
            self.on_late(what, time.monotonic() - started)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to come again."""
        for connection in list(self.connections):
            await self._part(connection, reason)

    async def drop(self, connection: Connection | None = None, *, code: int = 1011) -> None:
        """Cut connections without a word."""
        for each in [connection] if connection else list(self.connections):
            each.leaving = True
            try:
                await each.socket.close(code=code)
            except RuntimeError:
                self._gone(each)

    def _gone(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            self._changed()

    def _changed(self) -> None:
        if self.on_change:
            self.on_change()
