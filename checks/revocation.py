"""Has this certificate been taken back?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from bot.errors import Cannot, Unreachable
from bot.net import Net


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known; `revoked` None: there is a source, and it could not be used."""

    revoked: bool | None
    #: Where it was looked up: `staple`, `CRL`, `OCSP`; empty: nothing is published.
    source: str
    note: str = ""


async def look_up(chain: tuple[x509.Certificate, ...], staple: bytes, ca_file: str, net: Net) -> Known:
    """The staple if it is sound, then each published list, then the responder."""
    leaf = chain[0]
    issuer = _issuer(leaf, chain[1:], ca_file)
    lists, responders = _crl_urls(leaf), _ocsp_urls(leaf)
    if not lists and not responders and not staple:
        return Known(revoked=False, source="")
    if issuer is None:
        return Known(
            revoked=None, source="CRL" if lists else "OCSP", note="its issuer is not known, so nothing can be trusted"
        )
    notes: list[str] = []
    if staple and (known := _from_ocsp(staple, leaf, issuer, "staple")):
        if known.revoked is not None:
            return known
        notes.append(known.note)
    for url in lists:
        known = await _from_crl(url, leaf, issuer, net)
        if known.revoked is not None:
            return known
        notes.append(known.note)
    for url in responders:
        known = await _from_responder(url, leaf, issuer, net)
        if known.revoked is not None:
            return known
        notes.append(known.note)
    return Known(revoked=None, source="CRL" if lists else "OCSP", note="; ".join(filter(None, notes)))


def _issuer(leaf: x509.Certificate, sent: Iterable[x509.Certificate], ca_file: str) -> x509.Certificate | None:
    roots = x509.load_pem_x509_certificates(Path(ca_file or certifi.where()).read_bytes())
    for candidate in (*sent, *roots):
        if candidate.subject == leaf.issuer:
            try:
                leaf.verify_directly_issued_by(candidate)
            except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
                continue
            return candidate
    return None


async def _from_crl(url: str, leaf: x509.Certificate, issuer: x509.Certificate, net: Net) -> Known:
    def unusable(why: str) -> Known:
        return Known(revoked=None, source="CRL", note=f"the CRL at {url} {why}")

    try:
        answer = await net.ask(url, follow=2)
    except (Unreachable, Cannot) as error:
        return unusable(f"could not be fetched: {error}")
    if answer.status != 200 or answer.cut:  # noqa: PLR2004 - HTTP's own number
        return unusable(f"answered {answer.status}" if not answer.cut else "is too long")
    try:
        load = x509.load_pem_x509_crl if answer.body.startswith(b"-----") else x509.load_der_x509_crl
        crl = load(answer.body)
    except ValueError:
        return unusable("is none")
    public = issuer.public_key()
    try:
        sound = crl.is_signature_valid(public)  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        sound = False
    if not sound or crl.issuer != issuer.subject:
        return unusable("is not signed by the issuer")
    if crl.next_update_utc and crl.next_update_utc < datetime.now(UTC):
        return unusable(f"is out of date since {crl.next_update_utc:%Y-%m-%d}")
    revoked = crl.get_revoked_certificate_by_serial_number(leaf.serial_number)
    note = f"revoked on {revoked.revocation_date_utc:%Y-%m-%d}" if revoked else ""
    return Known(revoked=revoked is not None, source="CRL", note=note)


async def _from_responder(url: str, leaf: x509.Certificate, issuer: x509.Certificate, net: Net) -> Known:
    # SHA-1 only names the issuer here; every responder understands it.
    question = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, hashes.SHA1()).build()  # noqa: S303
    headers = {"Content-Type": "application/ocsp-request"}
    content = question.public_bytes(serialization.Encoding.DER)
    try:
        answer = await net.ask(url, method="POST", headers=headers, content=content)
    except (Unreachable, Cannot) as error:
        return Known(revoked=None, source="OCSP", note=f"the responder at {url} did not answer: {error}")
    return _from_ocsp(answer.body, leaf, issuer, "OCSP")


def _from_ocsp(der: bytes, leaf: x509.Certificate, issuer: x509.Certificate, source: str) -> Known:
    """What an OCSP answer says, if it is about this certificate, signed for its issuer, and fresh."""

    def unusable(why: str) -> Known:
        return Known(revoked=None, source=source, note=f"the {source} {why}")

    try:
        answer = ocsp.load_der_ocsp_response(der)
    except ValueError:
        return unusable("is no OCSP answer")
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return unusable(f"says {answer.response_status.name.lower().replace('_', ' ')}")
    if answer.serial_number != leaf.serial_number:
        return unusable("is about another certificate")
    if not any(_signed_by(answer, one, issuer) for one in (issuer, *answer.certificates)):
        return unusable("is not signed for the issuer")
    if answer.next_update_utc and answer.next_update_utc < datetime.now(UTC):
        return unusable("is out of date")
    if answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return unusable("does not know the certificate")
    return Known(revoked=answer.certificate_status is ocsp.OCSPCertStatus.REVOKED, source=source)


def _signed_by(answer: ocsp.OCSPResponse, signer: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Signed by the issuer itself, or by one whom the issuer has named a responder."""
    try:
        if signer != issuer:
            signer.verify_directly_issued_by(issuer)
            usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            if x509.OID_OCSP_SIGNING not in usage:
                return False
        key, algorithm = signer.public_key(), answer.signature_hash_algorithm
        if algorithm is None:
            return False
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return True


def _crl_urls(leaf: x509.Certificate) -> list[str]:
    try:
        points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [name.value for point in points for name in point.full_name or () if _http(name)]


def _ocsp_urls(leaf: x509.Certificate) -> list[str]:
    try:
        access = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    places = [one.access_location for one in access if one.access_method == AuthorityInformationAccessOID.OCSP]
    return [place.value for place in places if _http(place)]


def _http(name: x509.GeneralName) -> bool:
    return isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(("http://", "https://"))
