"""How does the bot ask something on the network, without being led astray by it?

Each probe opens a new connection to one named address, so that a broken member behind a balancer cannot hide behind a
kept one. This is the only module that imports httpx.
"""

import asyncio
import importlib.util
import ipaddress
import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import certifi
import dns.asyncresolver
import dns.exception
import dns.resolver
import httpx

from bot.errors import Cannot, Unreachable

# httpcore looks for sniffio at each lock, and looking for what is not there goes through all folders each time: a third of
# what a request costs. None says at once that it is not there.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # pyright: ignore[reportArgumentType]

_WHO = re.compile(r"(?<=://)[^/?#\s]*@")
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back from one probe."""

    url: str
    address: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    #: The body was longer than was asked for.
    cut: bool = False
    #: From before the connection was opened until the last byte.
    seconds: float = 0.0

    def all(self, name: str) -> tuple[str, ...]:
        """Every header line of this name: duplicates matter, and joining them would hide it."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    def header(self, name: str) -> str:
        return ", ".join(self.all(name))

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True)
class Net:
    """Which networks may be asked, and how names are found."""

    #: Loopback, private and link-local addresses are refused unless this says otherwise.
    allow_private: bool = False
    #: `host:port` of the name server to ask; empty: what the machine uses.
    name_server: str = ""
    ca_file: str = ""
    #: A self-signed or expired certificate is somebody else's finding (the check `tls`) where this is false.
    verify: bool = True
    timeout_s: float = 10.0
    agent: str = "t-minus"
    limit: int = field(default=1_000_000)

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Every address of a name, in a stable order."""
        if literal := _literal(host):
            return (literal,)
        found = await (self._asked(host) if self.name_server else self._system(host))
        if not found:
            raise Unreachable(f"The name {host} has no address.")
        # From a machine without IPv6 nothing can be said about IPv6 addresses, and they are not broken for that.
        reached = [one for one in found if ":" not in one or _routed(one)] or found
        return tuple(sorted(set(reached), key=lambda one: (":" in one, one)))

    async def _system(self, host: str) -> list[str]:
        try:
            async with asyncio.timeout(self.timeout_s):
                found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise Unreachable(f"The name {host} could not be resolved: {words(error)}.") from error
        return [str(entry[4][0]) for entry in found]

    async def _asked(self, host: str) -> list[str]:
        server = resolver(self.name_server, self.timeout_s)
        found: list[str] = []
        for kind in ("A", "AAAA"):
            try:
                found += [record.to_text() for record in await server.resolve(host, kind, search=False)]
            except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
                continue
            except dns.exception.DNSException as error:
                raise Unreachable(f"{self.name_server} did not answer for {host}: {words(error)}.") from error
        return found

    def allowed(self, address: str) -> str:
        """The address itself, or a refusal: a redirect or a name must not lead into the machine's own network."""
        if not self.allow_private and not _is_global(address):
            raise Cannot(f"{address} is a private address; 'allow_private: true' permits it for this check.")
        return address

    async def addresses(self, url: str) -> tuple[str, ...]:
        """Every `address:port` behind a URL."""
        host, port = place(url)
        return tuple(join(address, port) for address in await self.resolve(host))

    async def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        address: str = "",
        follow: int = 0,
    ) -> Answer:
        """One request on one new connection, to this address if one is given (`host`, or `host:port`)."""
        for name, value in (headers or {}).items():
            if not (value.isascii() and value.replace("\t", " ").isprintable()):
                raise Cannot(
                    f"The header line {name} cannot be sent: its value has a character that is not plain ASCII. "
                    "Look at the secret or the text that it is taken from."
                )
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._once(url, method, headers or {}, content, address)
                while follow and answer.status in REDIRECTS and (target := answer.header("location")):
                    follow -= 1
                    url = urljoin(url, target)
                    answer = await self._once(url, "GET", _without_secrets(headers or {}), b"", "")
                return answer
        except TimeoutError as error:
            raise Unreachable(f"{bare(url)} did not answer within {self.timeout_s:g} s.") from error

    async def _once(self, url: str, method: str, headers: Mapping[str, str], content: bytes, address: str) -> Answer:
        host, port = place(url)
        target, pinned_port = split(address, port) if address else ((await self.resolve(host))[0], port)
        target = self.allowed((await self.resolve(target))[0])
        parts = urlsplit(url)
        pinned = parts._replace(netloc=join(target, pinned_port), fragment="").geturl()
        context = trust(self.ca_file) if self.verify else _blind()
        begun = time.monotonic()
        try:
            async with (
                httpx.AsyncClient(
                    verify=context, trust_env=False, follow_redirects=False, timeout=self.timeout_s
                ) as client,
                client.stream(
                    method,
                    pinned,
                    headers={
                        "User-Agent": self.agent,
                        "Accept-Encoding": "identity",
                        "Connection": "close",
                        **headers,
                        "Host": parts.netloc.rpartition("@")[2],
                    },
                    content=content or None,
                    extensions={"sni_hostname": host},
                ) as response,
            ):
                body, cut = await _read(response, self.limit)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise Unreachable(f"{bare(url)} at {join(target, pinned_port)}: {words(error)}.") from error
        pairs = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in response.headers.raw)
        return Answer(
            url=url,
            address=join(target, pinned_port),
            status=response.status_code,
            headers=pairs,
            body=body,
            cut=cut,
            seconds=time.monotonic() - begun,
        )


async def _read(response: httpx.Response, limit: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """What was meant for the first host is not told to the one it points at."""
    return {key: value for key, value in headers.items() if key.lower() in {"accept", "origin", "accept-language"}}


def place(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Cannot(f"'{url}' is not a URL: {error}.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise Cannot(f"'{url}' is not an http:// or https:// URL.")
    return host, port or (443 if parts.scheme == "https" else 80)


def bare(url: str) -> str:
    """As people are told it: without the query and without who asks, which are long or may be nobody's business."""
    return nameless(url).partition("?")[0] if "://" in url else url


def nameless(text: str) -> str:
    """A URL with a user and a password in it is told without them."""
    return _WHO.sub("", text)


def split(address: str, port: int) -> tuple[str, int]:
    """`host`, `host:port`, `::1` and `[::1]:443`, with the port to take when none is said."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        said = rest.removeprefix(":")
    elif address.count(":") == 1:
        host, _, said = address.partition(":")
    else:
        host, said = address, ""
    if said and not (said.isdigit() and 0 < int(said) < 65536):  # noqa: PLR2004 - the largest port
        raise Cannot(f"'{address}' is not a host:port.")
    return host, int(said) if said else port


def join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolver(server: str, timeout_s: float) -> dns.asyncresolver.Resolver:
    """One resolver that asks one server and nobody else; `lifetime` bounds the wait, not only each try."""
    host, port = split(server, 53)
    if _literal(host) is None:
        raise Cannot(f"'{server}' is not the address of a name server, as in 192.0.2.53 or 127.0.0.1:5353.")
    asked = dns.asyncresolver.Resolver(configure=False)
    asked.nameservers = [host]
    asked.port = port
    asked.timeout = min(2.0, timeout_s)
    asked.lifetime = timeout_s
    return asked


def _routed(address: str) -> bool:
    """Whether this machine knows a way to an IPv6 address; connecting a datagram socket sends nothing."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
    except OSError:
        return False
    return True


#: Gateways hand what is sent there to the IPv4 address in its last four bytes; the first form is older than gateways.
_CARRIERS = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")))


def _is_global(address: str) -> bool:
    """Also of the IPv4 address that an IPv6 address carries in it."""
    at = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(at, ipaddress.IPv6Address):
        carried = at.ipv4_mapped or at.sixtofour
        if carried is None and any(at in network for network in _CARRIERS):
            carried = ipaddress.IPv4Address(int(at) & 0xFFFF_FFFF)
        if carried is not None and not carried.is_global:
            return False
    return at.is_global


def _literal(host: str) -> str | None:
    try:
        ipaddress.ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        return None
    return host


def trust(ca_file: str) -> ssl.SSLContext:
    """The public roots, or those of one file instead. Reading them takes milliseconds, so it is done once."""
    try:
        changed = Path(ca_file).stat().st_mtime_ns if ca_file else 0
    except OSError as error:
        raise Cannot(f"The certificates in {ca_file} could not be read: {words(error)}.") from error
    return _trust(ca_file, changed)


@lru_cache(maxsize=32)
def _trust(ca_file: str, changed: int) -> ssl.SSLContext:  # noqa: ARG001 - a renewed file is read again
    try:
        return ssl.create_default_context(cafile=ca_file or certifi.where())
    except (OSError, ssl.SSLError) as error:
        raise Cannot(f"The certificates in {ca_file} could not be read: {words(error)}.") from error


@lru_cache(maxsize=1)
def _blind() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def words(error: BaseException, limit: int = 200) -> str:
    """What an exception says, in one line, whatever it forgot to say."""
    if isinstance(error, TimeoutError | httpx.TimeoutException | dns.exception.Timeout):
        return "no answer in time"
    for one in _causes(error) if isinstance(error, httpx.HTTPError) else (error,):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted ({one.verify_message})"
        if isinstance(one, ssl.SSLError) and one.reason:
            return f"no TLS connection ({one.reason.lower().replace('_', ' ')})"
        if isinstance(one, OSError) and one.strerror:
            # asyncio puts words of its own there, in which the system's are not found.
            own = one.strerror.startswith("Connect call failed")
            return os.strerror(one.errno or 0) if own else one.strerror
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, httpx.RemoteProtocolError) and text.startswith("illegal"):
        return "what it answers is no HTTP"
    return text[:limit] or ("the connection broke off" if isinstance(error, httpx.HTTPError) else type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What a library hands on says less than what it began with: the system's own words."""
    while error is not None:
        yield error
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
