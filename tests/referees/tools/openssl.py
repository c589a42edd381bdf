"""What does openssl say about a certificate and a handshake?"""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.referees.tools.asked import said

_DAY = timedelta(days=1)
_SECURITY = "@SECLEVEL=0"
_ALL = f"ALL:!aNULL:{_SECURITY}"
_VERSIONS = {1.0: "-tls1", 1.1: "-tls1_1", 1.2: "-tls1_2", 1.3: "-tls1_3"}


def _s_client(one, *more, at=""):
    words = ("-connect", at or one.at, "-servername", one.name, "-CAfile", one.ca_file, *more)
    return said("openssl", "s_client", *words)


def openssl(one):
    """By `openssl s_client` and `openssl x509`, property by property."""
    seen = _s_client(one, "-verify_hostname", one.name, "-showcerts", "-cipher", _ALL)
    chain = [_read(pem) for pem in _pems(seen)]
    leaf = chain[0]
    return {
        "verified": "Verify return code: 0 (ok)" in seen.stdout,
        "days_left": min(each["ends"] - datetime.now(UTC) for each in chain) / _DAY,
        "lifetime_days": (leaf["ends"] - leaf["begins"]) / _DAY,
        "min_protocol": min(number for number, flag in _VERSIONS.items() if _offered(one, flag)),
        "chain_ordered": all(each["issuer"] == after["subject"] for each, after in pairwise(chain)),
        "root_sent": any(each["issuer"] == each["subject"] for each in chain[1:]),
        "weak_keys": sum(each["weak_key"] for each in chain),
        "weak_hashes": sum(each["weak_hash"] for each in chain if each["issuer"] != each["subject"]),
        "distinct_certs": len({_pems(_s_client(one, "-cipher", _ALL, at=at))[0] for at in one.addresses}),
        **({"revoked": _revoked(one)} if leaf["listed"] else {}),
    }


def weak_ciphers(one):
    """Whether a weak cipher is agreed on. Debian's library was built without 3DES and RC4, and cannot tell."""
    return {"weak": _offered(one, "-tls1_2", f"aNULL:eNULL:{_SECURITY}")}


def _revoked(one):
    code = re.search(
        r"Verify return code: (\d+)", _s_client(one, "-crl_check", "-crl_download", "-cipher", _ALL).stdout
    )
    return {"0": False, "23": True}.get(code[1])


def _offered(one, flag, ciphers=_ALL):
    return bool(re.search(r"Cipher is (?!\(NONE\))\S+", _s_client(one, flag, "-cipher", ciphers).stdout))


def _pems(seen):
    return re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", seen.stdout, re.DOTALL)


def _read(pem):
    text = said("openssl", "x509", "-noout", "-subject", "-issuer", "-dates", "-text", stdin=pem).stdout
    facts = dict(re.findall(r"^(subject|issuer|notBefore|notAfter)=(.*)$", text, re.MULTILINE))
    key = re.search(r"(rsaEncryption|id-ecPublicKey).*?\((\d+) bit\)", text, re.DOTALL)
    return {
        "subject": facts["subject"],
        "issuer": facts["issuer"],
        "begins": _moment(facts["notBefore"]),
        "ends": _moment(facts["notAfter"]),
        "weak_key": int(key[2]) < {"rsaEncryption": 2048, "id-ecPublicKey": 256}[key[1]],
        "weak_hash": bool(re.search(r"Signature Algorithm: .*(sha1|md5)", text, re.IGNORECASE)),
        "listed": "CRL Distribution Points" in text,
    }


def _moment(text):
    return datetime.strptime(text, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
