"""On which ports does everything listen, the same ones after a restart where that can be?"""

import json
import socket
from pathlib import Path

GATEWAY, ADMIN, NAMESERVER = "127.0.0.10", "127.0.0.11", "127.0.0.53"
HOSTS = {"a": "127.0.0.2", "b": "127.0.0.3", "c": "127.0.0.4", "staging": "127.0.0.5"}


def bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    # Said in full, or asyncio takes accepted connections for something else and leaves out TCP_NODELAY: 40 ms each.
    proto = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    sock = socket.socket(socket.AF_INET, kind, proto)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def kept_or_new(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    try:
        return bound(kind, address, port)
    except OSError:
        return bound(kind, address, 0)


def name_server(port: int) -> tuple[socket.socket, socket.socket]:
    """One port for UDP and TCP; a port that is free for one of them may not be for the other."""
    for attempt in range(20):
        udp = kept_or_new(socket.SOCK_DGRAM, NAMESERVER, 0 if attempt else port)
        try:
            return udp, bound(socket.SOCK_STREAM, NAMESERVER, udp.getsockname()[1])
        except OSError:
            udp.close()
    raise OSError(f"No port is free for both UDP and TCP on {NAMESERVER}.")


class Ports:
    """Sockets for what this process serves, and port numbers for what the hosts will."""

    def __init__(self, note: Path) -> None:
        kept = json.loads(note.read_text()) if note.exists() else {}

        def tcp(name: str, address: str) -> socket.socket:
            return kept_or_new(socket.SOCK_STREAM, address, kept.get(name, 0))

        self.https, self.http, self.admin = tcp("https", GATEWAY), tcp("http", GATEWAY), tcp("admin", ADMIN)
        self.dns_udp, self.dns_tcp = name_server(kept.get("dns", 0))
        reserved = {
            f"{name}-{role}": tcp(f"{name}-{role}", address)
            for name, address in HOSTS.items()
            for role in ("agent", "member")
        }
        mine = {"https": self.https, "http": self.http, "admin": self.admin, "dns": self.dns_udp}
        self.numbers: dict[str, int] = {name: sock.getsockname()[1] for name, sock in {**mine, **reserved}.items()}
        note.write_text(json.dumps(self.numbers, indent=2) + "\n")
        for sock in reserved.values():
            sock.close()

    def agent(self, host: str) -> str:
        return f"http://{HOSTS[host]}:{self.numbers[f'{host}-agent']}"

    def member(self, host: str) -> str:
        return f"http://{HOSTS[host]}:{self.numbers[f'{host}-member']}"
