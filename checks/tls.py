"""Are the certificates valid, and the connections strong, at every address?"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from pydantic import Field

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.net import Net, join, place, split, trust
from checks import handshake, revocation
from checks.reach import Reach

#: From here on hours do not matter.
_FEW = 4
#: Lists of revoked certificates of large authorities have megabytes.
LARGEST_CRL = 20_000_000
_TOGETHER = 32
_RENEWAL = timedelta(days=21)
_STRONG_RSA, _STRONG_EC = 2048, 256


class Params(Reach):
    """Which names, and where they are served."""

    hosts: list[str] = Field(min_length=1, description="`name`, `name:port` or a URL; the port is 443 if none is said.")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One name at one address."""

    host: str
    address: str
    shown: handshake.Shown | None = None
    known: revocation.Known | None = None
    #: Why nothing could be seen.
    silence: str = ""


@check(
    "tls",
    needs={"net"},
    values={
        "verified": "every chain is trusted and is for the name",
        "days_left": "whole and part days until the first certificate of any chain ends",
        "reserve": "what is left of the time that a renewal needs, 21 days or, where that is less, a third of the lifetime:"
        " 100% or more is enough; the smallest of any chain",
        "lifetime_days": "how long the leaf is valid altogether, the longest",
        "min_protocol": "the oldest TLS version that is accepted anywhere, 1.0 to 1.3; 0.3 is SSL 3.0",
        "max_protocol": "the newest TLS version that is accepted everywhere",
        "weak_ciphers": "how many ciphers without encryption, authentication or strength are accepted, the most anywhere",
        "weak_keys": "certificates with RSA below 2048 or elliptic curves below 256 bits",
        "weak_hashes": "certificates signed with SHA-1 or MD5",
        "revoked": "a certificate has been taken back",
        "revocation_checked": "for every certificate there is a published list, responder or staple, and it was used",
        "distinct_certs": "how many different certificates serve one name, the most",
        "chain_ordered": "each chain is sent in order",
        "root_sent": "a chain has a root in it, which only costs time",
        "addresses": "how many addresses were looked at",
        "unanswered": "how many of them did not answer",
    },
    pass_=[
        "verified == true",
        "reserve >= 100%",
        "min_protocol >= 1.2",
        "weak_ciphers == 0",
        "weak_keys == 0",
        "weak_hashes == 0",
        "revoked == false",
        "revocation_checked == true",
        "distinct_certs <= 1",
        "unanswered == 0",
        "chain_ordered == true",
        "root_sent == false",
        "lifetime_days <= 200",
    ],
    warn=[
        "verified == true",
        "reserve >= 33%",
        "min_protocol >= 1.2",
        "weak_ciphers == 0",
        "weak_keys == 0",
        "weak_hashes == 0",
        "revoked == false",
        "unanswered == 0",
    ],
)
async def tls(params: Params, ctx: Context) -> Measured:
    """Shake hands with each name at each address: chain, name, dates, versions, ciphers, keys, revocation.

    Why: An expired or half-installed certificate takes the whole service away from everybody at once.
    Fix: Renew it, install the whole chain on every member, reload them, and measure again.
    """
    net = replace(params.net(ctx), limit=LARGEST_CRL)
    trust(net.ca_file)
    places = [one for host in params.hosts for one in await _places(params, net, host)]
    # A check has a loop of its own. Handshakes that meet silence must not keep those at other addresses waiting.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(min(len(places), _TOGETHER)))
    seen = list(await asyncio.gather(*(_look(net, ctx, host, address) for host, address in places)))
    if all(one.silence for one in seen):
        raise Unreachable(seen[0].silence)
    seen = await _looked_up(seen, net)
    return Measured(values=_values(seen), rows=tuple(map(_row, seen)), summary=_summary(seen))


async def _places(params: Params, net: Net, said: str) -> list[tuple[str, str]]:
    host, port = place(said) if "://" in said else split(said, 443)
    if not host:
        raise Cannot(f"'{said}' is not a name, as in checkout.example.com:443.")
    if not params.addresses:
        return [(host, join(net.allowed(address), port)) for address in await net.resolve(host)]
    pinned = [split(address, port) for address in params.addresses]
    return [(host, join(net.allowed(one), at)) for name, at in pinned for one in await net.resolve(name)]


async def _look(net: Net, ctx: Context, host: str, address: str) -> Seen:
    # Half of what is left is for the silent; asking who took a certificate back comes after.
    limit = min(net.timeout_s, ctx.left() / 2)
    where = handshake.Place(
        host=host, address=address, ca_file=net.ca_file, timeout_s=limit, deadline=time.monotonic() + 2 * limit
    )
    try:
        shown = await asyncio.to_thread(handshake.look, where)
    except Unreachable as error:
        return Seen(host=host, address=address, silence=str(error))
    return Seen(host=host, address=address, shown=shown)


async def _looked_up(seen: list[Seen], net: Net) -> list[Seen]:
    """The same, with what is known of revocation: asked once for each chain, at however many addresses it is shown."""
    different = list({(one.shown.chain, one.shown.staple) for one in seen if one.shown})
    known = dict(
        zip(
            different,
            await asyncio.gather(*(revocation.look_up(chain, staple, net.ca_file, net) for chain, staple in different)),
            strict=True,
        )
    )
    return [replace(one, known=known[one.shown.chain, one.shown.staple]) if one.shown else one for one in seen]


def _values(seen: list[Seen]) -> dict[str, Value]:
    shown = [one.shown for one in seen if one.shown]
    known = [one.known for one in seen if one.known]
    now = datetime.now(UTC)
    certificates = [certificate for one in shown for certificate in one.chain]
    served: dict[str, set[bytes]] = {}
    for one in seen:
        if one.shown:
            served.setdefault(one.host, set()).add(one.shown.leaf.fingerprint(hashes.SHA256()))
    values: dict[str, Value] = {
        "verified": not any(one.distrust for one in shown),
        "days_left": min((one.not_valid_after_utc - now).total_seconds() for one in certificates) / 86400,
        "reserve": min((one.not_valid_after_utc - now) / _needed(one) for one in certificates),
        "lifetime_days": max(_life(one.leaf).total_seconds() for one in shown) / 86400,
        "weak_keys": sum(_weak_key(one) for one in set(certificates)),
        "weak_hashes": sum(_weak_hash(one) for one in set(certificates)),
        "distinct_certs": max(map(len, served.values())),
        "chain_ordered": all(_ordered(one.chain) for one in shown),
        "root_sent": any(one.issuer == one.subject for each in shown for one in each.chain[1:]),
        "addresses": len(seen),
        "unanswered": sum(bool(one.silence) for one in seen),
    }
    weak = max(len(one.weak_ciphers or ()) for one in shown)
    if weak or all(one.weak_ciphers is not None for one in shown):
        values["weak_ciphers"] = weak
    if any(one.revoked for one in known) or all(one.revoked is False for one in known):
        values["revoked"] = any(one.revoked for one in known)
    # A source that could not be used leaves both unknown; where none is published there is nothing to find out.
    if all(one.revoked is not None for one in known):
        values["revocation_checked"] = all(one.source for one in known)
    # A version to which there was no answer may well be offered; then the oldest version is not known, unless an older one is.
    oldest = min((version for one in shown for version in one.protocols), default=None)
    if oldest is not None and not any(version < oldest for one in shown for version in one.untested):
        values["min_protocol"] = oldest
    if all(one.protocols for one in shown):
        values["max_protocol"] = min(max(one.protocols) for one in shown)
    return values


def _needed(certificate: x509.Certificate) -> timedelta:
    """The time before its end at which a renewal should have happened. One that lives for days is renewed within days."""
    return min(_RENEWAL, _life(certificate) / 3)


def _version(one: float) -> str:
    return "SSL 3.0" if one < 1 else f"TLS {one}"


def _days(days: float) -> str:
    return f"{days:.0f} days" if days >= _FEW or days < 0 else duration(round(days * 24) * 3600)


def _range(protocols: list[float]) -> str:
    """`TLS 1.2 to 1.3`, `SSL 3.0 to TLS 1.2`, `TLS 1.3`."""
    first, last = _version(protocols[0]), _version(protocols[-1])
    if first == last:
        return first
    return f"{first} to {last.removeprefix('TLS ') if first.startswith('TLS') else last}"


def _life(certificate: x509.Certificate) -> timedelta:
    return max(certificate.not_valid_after_utc - certificate.not_valid_before_utc, datetime.resolution)


def _weak_key(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < _STRONG_RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.key_size < _STRONG_EC
    return isinstance(key, dsa.DSAPublicKey)


def _weak_hash(certificate: x509.Certificate) -> bool:
    """A root is trusted for itself; nobody looks at its signature."""
    if certificate.issuer == certificate.subject:
        return False
    return isinstance(certificate.signature_hash_algorithm, hashes.SHA1 | hashes.MD5)


def _ordered(chain: tuple[x509.Certificate, ...]) -> bool:
    return all(one.issuer == other.subject for one, other in pairwise(chain))


def _row(seen: Seen) -> Row:
    subject = f"{seen.host} at {seen.address}"
    if seen.shown is None:
        return Row(subject=subject, note=seen.silence)
    leaf, known = seen.shown.leaf, seen.known
    notes = [
        seen.shown.distrust,
        f"weak ciphers: {', '.join(seen.shown.weak_ciphers)}" if seen.shown.weak_ciphers else "",
        known.note if known else "",
    ]
    return Row(
        subject=subject,
        values={
            "subject": leaf.subject.rfc4514_string(),
            "issuer": leaf.issuer.rfc4514_string(),
            "serial": f"{leaf.serial_number:x}",
            "ends": leaf.not_valid_after_utc.isoformat(),
            "protocols": ", ".join(map(_version, seen.shown.protocols)),
            "revocation": known.source if known else "",
        },
        note="; ".join(filter(None, notes)),
    )


def _summary(seen: list[Seen]) -> str:
    values = _values(seen)
    protocols = sorted({version for one in seen if one.shown for version in one.shown.protocols})
    certificates = len({one.shown.leaf.serial_number for one in seen if one.shown})
    trouble = [f"{one.host} at {one.address}: {one.shown.distrust}" for one in seen if one.shown and one.shown.distrust]
    trouble += [one.silence for one in seen if one.silence]
    trouble += [one.known.note for one in seen if one.known and one.known.note]
    faults = {
        f"{values.get('weak_ciphers')} weak ciphers": values.get("weak_ciphers"),
        "nothing is known of weak ciphers": "weak_ciphers" not in values,
        f"{values['weak_keys']} weak keys": values["weak_keys"],
        f"{values['weak_hashes']} weak signatures": values["weak_hashes"],
        "revocation is published nowhere": values.get("revocation_checked") is False,
        "a chain is not in order": not values["chain_ordered"],
        "a root is sent along": values["root_sent"],
    }
    trouble += [words for words, there in faults.items() if there]
    facts = [
        *trouble[:2],
        f"{_days(float(values['days_left']))} left" + (", due for renewal" if float(values["reserve"]) < 1 else ""),
        _range(protocols) if protocols else "",
        f"{certificates} certificate{'s' * (certificates != 1)} at {len(seen)} address{'es' * (len(seen) != 1)}",
    ]
    return ", ".join(filter(None, facts))
