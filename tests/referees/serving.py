"""How are good and bad endpoints served, so that nobody can tell them apart before asking? By nginx, under shuffled names."""

import grp
import os
import pwd
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from tests.checks.helpers import needed
from tests.checks.tls_servers import Issued, authority

#: What the names tell about the cases: nothing.
_LETTERS = "bcdfghjklmnpqrstvwxz"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, kw_only=True)
class Member:
    """What nginx is told about one address of a case."""

    #: None: a certificate of its own, with nothing wrong.
    leaf: Issued | None = None
    chain: tuple[object, ...] = ()
    protocols: str = "TLSv1.2 TLSv1.3"
    lines: str = ""
    #: Nobody listens here.
    down: bool = False


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One case, as a client sees it: a name, a port of its own, and the addresses behind it."""

    case: str
    name: str
    port: int
    members: int
    #: The authority that a client trusts here.
    ca_file: str

    @property
    def addresses(self) -> list[str]:
        return [f"127.0.0.{number}:{self.port}" for number in range(1, self.members + 1)]

    @property
    def at(self) -> str:
        return self.addresses[0]

    @property
    def url(self) -> str:
        return f"https://{self.name}:{self.port}"

    @property
    def reach(self) -> dict[str, object]:
        """What a check is given in order to get here."""
        return {"addresses": self.addresses, "ca_file": self.ca_file, "allow_private": True}


#: The members of each case, when it is known by which name it goes and who signs.
Cases = Callable[[str, Issued], Mapping[str, tuple[Member, ...]]]


@contextmanager
def served(
    folder: Path, seed: int, cases: Cases, *, http: str = "", root: Issued | None = None
) -> Iterator[dict[str, Endpoint]]:
    """Every case, by its name; `http`: lines for all of them."""
    chance = random.Random(seed)  # noqa: S311 - it only shuffles
    root = root or authority("Root of the referees")
    ca_file = folder / "root.pem"
    ca_file.write_bytes(root.pem())
    names = list(cases("any.acme.test", root))
    chance.shuffle(names)
    made = {case: (name := shuffled(chance), cases(name, root)[case]) for case in names}
    for _ in range(5):
        # Somebody may take a port between our choice and nginx's.
        here = {
            case: Endpoint(case=case, name=name, port=port, members=len(members), ca_file=str(ca_file))
            for port, (case, (name, members)) in zip(free_ports(len(made)), made.items(), strict=True)
        }
        blocks = [
            _server(folder, root, here[case], number, member)
            for case, (_, members) in made.items()
            for number, member in enumerate(members, 1)
            if not member.down
        ]
        (folder / "nginx.conf").write_text(_configuration(folder, http, blocks))
        doors = [one.at for one in here.values() if not made[one.case][1][0].down]
        with _nginx(folder, doors) as running:
            if running:
                yield here
                return
    raise AssertionError((folder / "error.log").read_text()[-2000:])


def names_of(cases: Cases) -> list[str]:
    return list(cases("any.acme.test", authority()))


def shuffled(chance: random.Random, zone: str = "acme.test") -> str:
    return "".join(chance.choices(_LETTERS, k=8)) + f".{zone}"


def free_ports(count: int) -> list[int]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in doors]
    for one in doors:
        one.close()
    return ports


def _server(folder: Path, root: Issued, one: Endpoint, number: int, member: Member) -> str:
    leaf = member.leaf or root.issue(one.name, names=(one.name,))
    files = write_identity(folder, f"{one.name}-{number}", leaf, member.chain)
    return f"""
server {{
    listen {one.addresses[number - 1]} ssl;
    server_name {one.name};
    ssl_certificate {files[0]};
    ssl_certificate_key {files[1]};
    ssl_protocols {member.protocols};
    {member.lines.replace("FOLDER", str(folder))}
}}"""


def write_identity(folder: Path, stem: str, leaf: Issued, chain: tuple[object, ...] = ()) -> tuple[Path, Path]:
    """The certificates that are sent, in this order, and the key."""
    pem = leaf.pem() + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    certificates, key = folder / f"{stem}.pem", folder / f"{stem}.key"
    certificates.write_bytes(pem)
    key.write_bytes(
        leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificates, key


def _configuration(folder: Path, http: str, blocks: list[str]) -> str:
    temporary = "\n".join(f"{kind}_temp_path {folder}/tmp;" for kind in _TEMPORARY)
    # Started by root, nginx would become somebody who may not look into the folder.
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    return f"""
user {user} {group};
daemon off; pid {folder}/nginx.pid; worker_processes 1; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
{temporary}
access_log off;
ssl_ciphers DEFAULT:@SECLEVEL=0;
{http.replace("FOLDER", str(folder))}
{"".join(blocks)}
}}"""


@contextmanager
def _nginx(folder: Path, doors: list[str]) -> Iterator[bool]:
    # Sockets of a run that did not get its ports would be in the way of this one.
    for left in folder.glob("*.sock"):
        left.unlink()
    process = subprocess.Popen([needed("nginx"), "-p", folder, "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        yield answers(process, doors)
    finally:
        process.terminate()
        process.wait(30)


def answers(process: subprocess.Popen[bytes], doors: list[str]) -> bool:
    """Wait until somebody listens at every door, or the process ends."""
    for _ in range(600):
        if process.poll() is not None:
            return False
        try:
            for door in doors:
                host, _, port = door.partition(":")
                socket.create_connection((host, int(port)), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
