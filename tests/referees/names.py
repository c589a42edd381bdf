"""What can name servers say, and who says it? BIND, Unbound and dnsmasq, each with names of its own."""

import random
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.checks.helpers import needed
from tests.referees.serving import answers, free_ports, shuffled

HOME = ["192.0.2.10", "192.0.2.11"]
OLD = ["192.0.2.9"]
_RIGHT = tuple(f"A {one}" for one in HOME)

#: By case, what each server says that is asked.
NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "the right addresses": {"bind": _RIGHT},
    "the right addresses, by Unbound": {"unbound": _RIGHT},
    "the right addresses, by dnsmasq": {"dnsmasq": _RIGHT},
    "the old address": {"bind": ("A 192.0.2.9",)},
    "one address of two": {"bind": _RIGHT[:1]},
    "an address too many": {"bind": (*_RIGHT, "A 203.0.113.66")},
    "an address too many, by dnsmasq": {"dnsmasq": (*_RIGHT, "A 203.0.113.66")},
    "no address, but mail": {"bind": ("MX 10 mail",)},
    "no such name": {"bind": ()},
    "no such name, by dnsmasq": {"dnsmasq": ()},
    "an alias of the right ones": {"bind": ("CNAME shop",)},
    "an alias of nothing": {"bind": ("CNAME gone",)},
    "an alias of nothing, by dnsmasq": {"dnsmasq": ("CNAME gone",)},
    "aliases in a circle": {"bind": ("CNAME circle",)},
    "anything is answered with one address": {"unbound": ("REDIRECT",)},
    "refuses": {"bind": ("REFUSED",)},
    "server fails": {"bind": ("SERVFAIL",)},
    "says nothing": {"unbound": ("SILENCE",)},
    "one of two servers has the old address": {"bind": _RIGHT, "unbound": ("A 192.0.2.9",)},
    "two servers agree": {"bind": _RIGHT, "dnsmasq": _RIGHT},
    "one of two servers says nothing": {"bind": _RIGHT, "unbound": ("SILENCE",)},
}


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name to ask for, and whom."""

    name: str
    servers: list[str]


@contextmanager
def named(folder: Path, seed: int) -> Iterator[dict[str, Name]]:
    """The three servers, and by case what to ask them."""
    chance = random.Random(seed)  # noqa: S311 - it only shuffles
    zones = {case: shuffled(chance, "test") for case in NAMES}
    for _ in range(5):
        ports = dict(zip(_STARTS, free_ports(len(_STARTS)), strict=True))
        with ExitStack() as stack:
            running = [
                stack.enter_context(_running(_STARTS[server](folder, port, _said_by(server, zones)), port))
                for server, port in ports.items()
            ]
            if all(running):
                yield {
                    case: Name(name=f"www.{zones[case]}", servers=[f"127.0.0.1:{ports[one]}" for one in told])
                    for case, told in NAMES.items()
                }
                return
    raise AssertionError("a name server does not start")


def _said_by(server: str, zones: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {zones[case]: told[server] for case, told in NAMES.items() if server in told}


@contextmanager
def _running(command: list[str], port: int) -> Iterator[bool]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield answers(process, [f"127.0.0.1:{port}"])
    finally:
        process.kill()
        process.wait(30)


def _bind(folder: Path, port: int, zones: Mapping[str, tuple[str, ...]]) -> list[str]:
    blocks = []
    for zone, records in zones.items():
        lines = ["$TTL 60", "@ SOA ns hostmaster 1 60 60 60 60", "@ NS ns", "ns A 127.0.0.1", "mail A 192.0.2.25"]
        lines += [f"shop {one}" for one in _RIGHT] + ["circle CNAME www"]
        if records != ("REFUSED",):
            # A zone that cannot be read is how a server comes to fail.
            lines += [f"www {one}" for one in records]
        (folder / f"{zone}.zone").write_text("\n".join([*lines, ""]))
        who = "none" if records == ("REFUSED",) else "any"
        blocks.append(f'zone "{zone}" {{ type primary; file "{folder}/{zone}.zone"; allow-query {{ {who}; }}; }};')
    (folder / "named.conf").write_text(
        f"""options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
recursion no; dnssec-validation no; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
managed-keys-directory "{folder}"; }};
controls {{ }};
{chr(10).join(blocks)}
"""
    )
    return [needed("named"), "-f", "-n", "1", "-c", f"{folder}/named.conf"]


def _unbound(folder: Path, port: int, zones: Mapping[str, tuple[str, ...]]) -> list[str]:
    lines = []
    for zone, records in zones.items():
        kind = {("SILENCE",): "deny", ("REDIRECT",): "redirect"}.get(records, "static")
        lines.append(f'local-zone: "{zone}." {kind}')
        if kind == "redirect":
            lines.append(f'local-data: "{zone}. 60 A 203.0.113.99"')
        elif kind == "static":
            lines += [f'local-data: "www.{zone}. 60 {one}"' for one in records]
    (folder / "unbound.conf").write_text(
        f"""server:
interface: 127.0.0.1
port: {port}
username: ""
chroot: ""
directory: "{folder}"
pidfile: ""
use-syslog: no
do-daemonize: no
num-threads: 1
local-zone: "test." nodefault
{chr(10).join(lines)}
remote-control:
control-enable: no
"""
    )
    return [needed("unbound"), "-d", "-c", f"{folder}/unbound.conf"]


def _dnsmasq(folder: Path, port: int, zones: Mapping[str, tuple[str, ...]]) -> list[str]:
    hosts, aliases = folder / "hosts", []
    lines = []
    for zone, records in zones.items():
        lines += [f"{one.removeprefix('A ')} www.{zone}" for one in records if one.startswith("A ")]
        aliases += [f"--cname=www.{zone},gone.{zone}" for one in records if one.startswith("CNAME ")]
    hosts.write_text("\n".join([*lines, ""]))
    words = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=", "--pid-file="]
    words += [f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--local=/test/", "--local-ttl=60"]
    return [needed("dnsmasq"), *words, f"--addn-hosts={hosts}", *aliases]


_STARTS = {"bind": _bind, "unbound": _unbound, "dnsmasq": _dnsmasq}
