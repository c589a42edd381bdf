"""What does a server show of itself when TLS connections are opened to it?

Everything here blocks and is called in a thread. Strength and trust are looked at apart: each handshake accepts whatever
the library can speak, or a weak key would read as "not trusted" and hide the rest.
"""

import select
import socket
import ssl
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import certifi
from cryptography import x509
from OpenSSL import SSL

from bot.errors import Unreachable
from bot.net import join, split, words
from checks import hello

#: Oldest first; SSL 3.0 counts as 0.3, because it came before TLS 1.0.
PROTOCOLS = (0.3, 1.0, 1.1, 1.2, 1.3)
#: Those that every build of the library speaks.
_LIBRARY: Mapping[float, int] = {1.2: SSL.TLS1_2_VERSION, 1.3: SSL.TLS1_3_VERSION}
#: Everything but what needs no certificate: a server that accepts that too would show none, and nothing could be said of it.
_ALL = b"ALL:!aNULL:@SECLEVEL=0"
#: How many weak ciphers are counted before it does not matter any more.
_ENOUGH = 5
_UNKNOWN_ISSUER = 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which name, at which address."""

    host: str
    address: str
    ca_file: str = ""
    #: Limit of each handshake.
    timeout_s: float
    #: Monotonic: when all of them must be over.
    deadline: float


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What one address shows."""

    chain: tuple[x509.Certificate, ...]
    #: Why it is not trusted for this name; empty: it is.
    distrust: str
    protocols: tuple[float, ...]
    #: Versions of which nobody knows.
    untested: tuple[float, ...]
    #: By name; None: nobody knows.
    weak_ciphers: tuple[str, ...] | None
    #: The OCSP answer that came with the handshake, DER.
    staple: bytes

    @property
    def leaf(self) -> x509.Certificate:
        return self.chain[0]


def look(place: Place) -> Shown:
    """Every handshake that is needed to know what this address offers; those that may meet silence wait side by side."""
    chain, staple = _presented(place)
    with ThreadPoolExecutor(max_workers=len(PROTOCOLS) + 2) as threads:
        distrust = threads.submit(_distrust, place, chain)
        spoken = {version: threads.submit(_speaks, place, version) for version in PROTOCOLS}
        understood = threads.submit(hello.accepts, place.address, _sni(place), 1.2, within_s=_left(place))
        weak = threads.submit(hello.weak_ciphers, place.address, _sni(place), most=_ENOUGH, within_s=_left(place))
    # Where the library is answered, and so is a message of our own, silence to another one is a firewall's way to say no.
    # Where none of ours is answered, silence says nothing.
    answered = understood.result() is not None
    versions = {version: one.result() for version, one in spoken.items()}
    weak_ciphers = weak.result()
    return Shown(
        chain=chain,
        distrust=distrust.result(),
        protocols=tuple(version for version, there in versions.items() if there),
        untested=tuple(version for version, there in versions.items() if there is None and not answered),
        weak_ciphers=() if weak_ciphers is None and answered else weak_ciphers,
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
    context.set_ciphers(_ALL.decode())
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
        return words(error)
    except OSError as error:
        raise Unreachable(f"{place.host} at {place.address}: {words(error)}.") from error


def _names_its_issuer(leaf: x509.Certificate) -> bool:
    try:
        leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except x509.ExtensionNotFound:
        return False
    return True


def _speaks(place: Place, version: float) -> bool | None:
    """Whether this version is spoken; None: there was no answer. What the library was built without is asked by hand."""
    if version not in _LIBRARY:
        return hello.accepts(place.address, _sni(place), version, within_s=_left(place))
    try:
        with _connected(place, _client(version)) as connection:
            _shake(connection, place)
    except (SSL.Error, ConnectionError):
        return False
    except Unreachable:
        return None
    return True


def _sni(place: Place) -> str:
    """Without the name another certificate may be shown; an address is not a name."""
    return "" if place.host.replace(".", "").isdigit() or ":" in place.host else place.host


def _client(version: float | None = None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(_ALL)
    context.set_min_proto_version(_LIBRARY[version] if version else SSL.TLS1_VERSION)
    if version:
        context.set_max_proto_version(_LIBRARY[version])
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
        if name := _sni(place):
            connection.set_tlsext_host_name(name.encode("idna"))
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
    return min(place.timeout_s, max(0.01, place.deadline - time.monotonic()))


def _said(error: SSL.Error) -> str:
    """The library's reason, without its codes."""
    entries = error.args[0] if error.args else []
    if isinstance(entries, list) and entries:
        return str(entries[-1][-1]) or "no reason given"
    return str(error.args[-1]) if error.args else "the connection was closed"
