"""Has a certificate of this chain been taken back?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    """Every certificate from the leaf up to the root that is trusted: an intermediate that was taken back ends all its leaves."""
    known = [await _one(chain[0], chain, staple, ca_file, net)]
    above = _issuer(chain[0], chain, ca_file)
    # A chain that goes in a circle is no longer than what was sent.
    for _ in chain:
        if above is None or above.issuer == above.subject:
            break
        known.append(await _one(above, chain, b"", ca_file, net))
        above = _issuer(above, chain, ca_file)
    return _together(known)


def _together(known: Sequence[Known]) -> Known:
    """One that was taken back decides; else one of which nothing could be learnt; else whether each is published."""
    for worst in (True, None):
        if found := [one for one in known if one.revoked is worst]:
            return replace(found[0], note="; ".join(one.note for one in found if one.note))
    return Known(revoked=False, source=known[0].source if all(one.source for one in known) else "")


async def _one(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], staple: bytes, ca_file: str, net: Net
) -> Known:
    """The staple if it is sound, then each published list, then the responder."""
    lists, responders = _crl_urls(certificate), _ocsp_urls(certificate)
    if not lists and not responders and not staple:
        return Known(revoked=False, source="")
    issuer = _issuer(certificate, chain, ca_file)
    source = "CRL" if lists else "OCSP"
    if issuer is None:
        return Known(revoked=None, source=source, note="its issuer is not known, so nothing can be trusted")
    notes: list[str] = []

    def settled(known: Known) -> bool:
        notes.append(known.note)
        return known.revoked is not None

    if staple and settled(known := _from_ocsp(staple, certificate, issuer, "staple")):
        return _named(known, certificate, chain)
    for url in lists:
        if settled(known := await _from_crl(url, certificate, issuer, net)):
            return _named(known, certificate, chain)
    for url in responders:
        if settled(known := await _from_responder(url, certificate, issuer, net)):
            return _named(known, certificate, chain)
    return Known(revoked=None, source=source, note="; ".join(filter(None, notes)))


def _named(known: Known, certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> Known:
    """The leaf needs no name; who looks at it would not think of those above it."""
    if not known.revoked or certificate == chain[0]:
        return known
    return replace(known, note=f"the intermediate {certificate.subject.rfc4514_string()} was {known.note or 'revoked'}")


def _issuer(one: x509.Certificate, sent: Iterable[x509.Certificate], ca_file: str) -> x509.Certificate | None:
    """The issuer whose signature is on it; one that is trusted here before one that was sent."""
    for candidate in (*_roots(ca_file), *sent):
        if candidate.subject == one.issuer:
            try:
                one.verify_directly_issued_by(candidate)
            except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
                continue
            return candidate
    return None


def _roots(ca_file: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(Path(ca_file or certifi.where()).read_bytes())


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Lists:
    """Lists that were sound when they were fetched, until they say that a newer one is due."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[str, bytes], x509.CertificateRevocationList] = {}

    def get(self, url: str, issuer: x509.Certificate, now: datetime) -> x509.CertificateRevocationList | None:
        kept = self._kept.get((url, issuer.fingerprint(hashes.SHA256())))
        # A list with nobody on it is false, and a good one.
        if kept is None or kept.next_update_utc is None or kept.next_update_utc <= now:
            return None
        return kept

    def keep(self, url: str, issuer: x509.Certificate, one: x509.CertificateRevocationList) -> None:
        others = list(self._kept.items())[-self._most + 1 :]
        self._kept = {**dict(others), (url, issuer.fingerprint(hashes.SHA256())): one}

    def forget(self) -> None:
        self._kept = {}


#: A list of a large authority has megabytes, and is asked for again at every measurement.
LISTS = Lists(8)


async def _from_crl(url: str, certificate: x509.Certificate, issuer: x509.Certificate, net: Net) -> Known:
    crl = LISTS.get(url, issuer, datetime.now(UTC))
    if crl is None:
        fetched = await _fetched(url, issuer, net)
        if isinstance(fetched, str):
            return Known(revoked=None, source="CRL", note=f"the CRL at {url} {fetched}")
        LISTS.keep(url, issuer, crl := fetched)
    revoked = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    note = f"revoked on {revoked.revocation_date_utc:%Y-%m-%d}" if revoked else ""
    return Known(revoked=revoked is not None, source="CRL", note=note)


async def _fetched(url: str, issuer: x509.Certificate, net: Net) -> x509.CertificateRevocationList | str:
    """The list, or what is wrong with it."""
    try:
        answer = await net.ask(url, follow=2)
    except (Unreachable, Cannot) as error:
        return f"could not be fetched: {error}"
    if answer.status != 200 or answer.cut:  # noqa: PLR2004 - HTTP's own number
        return f"answered {answer.status}" if not answer.cut else "is too long"
    try:
        load = x509.load_pem_x509_crl if answer.body.startswith(b"-----") else x509.load_der_x509_crl
        crl = load(answer.body)
    except ValueError:
        return "is none"
    try:
        sound = crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        sound = False
    if not sound or crl.issuer != issuer.subject:
        return "is not signed by the issuer"
    if crl.next_update_utc and crl.next_update_utc < datetime.now(UTC):
        return f"is out of date since {crl.next_update_utc:%Y-%m-%d}"
    return crl


# ── Responders ───────────────────────────────────────────────────────────────────────────────────────────────────────


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
