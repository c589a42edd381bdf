"""Certificates and TLS servers with whatever is wrong with them that a test asks for."""

import contextlib
import select
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL

NAME = "checkout.acme.test"


def now():
    return datetime.now(UTC)


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Issued:
    """A certificate with its key; one that is an authority can issue others."""

    key: object
    cert: x509.Certificate
    chain: list = field(default_factory=list)

    def pem(self):
        return self.cert.public_bytes(serialization.Encoding.PEM)

    def issue(self, common=NAME, *, names=(NAME,), days=(-1, 89), key=None, ca=False, hash_=None, crl="", ocsp_url=""):
        return _made(self, common, names=names, days=days, key=key, ca=ca, hash_=hash_, crl=crl, ocsp_url=ocsp_url)

    def crl(self, *revoked, days=(-1, 10), signer=None):
        builder = x509.CertificateRevocationListBuilder(
            self.cert.subject, now() + timedelta(days[0]), now() + timedelta(days[1])
        )
        for one in revoked:
            entry = x509.RevokedCertificateBuilder(one.cert.serial_number, now() - timedelta(1)).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign((signer or self).key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def ocsp(self, leaf, status=ocsp.OCSPCertStatus.GOOD, *, signer=None, days=(-1, 10)):
        signer = signer or self
        revoked = status is ocsp.OCSPCertStatus.REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=leaf.cert,
            issuer=self.cert,
            algorithm=hashes.SHA1(),  # noqa: S303 - it only names the issuer
            cert_status=status,
            this_update=now() + timedelta(days[0]),
            next_update=now() + timedelta(days[1]),
            revocation_time=now() - timedelta(1) if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.cert)
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _made(issuer, common, *, names=(), days=(-1, 3650), key=None, ca=False, hash_=None, crl="", ocsp_url=""):
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = named(common)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.cert.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() + timedelta(days[0]))
        .not_valid_after(now() + timedelta(days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    if crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if ocsp_url:
        place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp_url))
        builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
    for extension in _expected(key, issuer.key if issuer else key, ca=ca):
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.KeyUsage))
    cert = builder.sign(issuer.key if issuer else key, hash_ or hashes.SHA256())
    chain = [issuer.cert, *issuer.chain] if issuer and issuer.cert.issuer != issuer.cert.subject else []
    return Issued(key, cert, chain)


def _expected(key, signer, *, ca):
    """What every authority writes into its certificates, and strict verifiers ask for."""
    may = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    allowed = ("key_cert_sign", "crl_sign", "digital_signature") if ca else ("digital_signature", "key_encipherment")
    yield x509.KeyUsage(**{**may, **dict.fromkeys(allowed, True)})
    yield x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    if not ca:
        yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


def authority(common="Test Root"):
    return _made(None, common, ca=True)


def weak_rsa():
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - the fault that is looked for


def _peeked(raw):
    """Version and ciphers of the first message, which stays where it is. A new version stands in an extension."""
    hello = raw.recv(65536, socket.MSG_PEEK)
    at = 44 + hello[43]
    length = int.from_bytes(hello[at : at + 2], "big")
    suites = [int.from_bytes(hello[one : one + 2], "big") for one in range(at + 2, at + 2 + length, 2)]
    modern = any(0x1301 <= one <= 0x1303 for one in suites)
    return 0x0304 if modern else int.from_bytes(hello[9:11], "big"), suites


def server_hello(version, suite):
    """The first message of a server that has chosen, and goes no further."""
    body = version.to_bytes(2, "big") + bytes(32) + b"\0" + suite.to_bytes(2, "big") + b"\0"
    message = b"\2" + len(body).to_bytes(3, "big") + body
    return b"\x16" + version.to_bytes(2, "big") + len(message).to_bytes(2, "big") + message


REFUSAL = bytes([21, 3, 1, 0, 2, 2, 40])
#: It does not know the name that was asked for, and goes on all the same.
WARNING = bytes([21, 3, 1, 0, 2, 1, 112])


@contextmanager
def tls_server(
    leaf,
    *,
    chain=None,
    versions=(SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION),
    ciphers=None,
    staple=b"",
    sni=None,
    before=lambda version, suites: None,  # noqa: ARG005 - named for those who write another
):
    """Shake hands with whoever comes; yields `host:port`. `sni` maps names to other certificates.

    `before` sees each first message; what it returns is sent as the answer, b"" for ever nothing.
    """

    def made(issued, sent):
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_cipher_list(ciphers or b"DEFAULT:@SECLEVEL=0")
        context.set_min_proto_version(versions[0])
        context.set_max_proto_version(versions[-1])
        context.use_privatekey(issued.key)
        context.use_certificate(issued.cert)
        for one in sent:
            context.add_extra_chain_cert(one)
        if staple:
            context.set_ocsp_server_callback(lambda *_: staple)
        return context

    main = made(leaf, leaf.chain if chain is None else chain)
    others = {name: made(issued, issued.chain) for name, issued in (sni or {}).items()}

    def pick(connection):
        name = (connection.get_servername() or b"").decode()
        if name in others:
            connection.set_context(others[name])

    main.set_tlsext_servername_callback(pick)
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve_one(raw):
        raw.settimeout(10)
        with raw, contextlib.suppress(SSL.Error, OSError):
            answer = before(*_peeked(raw))
            if answer is not None:
                raw.sendall(answer)
                over.wait(0 if answer else 60)
                return
            connection = SSL.Connection(main, raw)
            connection.set_accept_state()
            raw.setblocking(True)
            connection.do_handshake()
            with contextlib.suppress(SSL.Error):
                connection.shutdown()

    def serve():
        while not over.is_set():
            if select.select([listener], [], [], 0.02)[0]:
                threading.Thread(target=serve_one, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        thread.join()
        listener.close()
