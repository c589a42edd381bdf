"""What does the service answer to each request?"""

import hmac
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from . import SCHEMA, VERSION, carts, catalogue, commit, database, environment, metrics, orders, page
from .problem import Problem
from .settings import Settings

BIGGEST_BODY = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Answer:
    body: bytes
    kind: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = 200) -> Answer:
    return Answer(body=json.dumps(value).encode(), status=status, headers={"Cache-Control": "no-store"})


class Service:
    """One member: its settings, and whether it may take orders."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.path = settings.database
        # Decided when the release starts: members that already run while a newer one migrates keep taking orders.
        self.read_only = database.schema(self.path) > SCHEMA

    def health(self) -> Answer:
        with database.reading(self.path) as db:
            found = int(db.execute("PRAGMA user_version").fetchone()[0])
            db.execute("SELECT 1 FROM products LIMIT 1").fetchone()
        if self.read_only and found <= SCHEMA:
            self.read_only = False
        ill = self.read_only or found < SCHEMA
        about = {"version": VERSION, "database": "ok", "schema": found, "expected_schema": SCHEMA}
        return as_json({"status": "degraded" if ill else "ok", **about})

    def read(self, question: Callable[..., Any], *args: Any) -> Any:
        with database.reading(self.path) as db:
            return question(db, *args)

    def write(self, change: Callable[..., Any], *args: Any) -> Any:
        if self.read_only:
            raise Problem(503, "The database has a newer schema than this release knows; it takes no orders until that is put right.")
        with database.writing(self.path) as db:
            return change(db, *args)

    def admin(self, token: str) -> None:
        if not hmac.compare_digest(token.encode(), f"Bearer {self.settings.admin_token}".encode()):
            raise Problem(401, "This needs the admin token.")


def routes(service: Service, environ: dict[str, str]) -> list[tuple[str, re.Pattern[str], Callable[..., Answer]]]:
    """Method, path, and what answers it: called with the parsed body, then the path's parts."""
    table: list[tuple[str, str, Callable[..., Answer]]] = [
        ("GET", "/", lambda _: Answer(body=page.html().encode(), kind="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})),
        ("GET", "/index.html", lambda _: Answer(body=b"", kind="text/plain", status=308, headers={"Location": "/"})),
        ("GET", "(/assets/.+)", lambda _, path: asset(path)),
        ("GET", "/healthz", lambda _: service.health()),
        ("GET", "/version", lambda _: as_json({"version": VERSION, "commit": commit()})),
        ("GET", "/api/ping", lambda _: as_json({"pong": True})),
        ("GET", "/api/products", lambda _: as_json({"products": service.read(catalogue.products)})),
        ("POST", "/api/carts", lambda _: as_json(service.write(carts.create), 201)),
        ("GET", "/api/carts/(\\w+)", lambda _, cart: as_json(service.read(carts.show, cart))),
        (
            "PUT",
            "/api/carts/(\\w+)/items/(\\w+)",
            lambda body, cart, sku: as_json(service.write(carts.put, cart, sku, body.get("quantity"))),
        ),
        ("POST", "/api/carts/(\\w+)/checkout", lambda body, cart: as_json(service.write(orders.place, cart, body), 201)),
        ("GET", "/api/orders/(\\w+)", lambda _, order: as_json(service.read(orders.show, order))),
        ("GET", "/admin/environment", lambda _: as_json(environment.digests(environ, service.settings.digest_key))),
        ("GET", "/admin/figures", lambda _: as_json(service.read(orders.figures))),
        ("GET", "/admin/metrics", lambda _: Answer(body=metrics.text().encode(), kind="text/plain; version=0.0.4")),
    ]
    return [(method, re.compile(path), answer) for method, path, answer in table]


def asset(path: str) -> Answer:
    found = page.ASSETS.get(path)
    if found is None:
        raise Problem(404, "There is no such file; the page names the ones there are.")
    return Answer(body=found.body, kind=found.kind, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def handler(service: Service, environ: dict[str, str]) -> type[BaseHTTPRequestHandler]:
    table = routes(service, environ)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "checkout", ""
        timeout = 5
        wbufsize = 64 * 1024

        def answer(self) -> None:
            began = time.perf_counter()
            reply = self.decide()
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.kind, "Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)
            took = time.perf_counter() - began
            metrics.observe(reply.status, took)
            self.note(reply.status, took)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

        def decide(self) -> Answer:
            try:
                return self.route()
            except Problem as problem:
                return as_json({"error": problem.sentence}, problem.status)
            except Exception as error:
                print(json.dumps({"level": "error", "path": self.path, "error": repr(error)}), file=sys.stderr, flush=True)
                return as_json({"error": "Something went wrong here; it has been noted."}, 500)

        def route(self) -> Answer:
            path = urlsplit(self.path).path
            method = "GET" if self.command == "HEAD" else self.command
            if path.startswith("/admin/"):
                service.admin(self.headers.get("Authorization", ""))
            known = [(verb, found, reply) for verb, pattern, reply in table if (found := pattern.fullmatch(path))]
            if not known:
                raise Problem(404, "There is nothing at this address.")
            for verb, found, reply in known:
                if verb == method:
                    return reply(self.body(), *found.groups())
            raise Problem(405, f"This address takes {', '.join(sorted({verb for verb, _, _ in known}))}.")

        def body(self) -> dict[str, Any]:
            length = int(self.headers.get("Content-Length") or 0)
            if length > BIGGEST_BODY:
                raise Problem(413, "The request is too big.")
            try:
                value = json.loads(self.rfile.read(length) or b"{}")
            except ValueError:
                raise Problem(400, "The request's body is not JSON.") from None
            if not isinstance(value, dict):
                raise Problem(400, "The request's body is not a JSON object.")
            return value

        def note(self, status: int, took: float) -> None:
            if service.settings.quiet or self.headers.get("User-Agent") == "gateway-health":
                return
            about = {"request": self.headers.get("X-Request-Id", ""), "canary": self.headers.get("X-Canary", "")}
            line = {"level": "info", "method": self.command, "path": self.path, "status": status, "ms": round(took * 1000, 1), **about}
            print(json.dumps(line), flush=True)

        def log_message(self, format: str, *args: Any) -> None:
            """The access log is written by note()."""

    return Handler


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = False


def serve(settings: Settings, environ: dict[str, str] | None = None) -> int:
    server = Server((settings.address, settings.port), handler(Service(settings), dict(environ or os.environ)))
    # shutdown() waits for the loop to end, so it may not be called from the thread that runs it.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(json.dumps({"level": "info", "event": "serving", "version": VERSION, "port": settings.port}), flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    return 0
