"""Which faults can a certificate or a handshake have? One case each, and some with none."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.checks.helpers import needed, site
from tests.checks.tls_servers import Issued, authority, weak_rsa
from tests.referees.serving import Cases, Endpoint, Member, answers, served, write_identity
from tests.referees.tools.asked import said

#: What is not a failure. Only a chain about each of whose certificates a list is published could pass.
EXPECTED = {
    # Its intermediate says nowhere whether it was taken back.
    "on a list, and not taken back": "warn",
    "its list is out of date": "unknown",
    **dict.fromkeys(
        (
            "good",
            "good with RSA",
            "for every name below",
            "TLS 1.3 only",
            "ends in fifteen days",
            "valid for 825 days",
            "with its root",
            "in the wrong order",
            "another certificate at the second address",
        ),
        "warn",
    ),
}
_OLD = "ssl_ciphers ALL:!aNULL:@SECLEVEL=0;"
_FIRST = "ssl_prefer_server_ciphers on;"
#: What nginx cannot offer with Debian's library, GnuTLS can.
PRIORITIES = {"accepts 3DES": "NORMAL:+3DES-CBC", "accepts RC4": "NORMAL:+ARCFOUR-128"}


def certificates(middle: Issued, lists: str, taken_back: list[Issued]) -> Cases:
    """`lists`: where it is published what was taken back; those of which it should say so are added."""

    def made(name, root):
        other, key = authority("Other Root"), _rsa()

        def leaf(issuer=middle, *, named=None, **how):
            key = how.pop("key", None) or ec.generate_private_key(ec.SECP256R1())
            names = how.pop("names", (named or name,))
            return issuer.issue(named or name, names=names, key=key, **how)

        foreign = other.issue("Foreign Middle", names=(), ca=True, days=(-1, 400))
        low = middle.issue("Low", names=(), ca=True, days=(-1, 400))
        ordinary, sent = leaf(), (middle.cert,)
        revoked = leaf(crl=f"{lists}revoked")
        taken_back.append(revoked)

        def one(leaf, chain=sent, **how):
            return (Member(leaf=leaf, chain=chain, **how),)

        return {
            "good": one(ordinary),
            "good with RSA": one(leaf(key=key)),
            "for every name below": one(leaf(names=("*.acme.test",))),
            "expired": one(leaf(days=(-90, -2))),
            "expired a minute ago": one(leaf(days=(-90, -0.001))),
            "not valid yet": one(leaf(days=(3, 90))),
            "ends in five days": one(leaf(days=(-60, 5))),
            "ends in fifteen days": one(leaf(days=(-60, 15))),
            "valid for 825 days": one(leaf(days=(-5, 820))),
            "for another name": one(leaf(named="elsewhere.acme.test")),
            "its name is only the common one": one(leaf(names=())),
            "signed by itself": one(authority(name), ()),
            "signed by a stranger": one(leaf(foreign), (foreign.cert,)),
            "without its intermediate": one(ordinary, ()),
            "with its root": one(ordinary, (middle.cert, root.cert)),
            "in the wrong order": one(leaf(low), (middle.cert, low.cert)),
            "offers TLS 1.0": one(ordinary, protocols="TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", lines=_OLD),
            "offers TLS 1.1": one(ordinary, protocols="TLSv1.1 TLSv1.2", lines=_OLD),
            "TLS 1.3 only": one(ordinary, protocols="TLSv1.3"),
            "RSA 1024": one(leaf(key=_small()), lines=_OLD),
            "signed with SHA-1": one(_signed_with_sha1(middle, name), lines=_OLD),
            "accepts ciphers that encrypt nothing": one(
                leaf(key=key),
                protocols="TLSv1.2",
                lines=f"{_FIRST} ssl_ciphers AES128-GCM-SHA256:NULL-SHA256:@SECLEVEL=0;",
            ),
            "accepts ciphers without a certificate": one(
                leaf(key=key),
                protocols="TLSv1.2",
                lines=f"{_FIRST} ssl_ciphers AES128-GCM-SHA256:AECDH-AES128-SHA:@SECLEVEL=0;",
            ),
            "would rather show no certificate": one(
                leaf(key=key), protocols="TLSv1.2", lines="ssl_ciphers ALL:@SECLEVEL=0;"
            ),
            "taken back": one(revoked),
            "on a list, and not taken back": one(leaf(crl=f"{lists}clean")),
            "its list is out of date": one(leaf(crl=f"{lists}late")),
            "another certificate at the second address": (*one(ordinary), *one(leaf())),
            **{case: one(leaf(key=key), down=True) for case in PRIORITIES},
        }

    return made


def _signed_with_sha1(middle, name):
    """Our library signs nothing with SHA-1 any more; openssl does."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder(named).sign(key, hashes.SHA256())
    with TemporaryDirectory() as folder:
        certificates, secret = write_identity(Path(folder), "middle", middle)
        extensions = Path(folder) / "extensions"
        extensions.write_text(f"subjectAltName = DNS:{name}\nbasicConstraints = critical, CA:false\n")
        words = ["-req", "-sha1", "-days", "60", "-CA", certificates, "-CAkey", secret, "-extfile", extensions]
        asked = request.public_bytes(serialization.Encoding.PEM).decode()
        pem = said("openssl", "x509", *words, "-set_serial", x509.random_serial_number(), stdin=asked).stdout
    return Issued(key, x509.load_pem_x509_certificate(pem.encode()))


@lru_cache(maxsize=1)
def _small():
    return weak_rsa()


@lru_cache(maxsize=1)
def _rsa():
    return rsa.generate_private_key(65537, 2048)


def below(root: Issued) -> Issued:
    return root.issue("Middle", names=(), ca=True, days=(-1, 400))


@contextmanager
def certified(folder: Path, seed: int) -> Iterator[dict[str, Endpoint]]:
    """Everything of that, served by nginx and GnuTLS; lists of what was taken back by a web server beside them."""
    root = authority("Root of the referees")
    middle, taken_back = below(root), []

    def listed(request):
        lists = {
            "/revoked": lambda: middle.crl(*taken_back),
            "/clean": middle.crl,
            "/late": lambda: middle.crl(days=(-10, -1)),
        }
        return 200, [("Content-Type", "application/pkix-crl")], lists[request.path]()

    with site(listed) as published, ExitStack() as stack:
        cases = certificates(middle, f"http://127.0.0.1:{published.port}/", taken_back)
        here = stack.enter_context(served(folder, seed, cases, root=root))
        for case, priority in PRIORITIES.items():
            leaf = middle.issue(here[case].name, names=(here[case].name,), key=_rsa())
            stack.enter_context(
                _gnutls(folder, here[case], write_identity(folder, here[case].name, leaf, (middle.cert,)), priority)
            )
        yield here


@contextmanager
def _gnutls(folder, one, files, priority):
    words = ["--quiet", "--echo", "--port", str(one.port), "--priority", priority]
    words += ["--x509certfile", files[0], "--x509keyfile", files[1]]
    process = subprocess.Popen(
        [needed("gnutls-serv"), *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert answers(process, [one.at]), f"gnutls-serv does not start for {one.case}"
        yield
    finally:
        process.kill()
        process.wait(30)
