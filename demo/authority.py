"""Who says that the names of acme.test are ours, and until when?"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LEAF_DAYS = 90
RENEWED_BELOW_DAYS = 30
CRL_DAYS = 30
# A clock that is a little slow must not refuse a certificate made a moment ago.
BACKDATED = timedelta(hours=1)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
        out.write(content)
    fresh.replace(path)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def usage(*, leaf: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=not leaf,
        crl_sign=not leaf,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


class Authority:
    """The local certificate authority: a key that never leaves its folder, and what it has signed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root_file = folder / "acme-root.pem"
        self.crl_file = folder / "acme-root.crl"
        self.chain_file = folder / "gateway.pem"
        self.leaf_key_file = folder / "gateway.key"
        root_key_file = folder / "acme-root.key"
        if not root_key_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            write(self.root_file, self._root(key).public_bytes(serialization.Encoding.PEM))
            write(root_key_file, pem(key), 0o600)
        key = serialization.load_pem_private_key(root_key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{root_key_file} is not a key on an elliptic curve; delete {folder} and start again.")
        self._key = key
        self._root_cert = x509.load_pem_x509_certificate(self.root_file.read_bytes())

    @staticmethod
    def _root(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        now = datetime.now(UTC)
        subject = name("Acme Root")
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(leaf=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )

    def issue(self, names: tuple[str, ...], crl_url: str) -> None:
        """Make the gateway's certificate and its key."""
        now = datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
        leaf = (
            x509.CertificateBuilder()
            .subject_name(name(names[0]))
            .issuer_name(self._root_cert.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATED)
            .not_valid_after(now - BACKDATED + timedelta(days=LEAF_DAYS))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(leaf=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.CRLDistributionPoints([point]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        write(self.leaf_key_file, pem(key), 0o600)
        write(self.chain_file, leaf.public_bytes(serialization.Encoding.PEM))

    def renew(self, names: tuple[str, ...], crl_url: str) -> bool:
        """Issue when there is none, when it ends soon, or when it says something that is no longer so."""
        if self.chain_file.exists() and self.leaf_key_file.exists():
            leaf = x509.load_pem_x509_certificate(self.chain_file.read_bytes())
            left = leaf.not_valid_after_utc - datetime.now(UTC)
            alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            same_names = set(alternative.get_values_for_type(x509.DNSName)) == set(names)
            points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
            told = [full.value for point in points for full in point.full_name or []]
            if left >= timedelta(days=RENEWED_BELOW_DAYS) and same_names and told == [crl_url]:
                return False
        self.issue(names, crl_url)
        return True

    def publish(self) -> None:
        """Sign the list of revoked certificates anew (nothing is on it) and put it where it is served from."""
        now = datetime.now(UTC)
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._root_cert.subject)
            .last_update(now - BACKDATED)
            .next_update(now + timedelta(days=CRL_DAYS))
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        write(self.crl_file, crl.public_bytes(serialization.Encoding.DER))
