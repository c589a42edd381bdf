"""What does a server choose when it is offered exactly these versions and ciphers?

The library here was built without the old versions and the weak ciphers, so it cannot offer them, and what is not
offered reads as refused. A first message and the answer to it are all that is needed to know, and are written and read
here byte by byte; the handshake goes no further. Everything here blocks and is called in a thread.
"""

import enum
import os
import socket
import struct
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from bot.net import split

#: How each version calls itself on the wire; SSL 3.0 counts as 0.3, because it came before TLS 1.0.
WIRE: Mapping[float, int] = {0.3: 0x0300, 1.0: 0x0301, 1.1: 0x0302, 1.2: 0x0303}

#: Without encryption, without a certificate, with 56 bits or fewer, or broken since: by their names at IANA.
WEAK: Mapping[int, str] = {
    0x0001: "RSA_WITH_NULL_MD5",
    0x0002: "RSA_WITH_NULL_SHA",
    0x0003: "RSA_EXPORT_WITH_RC4_40_MD5",
    0x0004: "RSA_WITH_RC4_128_MD5",
    0x0005: "RSA_WITH_RC4_128_SHA",
    0x0006: "RSA_EXPORT_WITH_RC2_CBC_40_MD5",
    0x0007: "RSA_WITH_IDEA_CBC_SHA",
    0x0008: "RSA_EXPORT_WITH_DES40_CBC_SHA",
    0x0009: "RSA_WITH_DES_CBC_SHA",
    0x000A: "RSA_WITH_3DES_EDE_CBC_SHA",
    0x000B: "DH_DSS_EXPORT_WITH_DES40_CBC_SHA",
    0x000C: "DH_DSS_WITH_DES_CBC_SHA",
    0x000D: "DH_DSS_WITH_3DES_EDE_CBC_SHA",
    0x000E: "DH_RSA_EXPORT_WITH_DES40_CBC_SHA",
    0x000F: "DH_RSA_WITH_DES_CBC_SHA",
    0x0010: "DH_RSA_WITH_3DES_EDE_CBC_SHA",
    0x0011: "DHE_DSS_EXPORT_WITH_DES40_CBC_SHA",
    0x0012: "DHE_DSS_WITH_DES_CBC_SHA",
    0x0013: "DHE_DSS_WITH_3DES_EDE_CBC_SHA",
    0x0014: "DHE_RSA_EXPORT_WITH_DES40_CBC_SHA",
    0x0015: "DHE_RSA_WITH_DES_CBC_SHA",
    0x0016: "DHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0x0017: "DH_anon_EXPORT_WITH_RC4_40_MD5",
    0x0018: "DH_anon_WITH_RC4_128_MD5",
    0x0019: "DH_anon_EXPORT_WITH_DES40_CBC_SHA",
    0x001A: "DH_anon_WITH_DES_CBC_SHA",
    0x001B: "DH_anon_WITH_3DES_EDE_CBC_SHA",
    0x0034: "DH_anon_WITH_AES_128_CBC_SHA",
    0x003A: "DH_anon_WITH_AES_256_CBC_SHA",
    0x003B: "RSA_WITH_NULL_SHA256",
    0x0046: "DH_anon_WITH_CAMELLIA_128_CBC_SHA",
    0x0060: "RSA_EXPORT1024_WITH_RC4_56_MD5",
    0x0061: "RSA_EXPORT1024_WITH_RC2_56_MD5",
    0x0062: "RSA_EXPORT1024_WITH_DES_CBC_SHA",
    0x0063: "DHE_DSS_EXPORT1024_WITH_DES_CBC_SHA",
    0x0064: "RSA_EXPORT1024_WITH_RC4_56_SHA",
    0x0065: "DHE_DSS_EXPORT1024_WITH_RC4_56_SHA",
    0x0066: "DHE_DSS_WITH_RC4_128_SHA",
    0x006C: "DH_anon_WITH_AES_128_CBC_SHA256",
    0x006D: "DH_anon_WITH_AES_256_CBC_SHA256",
    0x0089: "DH_anon_WITH_CAMELLIA_256_CBC_SHA",
    0x0096: "RSA_WITH_SEED_CBC_SHA",
    0x0097: "DH_DSS_WITH_SEED_CBC_SHA",
    0x0098: "DH_RSA_WITH_SEED_CBC_SHA",
    0x0099: "DHE_DSS_WITH_SEED_CBC_SHA",
    0x009A: "DHE_RSA_WITH_SEED_CBC_SHA",
    0x009B: "DH_anon_WITH_SEED_CBC_SHA",
    0x00A6: "DH_anon_WITH_AES_128_GCM_SHA256",
    0x00A7: "DH_anon_WITH_AES_256_GCM_SHA384",
    0x00BF: "DH_anon_WITH_CAMELLIA_128_CBC_SHA256",
    0x00C5: "DH_anon_WITH_CAMELLIA_256_CBC_SHA256",
    0xC001: "ECDH_ECDSA_WITH_NULL_SHA",
    0xC002: "ECDH_ECDSA_WITH_RC4_128_SHA",
    0xC003: "ECDH_ECDSA_WITH_3DES_EDE_CBC_SHA",
    0xC006: "ECDHE_ECDSA_WITH_NULL_SHA",
    0xC007: "ECDHE_ECDSA_WITH_RC4_128_SHA",
    0xC008: "ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",
    0xC00B: "ECDH_RSA_WITH_NULL_SHA",
    0xC00C: "ECDH_RSA_WITH_RC4_128_SHA",
    0xC00D: "ECDH_RSA_WITH_3DES_EDE_CBC_SHA",
    0xC010: "ECDHE_RSA_WITH_NULL_SHA",
    0xC011: "ECDHE_RSA_WITH_RC4_128_SHA",
    0xC012: "ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0xC015: "ECDH_anon_WITH_NULL_SHA",
    0xC016: "ECDH_anon_WITH_RC4_128_SHA",
    0xC017: "ECDH_anon_WITH_3DES_EDE_CBC_SHA",
    0xC018: "ECDH_anon_WITH_AES_128_CBC_SHA",
    0xC019: "ECDH_anon_WITH_AES_256_CBC_SHA",
    0xC046: "DH_anon_WITH_ARIA_128_CBC_SHA256",
    0xC047: "DH_anon_WITH_ARIA_256_CBC_SHA384",
    0xC05A: "DH_anon_WITH_ARIA_128_GCM_SHA256",
    0xC05B: "DH_anon_WITH_ARIA_256_GCM_SHA384",
    0xC084: "DH_anon_WITH_CAMELLIA_128_GCM_SHA256",
    0xC085: "DH_anon_WITH_CAMELLIA_256_GCM_SHA384",
}
#: What servers of these versions usually have: AES, Camellia and ChaCha20 with RSA, DHE and ECDHE.
STRONG = (
    *(0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0xCCAA, 0x009E, 0x009F, 0x00A2, 0x00A3, 0x009C, 0x009D),
    *(0xC023, 0xC024, 0xC027, 0xC028, 0x0067, 0x006B, 0x003C, 0x003D),
    *(0xC009, 0xC00A, 0xC013, 0xC014, 0x0033, 0x0039, 0x0032, 0x0038, 0x002F, 0x0035, 0x0041, 0x0084, 0x0045, 0x0088),
)
_RENEGOTIATION = 0x00FF
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019, 0x0100, 0x0101)
_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0402, 0x0202)
_ALERT, _HANDSHAKE, _SERVER_HELLO = 21, 22, 2
_WARNING, _UNRECOGNIZED_NAME = 1, 112
#: Nobody's first messages are longer.
_LONGEST = 65_536


class Reply(enum.Enum):
    """How a server that chooses nothing says so."""

    REFUSED = "it said no, or hung up"
    SILENT = "it did not say anything, or could not be reached"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the server would have gone on with."""

    version: int
    suite: int


def offer(address: str, host: str, version: float, suites: Collection[int], *, within_s: float) -> Chosen | Reply:
    """Send one first message on a connection of its own, and read what comes back; `host` is empty for an address."""
    until = time.monotonic() + within_s
    try:
        with socket.create_connection(split(address, 443), timeout=within_s) as connection:
            connection.sendall(_first_message(WIRE[version], suites, host))
            return _answer(connection, until)
    except TimeoutError:
        return Reply.SILENT
    except ConnectionResetError:
        return Reply.REFUSED
    except OSError:
        return Reply.SILENT


def accepts(address: str, host: str, version: float, *, within_s: float) -> bool | None:
    """Whether this very version is spoken; None: there was no answer."""
    reply = offer(address, host, version, (*STRONG, *WEAK), within_s=within_s)
    if reply is Reply.SILENT:
        return None
    return isinstance(reply, Chosen) and reply.version == WIRE[version]


def weak_ciphers(address: str, host: str, *, most: int, within_s: float) -> tuple[str, ...] | None:
    """Each weak cipher that is chosen once those before it are no longer offered; None: there was no answer."""
    left = dict(WEAK)
    taken: list[str] = []
    while len(taken) < most:
        reply = offer(address, host, 1.2, left, within_s=within_s)
        if reply is Reply.SILENT and not taken:
            return None
        if isinstance(reply, Reply) or reply.suite not in left:
            break
        taken.append(left.pop(reply.suite))
    return tuple(taken)


# ── The bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _first_message(version: int, suites: Collection[int], host: str) -> bytes:
    offered = _words([*suites, _RENEGOTIATION])
    body = struct.pack("!H", version) + os.urandom(32) + b"\0" + _sized(offered, 2) + b"\1\0"
    # SSL 3.0 knows no extensions.
    if version > WIRE[0.3]:
        body += _sized(b"".join(_extensions(version, host)), 2)
    message = b"\1" + _sized(body, 3)
    # Old servers hang up on a record that claims to be newer than they are.
    return struct.pack("!BH", _HANDSHAKE, min(version, WIRE[1.0])) + _sized(message, 2)


def _extensions(version: int, host: str) -> Iterator[bytes]:
    if host:
        yield _extension(0, _sized(b"\0" + _sized(host.encode("idna"), 2), 2))
    yield _extension(10, _sized(_words(_GROUPS), 2))
    yield _extension(11, b"\1\0")
    yield _extension(23, b"")
    if version >= WIRE[1.2]:
        yield _extension(13, _sized(_words(_SIGNATURES), 2))


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!H", kind) + _sized(body, 2)


def _sized(body: bytes, width: int) -> bytes:
    return len(body).to_bytes(width, "big") + body


def _words(numbers: Collection[int]) -> bytes:
    return struct.pack(f"!{len(numbers)}H", *numbers)


def _answer(connection: socket.socket, until: float) -> Chosen | Reply:
    """The choice stands at the beginning of the first message; a warning about the name may come before it."""
    message = b""
    while len(message) < _LONGEST:
        head = _read(connection, 5, until)
        kind, _, length = struct.unpack("!BHH", head) if len(head) == 5 else (0, 0, 0)  # noqa: PLR2004 - a record's head
        body = _read(connection, length, until) if kind in {_ALERT, _HANDSHAKE} else b""
        if kind == _ALERT and tuple(body) == (_WARNING, _UNRECOGNIZED_NAME):
            continue
        if kind != _HANDSHAKE or len(body) < length:
            return Reply.REFUSED
        message += body
        if chosen := _chosen(message):
            return chosen
    return Reply.REFUSED


def _chosen(message: bytes) -> Chosen | None:
    """A type, a length of 3 bytes, the version, 32 bytes of chance, the session's id, the cipher."""
    at = 39 + message[38] if len(message) > 38 else 0  # noqa: PLR2004 - where the length of the id stands
    if not at or len(message) < at + 2 or message[0] != _SERVER_HELLO:
        return None
    return Chosen(version=int.from_bytes(message[4:6], "big"), suite=int.from_bytes(message[at : at + 2], "big"))


def _read(connection: socket.socket, length: int, until: float) -> bytes:
    """So many bytes, or fewer where the other side hangs up."""
    found = bytearray()
    while len(found) < length:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(length - len(found))
        if not part:
            break
        found += part
    return bytes(found)
