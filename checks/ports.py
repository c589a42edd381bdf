"""Do exactly those ports answer that should, seen from here?"""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from bot.check import Context, Intrusive, check
from bot.errors import Cannot, Unreachable
from bot.model import Measured, Row, Value
from bot.net import join
from checks.reach import Reach

State = Literal["open", "closed", "filtered"]
#: What scanners look for first: shells, mail, files, databases, caches, consoles, orchestration.
_COMMON = (
    "20-25 53 80 110-111 135 139 143 161 389 443 445 465 514 587 631 636 873 993 995 1080 1433 1521 2049 2181 2375-2380 "
    "3000 3128 3306 3389 4222 4369 5000 5432 5601 5672 5900-5901 5984 6379 6443 7001 8000-8001 8008 8080-8081 8086 8088 "
    "8443 8500 8888 9000 9042 9090-9093 9100 9200 9300 9418 10250 10255 11211 15672 25672 27017-27018 50000"
)
#: A scan is a load and a nuisance: more is another tool's work, and refused.
_MOST = 5_000


class Params(Intrusive):
    """Which machines, and what may answer there."""

    hosts: list[str] = Field(min_length=1, description="Names or addresses; every address of a name is looked at.")
    allowed: list[int] = Field(description="The ports that must be open; every other one must not.")
    look: str = Field(
        default=_COMMON, description="Which ports to try, as in `22 80 443 8000-8100`; those allowed are always tried."
    )
    budget: int = Field(default=_MOST, ge=1, le=_MOST, description="The most connections that are ever tried.")
    together: int = Field(default=100, ge=1, le=500, description="How many are tried at the same time.")
    inside: bool = Field(default=False, description="What is measured from within the private network is meant so.")
    name_server: str = Field(default="", description="`host:port` of the name server to ask; empty: the machine's own.")
    allow_private: bool = Field(default=False, description="Permit loopback and private addresses.")
    timeout_s: float = Field(default=2.0, gt=0, description="A port that says nothing for so long is filtered.")

    @field_validator("allowed")
    @classmethod
    def _ports(cls, ports: list[int]) -> list[int]:
        for one in ports:
            _port(one)
        return ports

    @field_validator("look")
    @classmethod
    def _ranges(cls, text: str) -> str:
        if len(ranges(text)) > _MOST:
            raise ValueError(f"more than {_MOST} ports; use a scanner and `uses: exec` for that")
        return text


def ranges(text: str) -> list[int]:
    """`22 8000-8002` is 22, 8000, 8001, 8002."""
    found: list[int] = []
    for word in text.replace(",", " ").split():
        first, dash, last = word.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise ValueError(f"'{word}' is neither a port nor a range, as in 8000-8100")
        begin, end = _port(int(first)), _port(int(last or first))
        if end < begin:
            raise ValueError(f"'{word}' ends before it begins")
        found += range(begin, end + 1)
    return list(dict.fromkeys(found))


def _port(number: int) -> int:
    if not 0 < number < 65536:  # noqa: PLR2004 - the largest port
        raise ValueError(f"{number} is no port")
    return number


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One port of one address."""

    address: str
    port: int
    state: State


@check(
    "ports",
    needs={"net"},
    values={
        "tried": "how many ports of how many addresses were tried, together",
        "open": "how many answered",
        "unexpected": "how many answered that are not allowed to",
        "missing": "how many did not answer that should",
        "filtered": "how many said nothing at all; a firewall in front does that",
        "closed": "how many were refused by the machine itself",
        "outside": "we look from outside the network that the address is in, or 'inside' says that this is meant",
    },
    require=["outside == true"],
    pass_=["unexpected == 0", "missing == 0"],
)
async def ports(params: Params, ctx: Context) -> Measured:
    """Try to connect to each port of each address, and hang up at once. What is seen depends on where we look from.

    Why: A database or an admin port that answers the internet is found by scanners within hours.
    Fix: Close the port in the firewall or bind the service to its private address; the evidence names address and port.
    """
    net = Reach(
        name_server=params.name_server, allow_private=params.allow_private, timeout_s=max(params.timeout_s, 5.0)
    ).net(ctx)
    addresses = [net.allowed(one) for host in params.hosts for one in await net.resolve(host)]
    numbers = sorted({*ranges(params.look), *params.allowed})
    gate = asyncio.Semaphore(params.together)

    async def one(address: str, port: int) -> Tried:
        async with gate:
            return Tried(address=address, port=port, state=await _state(address, port, params.timeout_s))

    places = [(address, port) for address in dict.fromkeys(addresses) for port in numbers]
    if len(places) > params.budget:
        raise Cannot(
            f"That would be {len(places)} connections, and 'budget' permits {params.budget}; look at fewer ports."
        )
    return _measured(params, await asyncio.gather(*(one(*place) for place in places)))


async def _state(address: str, port: int, timeout_s: float) -> State:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return "closed"
    except TimeoutError:
        return "filtered"
    except OSError as error:
        # A router says that it may not pass, or the machine went away in the middle: nobody answered.
        if error.errno in {errno.EHOSTUNREACH, errno.ECONNRESET, errno.EACCES, errno.EPERM, errno.ETIMEDOUT}:
            return "filtered"
        raise Unreachable(f"{join(address, port)} cannot be tried from here: {error.strerror or error}.") from error
    writer.transport.abort()
    return "open"


def _measured(params: Params, tried: Sequence[Tried]) -> Measured:
    unexpected = [one for one in tried if one.state == "open" and one.port not in params.allowed]
    missing = [one for one in tried if one.state != "open" and one.port in params.allowed]
    addresses = list(dict.fromkeys(one.address for one in tried))
    sources = {address: _source(address) for address in addresses}
    values: dict[str, Value] = {
        "tried": len(tried),
        "open": sum(one.state == "open" for one in tried),
        "unexpected": len(unexpected),
        "missing": len(missing),
        "filtered": sum(one.state == "filtered" for one in tried),
        "closed": sum(one.state == "closed" for one in tried),
        "outside": params.inside or all(map(_public, addresses)),
    }
    faults = [
        *(f"{join(one.address, one.port)} is open and should not be" for one in unexpected),
        *(f"{join(one.address, one.port)} is {one.state} and should be open" for one in missing),
    ]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        summary = f"{faults[0]}{more}"
    else:
        summary = f"open are {_numbers(params.allowed)} and nothing else of {len(tried)}"
    where = f"seen from {', '.join(dict.fromkeys(sources.values()))}"
    private = "" if values["outside"] else ", which is within the same private network"
    return Measured(
        values=values,
        rows=tuple(
            _row(address, sources[address], [one for one in tried if one.address == address]) for address in addresses
        ),
        summary=f"{summary}, {where}{private}",
    )


def _row(address: str, source: str, tried: Sequence[Tried]) -> Row:
    by_state = {state: [one.port for one in tried if one.state == state] for state in ("open", "closed", "filtered")}
    return Row(
        subject=address,
        values={"from": source, "open": _numbers(by_state["open"])},
        note="; ".join(
            f"{state}: {_numbers(numbers)}" for state, numbers in by_state.items() if numbers and state != "open"
        ),
    )


def _numbers(numbers: Iterable[int]) -> str:
    """22, 8000-8002: runs are told as ranges."""
    runs: list[list[int]] = []
    for one in sorted(numbers):
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs) or "none"


def _public(address: str) -> bool:
    return ipaddress.ip_address(address.split("%", maxsplit=1)[0]).is_global


def _source(address: str) -> str:
    """Which of our addresses we look from; a datagram socket sends nothing when it is connected."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return "an unknown address"
