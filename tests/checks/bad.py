"""Servers on loopback that answer as no check hopes, one for each way to."""

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import dns.message
import dns.rcode
import trustme

from tests.checks.helpers import closed_port, server_tls

#: Longer than any check reads.
HUGE = 21_000_000
_STATUS = {
    "401": "401 Unauthorized",
    "403": "403 Forbidden",
    "429": "429 Too Many Requests",
    "500": "500 Internal Server Error",
    "503": "503 Service Unavailable",
}
_PAGE = "200 OK\r\nContent-Type: text/html"
_JSON = "200 OK\r\nContent-Type: application/json"


def _speaks(kind: str, connection: socket.socket) -> None:
    """What is answered to one request; whoever asked is shown what they sent, as pages made for debugging do."""
    told = _request(connection)
    if kind == "silent":
        # Until whoever asked goes away.
        while connection.recv(65536):
            pass
    elif kind == "gibberish":
        connection.sendall(b"\x15\x03\x01\x00\x02 SSH-2.0-OpenSSH_9.2\r\n" + told)
    elif kind == "no JSON":
        _whole(connection, _PAGE, b"<!doctype html><form>Log in</form><pre>" + told + b"</pre>")
    elif kind == "broken JSON":
        _whole(connection, _JSON, b'{"status": "success", "data": {"result": ["' + told[:200])
    elif kind == "XML with a DOCTYPE":
        bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><a>&b;&b;</a>'
        _whole(connection, "200 OK\r\nContent-Type: application/xml", bomb)
    elif kind == "cut short":
        connection.sendall(f'HTTP/1.1 {_JSON}\r\nContent-Length: 5000\r\n\r\n{{"data": '.encode() + told)
    elif kind == "huge":
        connection.sendall(f'HTTP/1.1 {_JSON}\r\nContent-Length: {HUGE}\r\n\r\n["'.encode())
        piece = b"x" * 1_000_000
        for _ in range(HUGE // len(piece)):
            connection.sendall(piece)
    elif kind in _STATUS:
        _whole(connection, f"{_STATUS[kind]}\r\nContent-Type: text/html", b"<h1>No</h1><pre>" + told + b"</pre>")


def _request(connection: socket.socket) -> bytes:
    """All of it: a connection that is closed over what was not read takes the answer with it."""
    told = connection.recv(65536)
    if not re.match(rb"[A-Z]+ /", told):
        return told
    while b"\r\n\r\n" not in told:
        told += connection.recv(65536)
    length = re.search(rb"(?i)\r\ncontent-length: (\d+)", told)
    while length and len(told.partition(b"\r\n\r\n")[2]) < int(length[1]):
        told += connection.recv(65536)
    return told


def _whole(connection: socket.socket, head: str, body: bytes) -> None:
    connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)


STATUSES = tuple(_STATUS)
#: Of each of these there is a server; `closed` and `no such name` have none.
KINDS = ("silent", "hangs up", "gibberish", "strange certificate", "no JSON", "broken JSON", "XML with a DOCTYPE", "cut short", "huge", *_STATUS)  # fmt: skip


@contextmanager
def bad_servers(folder: Path) -> Iterator[dict[str, str]]:
    """Where each of them listens. Whoever trusts `other.pem` does not trust ours."""
    trustme.CA().cert_pem.write_to_path(str(folder / "other.pem"))
    authority = trustme.CA()
    authority.issue_cert("site.test").private_key_and_cert_chain_pem.write_to_path(str(folder / "site.pem"))
    tls = server_tls(str(folder / "site.pem"), None)
    with ExitStack() as stack:
        at = {"closed": closed_port(), "no such name": stack.enter_context(_knows_no_name())}
        for kind in KINDS:
            at[kind] = stack.enter_context(_listening(kind, tls if kind == "strange certificate" else None))
        yield at


@contextmanager
def _listening(kind: str, tls: ssl.SSLContext | None) -> Iterator[str]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # Whoever asked may leave at any time, or not like our certificate.
            with suppress(OSError):
                _speaks(kind, tls.wrap_socket(self.request, server_side=True) if tls else self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 50
        #: Those who still wait for an answer are not waited for.
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server, _serving(server):
        yield f"127.0.0.1:{server.server_address[1]}"


@contextmanager
def _knows_no_name() -> Iterator[str]:
    """A name server that says of every name that there is none."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked, connection = self.request
            answer = dns.message.make_response(dns.message.from_wire(asked))
            answer.set_rcode(dns.rcode.NXDOMAIN)
            connection.sendto(answer.to_wire(), self.client_address)

    with socketserver.UDPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        yield f"127.0.0.1:{server.server_address[1]}"


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
