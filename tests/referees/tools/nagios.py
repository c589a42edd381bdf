"""What do the Monitoring Plugins say?"""

from tests.referees.tools.asked import said

FOLDER = "/usr/lib/nagios/plugins"


def _plugin(name, *words):
    return said(name, *words, folders=(FOLDER,))


def _check_http(one, *words):
    host, _, port = one.at.partition(":")
    return _plugin("check_http", "-I", host, "-p", port, "-H", one.name, "--sni", "-S", *words)


def certificate(one):
    """`check_http -C 21,7`: what it says about the certificate, as our verdict would be called."""
    seen = _check_http(one, "-C", "21,7")
    return {"verdict": {0: "pass", 1: "warn", 2: "fail"}.get(seen.returncode, "unknown")}


def page(one):
    """The plain plugin, as most people set it up."""
    return {"right": _check_http(one, "-u", "/", "-t", "20").returncode == 0}


def healthy(one, *, text):
    """Told everything that it can be told: the status, a text that must be there, no redirects."""
    seen = _check_http(one, "-u", "/", "-e", " 200 ", "-s", text, "-f", "critical", "-t", "20")
    return {"well": seen.returncode == 0}


def names(one, expected):
    """check_dig looks whether one address is among the answers, so it is asked for each, at each server."""
    return {"right": all(_check_dig(one.name, server, address) for server in one.servers for address in expected)}


def _check_dig(name, server, address):
    host, _, port = server.partition(":")
    words = ("-H", host, "-p", port, "-l", name, "-a", address, "-t", "4", "-A", "+tries=1 +time=3")
    return _plugin("check_dig", *words).returncode == 0
