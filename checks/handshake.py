"""What does a server show of itself when TLS connections are opened to it?

Everything here blocks and is called in a thread. Strength and trust are looked at apart: each handshake accepts whatever
the library can speak, or a weak key would read as "not trusted" and hide the rest.
"""

import select
import socket
import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

from bot.errors import Unreachable
from bot.net import join, split, words

#: Oldest first.
PROTOCOLS: Mapping[float, int] = {
    1.0: SSL.TLS1_VERSION,
    1.1: SSL.TLS1_1_VERSION,
    1.2: SSL.TLS1_2_VERSION,
    1.3: SSL.TLS1_3_VERSION,
}
_ALL = b"ALL:@SECLEVEL=0"
_WEAK = b"aNULL:eNULL:EXPORT:DES:3DES:RC4:MD5:SEED:IDEA:@SECLEVEL=0"
#: How many weak ciphers are counted before it does not matter any more.
_ENOUGH = 5
_UNKNOWN_ISSUER = 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which name, at which address."""

    host: str
    address: str
    ca_file: str = ""
    #: Monotonic.
    deadline: float


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What one address shows."""

    chain: tuple[x509.Certificate, ...]
    #: Why it is not trusted for this name; empty: it is.
    distrust: str
    protocols: tuple[float, ...]
    #: Versions that the library here cannot speak, so nobody knows.
    untested: tuple[float, ...]
    weak_ciphers: tuple[str, ...]
    #: The OCSP answer that came with the handshake, DER.
    staple: bytes

    @property
    def leaf(self) -> x509.Certificate:
        return self.chain[0]


def look(place: Place) -> Shown:
    """Every handshake that is needed to know what this address offers."""
    chain, staple = _presented(place)
    speakable = tuple(version for version in PROTOCOLS if can_speak(version))
    return Shown(
        chain=chain,
        distrust=_distrust(place, chain),
        protocols=tuple(version for version in speakable if _accepts(place, _client(version)) is not None),
        untested=tuple(version for version in PROTOCOLS if version not in speakable),
        weak_ciphers=tuple(_weak_ciphers(place)),
        staple=staple,
    )


def _presented(place: Place) -> tuple[tuple[x509.Certificate, ...], bytes]:
    """The certificates as they are sent, trusted or not, and a stapled OCSP answer."""
    stapled: list[bytes] = []

    def keep(_: SSL.Connection, answer: bytes, __: object) -> bool:
        stapled.append(answer)
        return True

    context = _client()
    context.set_ocsp_client_callback(keep)
    with _connected(place, context) as connection:
        connection.request_ocsp()
        try:
            _shake(connection, place)
        except SSL.Error as error:
            raise Unreachable(
                f"{place.host} at {place.address} does not complete a TLS handshake: {_said(error)}."
            ) from error
        chain = connection.get_peer_cert_chain(as_cryptography=True) or []
    if not chain:
        raise Unreachable(f"{place.host} at {place.address} shows no certificate.")
    return tuple(chain), next(iter(stapled), b"")


def _distrust(place: Place, chain: tuple[x509.Certificate, ...]) -> str:
    context = ssl.create_default_context(cafile=place.ca_file or certifi.where())
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.hostname_checks_common_name = False
    host, port = split(place.address, 443)
    try:
        with (
            socket.create_connection((host, port), timeout=_left(place)) as raw,
            context.wrap_socket(raw, server_hostname=place.host),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        alone = len(chain) == 1 and chain[0].issuer != chain[0].subject
        if error.verify_code == _UNKNOWN_ISSUER and alone and _names_its_issuer(chain[0]):
            return "its issuer is unknown here, and no intermediate certificate is sent"
        return error.verify_message.rstrip(".")
    except ssl.SSLError as error:
        return f"no handshake: {words(error)}"
    except OSError as error:
        raise Unreachable(f"{place.host} at {place.address}: {words(error)}.") from error


def _names_its_issuer(leaf: x509.Certificate) -> bool:
    try:
        leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return False
    return True


def _weak_ciphers(place: Place) -> Iterator[str]:
    """Offer only weak ciphers, and leave out each one that is taken."""
    taken: list[str] = []
    while len(taken) < _ENOUGH:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        context.set_min_proto_version(SSL.TLS1_VERSION)
        context.set_cipher_list(_WEAK + b"".join(b":!" + name.encode() for name in taken))
        cipher = _accepts(place, context)
        if cipher is None or cipher in taken:
            return
        taken.append(cipher)
        yield cipher


def _accepts(place: Place, context: SSL.Context) -> str | None:
    """The cipher agreed on, or None when the server refuses."""
    try:
        with _connected(place, context) as connection:
            _shake(connection, place)
            return connection.get_cipher_name()
    except (SSL.Error, ConnectionError):
        return None


def _client(version: float | None = None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(_ALL)
    context.set_min_proto_version(PROTOCOLS[version] if version else SSL.TLS1_VERSION)
    if version:
        context.set_max_proto_version(PROTOCOLS[version])
    return context


@contextmanager
def _connected(place: Place, context: SSL.Context) -> Generator[SSL.Connection]:
    host, port = split(place.address, 443)
    try:
        raw = socket.create_connection((host, port), timeout=_left(place))
    except OSError as error:
        raise Unreachable(f"{place.host} at {join(host, port)}: {words(error)}.") from error
    with raw:
        raw.setblocking(False)
        connection = SSL.Connection(context, raw)
        # Without the name another certificate may be shown; an address is not a name.
        if not place.host.replace(".", "").isdigit() and ":" not in place.host:
            connection.set_tlsext_host_name(place.host.encode("idna"))
        connection.set_connect_state()
        yield connection


def _shake(connection: SSL.Connection, place: Place) -> None:
    while True:
        try:
            return connection.do_handshake()
        except SSL.WantReadError:
            wanted = select.POLLIN
        except SSL.WantWriteError:
            wanted = select.POLLOUT
        ready = select.poll()
        ready.register(connection.fileno(), wanted)
        if not ready.poll(_left(place) * 1000):
            raise Unreachable(f"{place.host} at {place.address} does not finish its TLS handshake in time.")


def _left(place: Place) -> float:
    return max(0.01, place.deadline - time.monotonic())


def _said(error: SSL.Error) -> str:
    """The library's reason, without its codes."""
    entries = error.args[0] if error.args else []
    if isinstance(entries, list) and entries:
        return str(entries[-1][-1]) or "no reason given"
    return str(error.args[-1]) if error.args else "the connection was closed"


# ── What the library here can speak ──────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=8)
def can_speak(version: float) -> bool:
    """Shake hands with ourselves in memory: a library without TLS 1.0 must not call a server free of it."""
    server = SSL.Context(SSL.TLS_SERVER_METHOD)
    server.set_cipher_list(_ALL)
    server.set_min_proto_version(PROTOCOLS[version])
    key, certificate = _own()
    server.use_privatekey(key)
    server.use_certificate(certificate)
    ends = SSL.Connection(_client(version)), SSL.Connection(server)
    ends[0].set_connect_state()
    ends[1].set_accept_state()
    try:
        for _ in range(6):
            done = [_step(ends[0], ends[1]), _step(ends[1], ends[0])]
            if all(done):
                return True
    except SSL.Error:
        return False
    return False


def _step(one: SSL.Connection, other: SSL.Connection) -> bool:
    done = True
    try:
        one.do_handshake()
    except SSL.WantReadError:
        done = False
    try:
        other.bio_write(one.bio_read(65536))
    except SSL.WantReadError:
        return done
    return done


def _own() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self-test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    return key, builder.sign(key, hashes.SHA256())
