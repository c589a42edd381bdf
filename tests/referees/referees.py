"""What do openssl, curl, dig and the Nagios plugins say? Each answer as the property that our checks measure, too."""

import re
import subprocess
from datetime import UTC, datetime

from tests.checks.helpers import needed

_PLUGINS = "/usr/lib/nagios/plugins"
_VERSIONS = {1.0: "-tls1", 1.1: "-tls1_1", 1.2: "-tls1_2", 1.3: "-tls1_3"}
_NEEDED = ("strict-transport-security", "content-security-policy", "x-content-type-options", "referrer-policy")


def said(*command, stdin=""):
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
    )


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _s_client(one, *more):
    return said(
        needed("openssl"), "s_client", "-connect", one.at, "-servername", one.name, "-CAfile", one.ca_file, *more
    )


def openssl(one):
    """verified, days_left, min_protocol and whether a root is sent, by `openssl s_client` and `openssl x509`."""
    seen = _s_client(one, "-verify_hostname", one.name, "-showcerts", "-cipher", "ALL:@SECLEVEL=0")
    chain = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", seen.stdout, re.DOTALL)
    return {
        "verified": "Verify return code: 0 (ok)" in seen.stdout,
        "days_left": min(_days(pem) for pem in chain),
        "min_protocol": min(number for number, flag in _VERSIONS.items() if _offered(one, flag)),
        "root_sent": any(_own_issuer(pem) for pem in chain[1:]),
        "weak_keys": sum(_weak(pem) for pem in chain),
    }


def _offered(one, flag):
    seen = _s_client(one, flag, "-cipher", "ALL:@SECLEVEL=0")
    return bool(re.search(r"Cipher is (?!\(NONE\))\S+", seen.stdout))


def _x509(pem, *words):
    return said(needed("openssl"), "x509", "-noout", *words, stdin=pem).stdout


def _days(pem):
    line = _x509(pem, "-enddate").strip().removeprefix("notAfter=")
    ends = datetime.strptime(line, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    return (ends - datetime.now(UTC)).total_seconds() / 86400


def _own_issuer(pem):
    subject, issuer = (line.partition("=")[2] for line in _x509(pem, "-subject", "-issuer").splitlines())
    return subject == issuer


def _weak(pem):
    found = re.search(r"(rsaEncryption|id-ecPublicKey).*?\((\d+) bit\)", _x509(pem, "-text"), re.DOTALL)
    return int(found[2]) < {"rsaEncryption": 2048, "id-ecPublicKey": 256}[found[1]]


def curl_trusts(one):
    """60 is curl's number for a certificate that it does not believe."""
    return {"verified": _curl(one).returncode not in {35, 51, 60}}


def check_http_certificate(one):
    """`check_http -C 14,7`: what it says about the certificate, as our verdict would be called."""
    seen = said(
        f"{_PLUGINS}/check_http", "-I", "127.0.0.1", "-p", str(one.port), "-H", one.name, "--sni", "-S", "-C", "21,7"
    )
    return {"verdict": {0: "pass", 1: "warn", 2: "fail"}.get(seen.returncode, "unknown")}


# ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _curl(one, *more, path="/"):
    where = f"{one.name}:{one.port}:127.0.0.1"
    return said(
        needed("curl"),
        "-sS",
        "-D",
        "-",
        "-o",
        "/dev/null",
        "--cacert",
        one.ca_file,
        "--resolve",
        where,
        *more,
        one.url + path,
    )


def curl_headers(one):
    """The header lines that curl saw, counted as a person would with the list of needed ones beside it."""
    head = _curl(one).stdout
    lines = [line.partition(":") for line in head.splitlines()[1:] if ":" in line]
    headers = {}
    for name, _, value in lines:
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    framing = "x-frame-options" in headers or any(
        "frame-ancestors" in one for one in headers.get("content-security-policy", ())
    )
    age = re.search(r"max-age=(\d+)", " ".join(headers.get("strict-transport-security", ())))
    return {
        "missing": sum(name not in headers for name in _NEEDED) + (not framing),
        "conflicting": sum(len(set(values)) > 1 for values in headers.values()),
        **({"hsts_max_age": int(age[1])} if age else {}),
    }


def curl_status(one):
    seen = _curl(one)
    found = re.match(r"HTTP/\S+ (\d+)", seen.stdout)
    return {"status": int(found[1])} if found else {}


def check_http(one):
    """The plain plugin, with the text that has to be there."""
    seen = said(
        f"{_PLUGINS}/check_http",
        "-I",
        "127.0.0.1",
        "-p",
        str(one.port),
        "-H",
        one.name,
        "--sni",
        "-S",
        "-u",
        "/",
        "-t",
        "20",
    )
    return {"right": seen.returncode == 0}


# ── DNS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def dig(name, server, kind="A"):
    host, port = server.split(":")
    seen = said(
        needed("dig"), f"@{host}", "-p", port, name, kind, "+noall", "+answer", "+comments", "+tries=1", "+time=3"
    )
    status = re.search(r"status: (\w+)", seen.stdout)
    answers = re.findall(rf"\sIN\s+{kind}\s+(\S+)", seen.stdout)
    return {"answers": frozenset(one.rstrip(".") for one in answers), "status": status[1] if status else "silent"}
