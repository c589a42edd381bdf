"""What do ab, jq and dig say?"""

import re

from tests.referees.tools import curl
from tests.referees.tools.asked import said


def ab(one, count, *, source):
    """How many of so many requests got through."""
    words = ("-q", "-n", count, "-c", "1", "-B", source, "-H", f"Host: {one.name}", f"https://{one.at}/")
    seen = said("ab", *words).stdout
    refused = re.search(r"Non-2xx responses:\s+(\d+)", seen)
    done = re.search(r"Complete requests:\s+(\d+)", seen)
    return {"through": int(done[1]) - (int(refused[1]) if refused else 0)}


def jq(one):
    """Whether curl got a whole JSON document that says that all is well."""
    text = curl.body(one)
    return {"well": text is not None and said("jq", '.status == "ok"', stdin=text).stdout == "true\n"}


def dig(name, server, kind="A"):
    host, port = server.split(":")
    words = (f"@{host}", "-p", port, name, kind, "+noall", "+answer", "+comments", "+tries=1", "+time=3")
    seen = said("dig", *words).stdout
    status = re.search(r"status: (\w+)", seen)
    answers = re.findall(rf"\sIN\s+{kind}\s+(\S+)", seen)
    return {"answers": frozenset(one.rstrip(".") for one in answers), "status": status[1] if status else "silent"}


#: What GnuTLS is asked to agree on: ciphers that are broken or encrypt nothing, and keys that nobody vouches for.
_BROKEN = (
    "NONE:+VERS-TLS1.2:+VERS-TLS1.0:+3DES-CBC:+ARCFOUR-128:+NULL:+SHA1:+SHA256:+COMP-NULL:+SIGN-ALL:+GROUP-ALL"
    ":+CTYPE-ALL:+RSA:+ECDHE-RSA:+ECDHE-ECDSA"
)
_NOBODY = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH:+ANON-DH"


def gnutls_cli(one):
    """Whether a weak cipher is agreed on by the client of another library, which still has the old ones."""
    return {"weak": any(_agreed(one, priority) for priority in (_BROKEN, _NOBODY))}


def _agreed(one, priority):
    words = ("--insecure", "--sni-hostname", one.name, "-p", one.port, "--priority", priority, "127.0.0.1")
    return "- Handshake was completed" in said("gnutls-cli", *words).stdout
