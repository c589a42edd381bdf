"""What does testssl.sh say? It takes most of a minute for one host, so it is asked only by `make referees`."""

import json
import re
import time
from datetime import UTC, datetime

from tests.referees.tools.asked import said

#: One host takes a minute of a quiet machine, so it is asked about what matters most.
CASES = (
    "good",
    "expired",
    "not valid yet",
    "for another name",
    "its name is only the common one",
    "signed by a stranger",
    "without its intermediate",
    "in the wrong order",
    "offers TLS 1.0",
    "RSA 1024",
    "signed with SHA-1",
    "accepts 3DES",
    "signed by itself",
    "taken back",
    "TLS 1.3 only",
)
_VERSIONS = {0.2: "SSLv2", 0.3: "SSLv3", 1.0: "TLS1", 1.1: "TLS1_1", 1.2: "TLS1_2", 1.3: "TLS1_3"}
_WEAK = ("NULL", "aNULL", "EXPORT", "LOW", "3DES_IDEA")
_FAULTY = {"LOW", "MEDIUM", "HIGH", "CRITICAL"}


def testssl(one, folder, *, ciphers):
    """Property by property; `ciphers`: whether the weak ones are looked for, which takes long."""
    report = folder / f"{one.name}.json"
    words = ["--quiet", "--warnings", "batch", "--color", "0", "--nodns", "none", "--ip", "127.0.0.1", "--phone-out"]
    words += ["--add-ca", one.ca_file, "-p", "-S", *(["-s"] if ciphers else []), "--jsonfile", report]
    said("testssl", *words, f"{one.name}:{one.port}", limit=900)
    seen = {each["id"]: each for each in json.loads(report.read_text())}
    found = {name: each["finding"] for name, each in seen.items()}
    revoked = re.search(
        r"\brevoked\b", " ".join(found.get(name, "") for name in ("cert_crlRevoked", "cert_revocation"))
    )
    return {
        "verified": _trusted(seen),
        "days_left": _days(found["cert_notAfter"]),
        "min_protocol": min(number for number, name in _VERSIONS.items() if found[name].startswith("offered")),
        "weak_keys": seen["cert_keySize"]["severity"] in _FAULTY,
        "weak_hashes": seen["cert_signatureAlgorithm"]["severity"] in _FAULTY,
        "chain_ordered": found.get("certs_list_ordering_problem") != "yes",
        "revoked": bool(revoked),
        **({"weak": any(found[f"cipherlist_{name}"].startswith("offered") for name in _WEAK)} if ciphers else {}),
    }


def _trusted(seen):
    """The chain, the name and the days, each of which it tells by itself."""
    chain, name = seen["cert_chain_of_trust"], seen["cert_trust"]
    began = datetime.strptime(seen["cert_notBefore"]["finding"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC) <= datetime.now(
        UTC
    )
    ended = "expired" in seen["cert_expirationStatus"]["finding"]
    return chain["finding"].startswith("passed") and name["severity"] == "OK" and began and not ended


def _days(text):
    ends = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return (ends.timestamp() - time.time()) / 86400
