"""Good and bad endpoints that nobody's checks were made for: real nginx, certificates for the purpose, shuffled names."""

import random
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.checks.helpers import needed
from tests.checks.tls_servers import authority, weak_rsa

#: What the names tell about the cases: nothing.
_LETTERS = "bcdfghjklmnpqrstvwxz"

SAFE = {
    "Strict-Transport-Security": "max-age=63072000",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One server, at a port of its own."""

    case: str
    name: str
    port: int
    #: The authority that a client trusts here.
    ca_file: str

    @property
    def at(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"https://{self.name}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What nginx is told about a case."""

    leaf: object
    chain: tuple = ()
    protocols: str = "TLSv1.2 TLSv1.3"
    lines: str = ""
    ca: object = None


def certificates(name, root):
    """Every fault that a certificate or a handshake can have here, by the name of its case."""
    middle = root.issue("Middle", names=(), ca=True, days=(-1, 400))
    other, key = authority("Other Root"), rsa.generate_private_key(65537, 2048)

    def leaf(issuer=middle, *, named=None, **how):
        return issuer.issue(
            named or name, names=(named or name,), key=how.pop("key", ec.generate_private_key(ec.SECP256R1())), **how
        )

    foreign = other.issue("Foreign Middle", names=(), ca=True, days=(-1, 400))
    alone = authority(name)
    ordinary = leaf()
    sent = (middle.cert,)
    old = "ssl_ciphers ALL:@SECLEVEL=0;"
    return {
        "good": Made(leaf=ordinary, chain=sent),
        "good with RSA": Made(leaf=leaf(key=key), chain=sent),
        "expired": Made(leaf=leaf(days=(-90, -2)), chain=sent),
        "expired a minute ago": Made(leaf=leaf(days=(-90, -0.001)), chain=sent),
        "not valid yet": Made(leaf=leaf(days=(3, 90)), chain=sent),
        "ends in five days": Made(leaf=leaf(days=(-60, 5)), chain=sent),
        "ends in fifteen days": Made(leaf=leaf(days=(-60, 15)), chain=sent),
        "for another name": Made(leaf=leaf(named="elsewhere.acme.test"), chain=sent),
        "signed by itself": Made(leaf=alone),
        "signed by a stranger": Made(leaf=leaf(foreign), chain=(foreign.cert,)),
        "without its intermediate": Made(leaf=ordinary),
        "with its root": Made(leaf=ordinary, chain=(middle.cert, root.cert)),
        "offers TLS 1.0": Made(leaf=ordinary, chain=sent, protocols="TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", lines=old),
        "offers TLS 1.1": Made(leaf=ordinary, chain=sent, protocols="TLSv1.1 TLSv1.2", lines=old),
        "TLS 1.3 only": Made(leaf=ordinary, chain=sent, protocols="TLSv1.3"),
        "RSA 1024": Made(leaf=leaf(key=weak_rsa()), chain=sent, lines=old),
    }


def pages():
    """What is served in each case, where the certificate is right."""
    safe = {name: f'"{value}"' for name, value in SAFE.items()}

    def sent(headers, *, always=True):
        return "".join(f"add_header {name} {value}{' always' if always else ''};\n" for name, value in headers.items())

    def without(*names):
        return {name: value for name, value in safe.items() if name not in names}

    here = 'location / { default_type text/html; return 200 "<h1>shop</h1>"; }\n'
    nothing = 'location / { default_type text/html; return 404 "<h1>no</h1>"; }\n'
    return {
        "every header": sent(safe) + here,
        "no header at all": here,
        "no HSTS": sent(without("Strict-Transport-Security")) + here,
        "HSTS of five minutes": sent(safe | {"Strict-Transport-Security": '"max-age=300"'}) + here,
        "no CSP": sent(without("Content-Security-Policy")) + here,
        "no nosniff": sent(without("X-Content-Type-Options")) + here,
        "no Referrer-Policy": sent(without("Referrer-Policy")) + here,
        "may be framed": sent(without("X-Frame-Options")) + here,
        "two X-Frame-Options that differ": sent(safe) + 'add_header X-Frame-Options "SAMEORIGIN" always;\n' + here,
        # One add_header in a location takes away all of those around it.
        "headers lost in a location": sent(safe)
        + 'location / { default_type text/html; add_header X-Shop 1; return 200 "<h1>shop</h1>"; }',
        "headers lost on a 404": sent(safe, always=False) + nothing,
        "headers on a 404": sent(safe) + nothing,
        "answers 500": sent(safe) + "location / { return 500; }",
        "answers 503": sent(safe) + "location / { return 503; }",
        "redirects": sent(safe) + 'location / { return 302 /login; }\nlocation /login { return 200 "log in"; }',
        "redirects in a circle": sent(safe) + "location / { return 302 /; }",
        "says degraded": sent(safe) + 'location / { return 200 "degraded"; }',
        "hangs up": sent(safe) + "location / { return 444; }",
    }


@contextmanager
def endpoints(folder: Path, seed: int):
    """Every case, served; by name of the case."""
    chance = random.Random(seed)  # noqa: S311 - it only shuffles
    root = authority("Root of the referees")
    ca_file = folder / "root.pem"
    ca_file.write_bytes(root.pem())
    wanted = {**certificates_by_case(root, chance), **pages_by_case(root, chance)}
    cases = list(wanted)
    chance.shuffle(cases)
    for _ in range(5):
        # Somebody may take a port between our choice and nginx's.
        ports = _free(len(cases))
        made = [
            Endpoint(case=case, name=wanted[case][0], port=port, ca_file=str(ca_file))
            for case, port in zip(cases, ports, strict=True)
        ]
        for one in made:
            _written(folder, one, wanted[one.case][1])
        (folder / "nginx.conf").write_text(_configuration(folder, made, wanted))
        with _nginx(folder, made) as running:
            if running:
                yield {one.case: one for one in made}
                return
    raise AssertionError((folder / "error.log").read_text()[-2000:])


def certificates_by_case(root, chance):
    made = {}
    for case in certificates("any.acme.test", root):
        name = _name(chance)
        made[case] = (name, certificates(name, root)[case])
    return made


def pages_by_case(root, chance):
    return {
        case: (name := _name(chance), Made(leaf=root.issue(name, names=(name,)), lines=lines))
        for case, lines in pages().items()
    }


def _name(chance):
    return "".join(chance.choices(_LETTERS, k=8)) + ".acme.test"


def _free(count):
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in doors]
    for one in doors:
        one.close()
    return ports


def _written(folder, one, made):
    pem = made.leaf.pem() + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in made.chain)
    (folder / f"{one.name}.pem").write_bytes(pem)
    (folder / f"{one.name}.key").write_bytes(
        made.leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _configuration(folder, made, wanted):
    servers = "".join(
        f"""
server {{
    listen 127.0.0.1:{one.port} ssl;
    server_name {one.name};
    ssl_certificate {folder}/{one.name}.pem;
    ssl_certificate_key {folder}/{one.name}.key;
    ssl_protocols {wanted[one.case][1].protocols};
    {wanted[one.case][1].lines}
}}"""
        for one in made
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/tmp;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
daemon off; pid {folder}/nginx.pid; worker_processes 1; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
{temporary}
access_log off;
ssl_ciphers DEFAULT:@SECLEVEL=0;
{servers}
}}"""


@contextmanager
def _nginx(folder, made):
    program = needed("nginx")
    process = subprocess.Popen([program, "-p", folder, "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        yield _answers(process, made)
    finally:
        process.terminate()
        process.wait(30)


def _answers(process, made):
    for _ in range(300):
        if process.poll() is not None:
            return False
        try:
            for one in made:
                socket.create_connection(("127.0.0.1", one.port), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
