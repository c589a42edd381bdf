"""Which addresses does the sandbox answer, and how does it start and end?"""

import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import (
    answers,
    api,
    control,
    installing,
    methods_chat,
    methods_conversations,
    methods_later,
    methods_people,
    methods_things,
    methods_views,
    people,
)
from sandbox.box import Sandbox
from sandbox.call import strict_json
from sandbox.files import LARGEST
from sandbox.refusal import Refusal

# The methods register themselves when their modules are imported.
MODULES = (methods_chat, methods_conversations, methods_later, methods_people, methods_things, methods_views)
PAGE = Path(__file__).with_name("page")


def build(box: Sandbox) -> ASGIApp:
    """The whole workspace as one ASGI application."""
    box.workspace.heard.append(lambda change, found, message: people.hear(box, change, found, message))

    async def call(request: Request) -> Response:
        return await api.answer(box, request)

    async def link(websocket: Any) -> None:
        await box.sockets.serve(websocket)

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncGenerator[None]:
        methods_later.arm_all(box)
        box.delivery.resume()
        yield
        await box.close()

    app = Starlette(
        routes=[
            Route("/api/{method}", call, methods=["GET", "POST"]),
            WebSocketRoute("/link/", link),
            Route("/respond/{token}", _respond(box), methods=["POST"]),
            Route("/upload/{ticket}", _upload(box), methods=["POST"]),
            Route("/files/{id}/{name:path}", _download(box)),
            Route("/avatars/{user}.svg", _avatar(box)),
            *control.routes(box),
            *installing.routes(box),
            Route("/", _front),
            *([Mount("/page", StaticFiles(directory=PAGE))] if PAGE.is_dir() else []),
        ],
        lifespan=life,
    )
    return _with_transport(app)


def _with_transport(app: ASGIApp) -> ASGIApp:
    """Give each request its transport, so that an answer can be lost on the wire and not only delayed."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if scope["type"] == "http" and transport is not None:
            scope["sandbox.transport"] = transport
        if scope["type"] == "http" and _from_elsewhere(scope):
            told = {"error": "The sandbox takes requests from its own page and from programs, not from other sites."}
            await JSONResponse(told, status_code=403)(scope, receive, send)
            return
        await app(scope, receive, send)

    return wrapped


def _from_elsewhere(scope: Scope) -> bool:
    """Whether a page of another site sends this; there is no login, so a browser must not be its tool."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get(b"origin", "")
    return bool(origin) and origin.partition("://")[2] != headers.get(b"host", "")


async def _front(_request: Request) -> Response:
    index = PAGE / "index.html"
    if index.is_file():
        return FileResponse(index, headers={"cache-control": "no-store"})
    return PlainTextResponse("The sandbox is running; its page is not installed.\n")


def _respond(box: Sandbox) -> Any:
    """Five answers in thirty minutes to what one person did."""

    async def respond(request: Request) -> Response:
        started = time.monotonic()
        token = request.path_params["token"]
        findings: list[str] = []
        raw = await request.body()
        body: Any = None
        try:
            form = "json" not in request.headers.get("content-type", "") and raw.startswith(b"payload=")
            body = strict_json(str((await request.form())["payload"]) if form else raw)
            known = box.tickets.use(token)
            answers.show_answer(box, body, token, original=known)
            told: dict[str, Any] = {"ok": True}
            status = 200
        except ValueError:
            told, status = {"ok": False, "error": "invalid_payload"}, 400
        except Refusal as refusal:
            told, status = refusal.as_data(), refusal.status
        if not told["ok"]:
            findings.append(f"A response URL refused: {told['error']}")
        ms = int((time.monotonic() - started) * 1000)
        box.journal.write("respond", "response_url", request=body, response=told, ms=ms, findings=findings)
        return PlainTextResponse("ok") if told["ok"] else JSONResponse(told, status_code=status)

    return respond


def _upload(box: Sandbox) -> Any:
    async def upload(request: Request) -> Response:
        known = box.files.by_ticket(request.path_params["ticket"])
        if known is None or known["done"]:
            return PlainTextResponse("This upload is unknown or finished.", status_code=404)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            form = await request.form()
            first = next((value for value in form.values() if not isinstance(value, str)), None)
            content = await first.read() if first is not None else b""
        else:
            content = await request.body()
        if len(content) != known["length"] or len(content) > LARGEST:
            said = f"{known['length']} bytes were announced and {len(content)} came."
            box.journal.write("api", "upload", request={"file": known["id"]}, response=said, ms=0, findings=[said])
            return PlainTextResponse(said, status_code=400)
        box.files.write(known, content)
        return PlainTextResponse(f"OK - {len(content)}")

    return upload


def _download(box: Sandbox) -> Any:
    """A file at its `url_private`: for the app, with its token and the scope; anybody else is led to a page to sign in."""

    async def download(request: Request) -> Response:
        scopes = box.world.app.scopes
        token = request.headers.get("authorization", "").partition(" ")[2].strip()
        if token != box.world.app.bot_token or not (scopes is None or "files:read" in scopes):
            path = request.url.path
            said = f"{path} was asked for without a token that has files:read; Slack answers with its page to sign in."
            box.journal.write("api", "url_private", request={"path": path}, response=None, ms=0, findings=[said])
            return RedirectResponse(f"{box.url}/?redir={quote(path)}", status_code=302)
        known = box.files.known(request.path_params["id"])
        if known is None or known["deleted"] or not known["uploaded"]:
            return PlainTextResponse("There is no such file.", status_code=404)
        return box.files.response(known, box.url)

    return download


def _avatar(box: Sandbox) -> Any:
    async def avatar(request: Request) -> Response:
        user = box.workspace.users.get(request.path_params["user"])
        if user is None:
            return PlainTextResponse("There is nobody of that id.", status_code=404)
        initials = escape("".join(part[0] for part in user.real_name.split()[:2]).upper())
        image = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72" role="img">'
            f'<rect width="72" height="72" rx="12" fill="{escape(user.color)}"/><text x="36" y="47" fill="#fff" '
            f'font-family="sans-serif" font-size="30" font-weight="600" text-anchor="middle">{initials}</text></svg>'
        )
        return HTMLResponse(image, media_type="image/svg+xml")

    return avatar


class Server(uvicorn.Server):
    """Says when it listens, and lets everybody who waits go as soon as it is told to stop."""

    box: Sandbox

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(f"sandbox ready {self.box.url}/", flush=True)  # noqa: T201 (the one line that starters wait for)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.box.closing.set()
        self.box.clock.release()
        self.box.feed.close()
        await self.box.sockets.drop()
        await super().shutdown(sockets=sockets)


def listen(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio sends small answers at once instead of waiting 40 ms for company.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener


def serve(box: Sandbox, listener: socket.socket) -> None:
    """Serve until a signal ends it."""
    host, port = listener.getsockname()[:2]
    box.url = f"http://{host}:{port}"
    config = uvicorn.Config(
        build(box),
        log_level="critical",
        ws="websockets-sansio",
        ws_ping_interval=30,
        timeout_graceful_shutdown=2,
        lifespan="on",
        access_log=False,
    )
    server = Server(config)
    server.box = box
    server.run(sockets=[listener])
