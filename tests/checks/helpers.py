"""One line runs a check as the bot does: `measured = await run_check("tls", hosts=[...])`."""

import os
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import gettempdir

import pytest

import checks  # noqa: F401 - importing it registers the plugins
from bot.check import Context
from bot.check.trying import run_check
from bot.net import Net

__all__ = ["Site", "closed_port", "context", "needed", "run_check", "server_tls", "site"]


class Now:
    def now(self):
        return datetime.now(UTC)


def context(*, environ=None, limit=30.0, net=None, **release) -> Context:
    return Context(
        clock=Now(),
        net=net or Net(),
        work=Path(gettempdir()),
        deadline=time.monotonic() + limit,
        release=release,
        environ={**os.environ, **(environ or {})},
    )


@dataclass
class Site:
    """A real web server on loopback, and what it was asked."""

    port: int
    asked: list = field(default_factory=list)

    @property
    def url(self):
        return f"http://site.test:{self.port}/"

    @property
    def at(self):
        return f"127.0.0.1:{self.port}"


@contextmanager
def site(answer, *, tls=None) -> Iterator[Site]:
    """Serve `answer(request) -> (status, headers, body)`, where request has .path, .headers, .command."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self):
            length = int(self.headers.get("content-length") or 0)
            self.sent = self.rfile.read(length)
            here.asked.append(self)
            status, headers, body = answer(self)
            body = body if isinstance(body, bytes) else body.encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_HEAD = do_OPTIONS = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    here = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


def server_tls(cert, key) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def needed(program: str, *folders: str) -> str:
    """A program of Debian's that a test compares with. A developer may lack it; the pipeline may not."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders])
    if found := shutil.which(program, path=path):
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed; .ci/run says which packages the tests need")
    pytest.skip(f"{program} is not installed")
