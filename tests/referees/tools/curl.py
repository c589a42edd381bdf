"""What does curl read? The judging of it is said beside each."""

import re

from tests.referees.tools.asked import said


def _curl(one, *more, path="/", at=""):
    host = (at or one.at).partition(":")[0]
    where = f"{one.name}:{one.port}:{host}"
    return said("curl", "-sS", "--cacert", one.ca_file, "--resolve", where, *more, one.url + path)


def _head(one, *more, path="/"):
    seen = _curl(one, "-D", "-", "-o", "/dev/null", *more, path=path)
    headers = {}
    for line in seen.stdout.splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    found = re.match(r"HTTP/\S+ (\d+)", seen.stdout)
    return int(found[1]) if found else None, headers


def trusts(one):
    """60 is curl's number for a certificate that it does not believe."""
    return {"verified": _curl(one, "-o", "/dev/null").returncode not in {35, 51, 60}}


def status(one):
    code, _ = _head(one)
    return {"status": code} if code else {}


def hsts(one):
    """The seconds, where the header is there once."""
    _, headers = _head(one)
    age = re.search(r"max-age=(\d+)", " ".join(headers.get("strict-transport-security", ())))
    return {"hsts_max_age": int(age[1]) if age else None}


def varies(one, origins):
    """How many answers name an origin and do not say that they depend on it."""
    return {"unvaried": sum(_unvaried(_head(one, "-H", f"Origin: {origin}")[1]) for origin in origins)}


def _unvaried(headers):
    told = headers.get("access-control-allow-origin", ["*"])
    return told != ["*"] and "origin" not in ", ".join(headers.get("vary", ())).lower()


def in_turn(one, count, *, source):
    """`count` requests, one after the other, from an address of their own: when the first is refused, and how."""
    many = _curl(
        one,
        "--interface",
        source,
        "-o",
        "/dev/null",
        "-w",
        "%{http_code} %header{retry-after}\n",
        path=f"/?[1-{count}]",
    )
    seen = [line.split(" ", 1) for line in many.stdout.splitlines()]
    refused = [at for at, (code, _) in enumerate(seen, 1) if code in {"429", "503"}]
    if not refused or refused[0] == 1:
        return {"limited": False}
    code, later = seen[refused[0] - 1]
    return {
        "limited": True,
        "first_limited_at": refused[0],
        "status": int(code),
        "retry_after": bool(later.strip()),
    }


def after(one, seconds, *, source):
    """Wait as curl itself does when it is told to come back: `--retry` obeys Retry-After."""
    seen = _curl(one, "--interface", source, "--retry", "3", "--retry-max-time", seconds, "-w", "%{http_code}")
    return {"recovers": seen.stdout.endswith("200")}


def twice(one, path):
    """The second answer: its status, how long it may be kept, and whether it sets a cookie."""
    _head(one, path=path)
    code, headers = _head(one, path=path)
    age = re.search(r"max-age=(\d+)", " ".join(headers.get("cache-control", ())))
    return {"code": code, "max_age": int(age[1]) if age else 0, "cookie": "set-cookie" in headers}


def at_each(one, *, text, times=1):
    """A new connection for each request, to each address: how many were not right, and how many not answered at all."""
    seen = [_curl(one, "-w", "\n%{http_code}", at=at) for at in one.addresses for _ in range(times)]
    return {
        "failed": sum(not (each.stdout.endswith("\n200") and text in each.stdout) for each in seen),
        "unanswered": sum(each.stdout.endswith("\n000") for each in seen),
    }


def body(one):
    seen = _curl(one, "-f")
    return seen.stdout if seen.returncode == 0 else None
