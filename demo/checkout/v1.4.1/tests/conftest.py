"""What does every test have at hand?"""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkout import database, web
from checkout.settings import NEEDED, Settings


@pytest.fixture
def path(tmp_path: Path) -> str:
    where = str(tmp_path / "shop.sqlite3")
    database.migrate(where)
    return where


@pytest.fixture
def environ(path: str) -> dict[str, str]:
    return {name: f"test-{name.lower()}" for name in NEEDED} | {
        "DATABASE_PATH": path,
        "LISTEN_ADDRESS": "127.0.0.1",
        "LISTEN_PORT": "0",
        "LOG_LEVEL": "warning",
    }


class Browser:
    def __init__(self, port: int) -> None:
        self.port = port

    def raw(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        status, _, text = self.raw(method, path, body, headers)
        return status, json.loads(text)


@pytest.fixture
def browser(environ: dict[str, str]) -> Iterator[Browser]:
    """The real server on a port of its own."""
    service = web.Service(Settings.of(environ))
    server = web.Server(("127.0.0.1", 0), web.handler(service, environ))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Browser(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()
