"""The check `tls`, against real handshakes on loopback, each with one thing wrong."""

import asyncio
import subprocess
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from OpenSSL import SSL

from bot.model import Verdict
from checks import hello, revocation
from tests.checks.helpers import closed_port, needed, run_check, site
from tests.checks.tls_servers import NAME, REFUSAL, WARNING, authority, server_hello, tls_server, weak_rsa

OLD = (SSL.TLS1_VERSION, SSL.TLS1_3_VERSION)


@pytest.fixture(scope="module")
def root():
    return authority()


@pytest.fixture
def ca_file(root, tmp_path):
    path = tmp_path / "root.pem"
    path.write_bytes(root.pem())
    return str(path)


@pytest.fixture(autouse=True)
def no_lists_are_kept():
    """A port may come again, and with it the address of a list."""
    revocation.LISTS.forget()


@contextmanager
def published(answer):
    """A web server for a CRL or an OCSP responder whose answer may be decided later."""
    with site(lambda _: (200, [], answer())) as one:
        yield f"http://{one.at}/revoked"


async def measure(ca_file, *addresses, **params):
    given = {"hosts": [NAME], "addresses": list(addresses), "ca_file": ca_file, "allow_private": True, **params}
    return await run_check("tls", **given)


async def served(ca_file, leaf, **how):
    with tls_server(leaf, **how) as at:
        return await measure(ca_file, at)


def decided(finding):
    """The rules that did not hold."""
    return {one.rule.split()[0] for one in finding.conditions if not one.held}


async def test_a_good_certificate_with_a_published_list_passes(root, ca_file):
    with published(root.crl) as crl, tls_server(root.issue(crl=crl)) as one:
        finding = await measure(ca_file, one)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["verified"] is True
    assert finding.values["revocation_checked"] is True
    assert finding.values["min_protocol"] == 1.2
    assert finding.values["max_protocol"] == 1.3
    assert finding.summary == "89 days left, TLS 1.2 to 1.3, 1 certificate at 1 address"


@pytest.mark.parametrize(("days", "verdict"), [(25, Verdict.PASS), (12, Verdict.WARN), (5, Verdict.FAIL)])
async def test_days_left_decide_between_pass_warn_and_fail(root, ca_file, days, verdict):
    with published(root.crl) as crl, tls_server(root.issue(crl=crl, days=(-60, days))) as one:
        finding = await measure(ca_file, one)
    assert finding.verdict is verdict
    if verdict is Verdict.FAIL:
        assert finding.summary.startswith("reserve 2"), finding.summary
        assert "5 days left, due for renewal, TLS 1.2 to 1.3" in finding.summary


@pytest.mark.parametrize(
    ("lived", "left", "verdict"),
    # Six days altogether: two of them are a third. Forty-five days: fifteen.
    [(3.5, 2.5, Verdict.PASS), (4.5, 1.5, Verdict.WARN), (5.5, 0.5, Verdict.FAIL), (29, 16, Verdict.PASS)],
)
async def test_a_certificate_that_lives_for_days_may_have_few_days_left(root, ca_file, lived, left, verdict):
    with published(root.crl) as crl, tls_server(root.issue(crl=crl, days=(-lived, left))) as one:
        finding = await measure(ca_file, one)
    assert finding.verdict is verdict, finding.summary


async def test_no_published_list_is_a_warning(root, ca_file):
    finding = await served(ca_file, root.issue())
    assert finding.verdict is Verdict.WARN
    assert decided(finding) == {"revocation_checked"}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"names": ("other.acme.test",)}, "Hostname mismatch"),
        ({"names": ()}, "Hostname mismatch"),
        ({"days": (-90, -1)}, "certificate has expired"),
        ({"days": (1, 90)}, "certificate is not yet valid"),
    ],
)
async def test_a_certificate_that_browsers_refuse_fails(root, ca_file, how, why):
    finding = await served(ca_file, root.issue(**how))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["verified"] is False
    assert why in finding.rows[0].note


async def test_a_stranger_s_certificate_fails(ca_file):
    finding = await served(ca_file, authority("Somebody Else").issue())
    assert finding.verdict is Verdict.FAIL
    assert finding.values["verified"] is False
    assert f"{NAME} at 127.0.0.1:" in finding.summary
    assert "unable to get local issuer certificate" in finding.summary


async def test_an_intermediate_that_is_not_sent_fails(root, ca_file):
    leaf = root.issue("Intermediate", names=(), ca=True).issue()
    whole = await served(ca_file, leaf)
    assert whole.values["verified"] is True
    assert whole.values["root_sent"] is False
    part = await served(ca_file, leaf, chain=[])
    assert part.verdict is Verdict.FAIL


async def test_a_chain_in_the_wrong_order_or_with_its_root_is_a_warning(root, ca_file):
    leaf = root.issue("Intermediate", names=(), ca=True).issue()
    mixed = await served(ca_file, leaf, chain=[root.cert, *leaf.chain])
    assert mixed.verdict is Verdict.WARN
    assert {"chain_ordered", "root_sent"} <= decided(mixed)


async def test_tls_1_0_is_seen_although_python_would_not_speak_it(root, ca_file):
    finding = await served(ca_file, root.issue(), versions=OLD)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["min_protocol"] == 1.0
    assert "TLS 1.0 to 1.3" in finding.summary


async def test_a_cipher_without_encryption_fails(root, ca_file):
    finding = await served(ca_file, root.issue(), versions=OLD, ciphers=b"HIGH:!aNULL:eNULL:@SECLEVEL=0")
    assert finding.verdict is Verdict.FAIL
    assert finding.values["weak_ciphers"] >= 1
    assert "NULL" in finding.rows[0].note


RC4, TRIPLE_DES, EXPORT = 0x0005, 0x000A, 0x0008


def weakly(*weak, first=b""):
    """Like a server that also has these: it takes one where it is offered nothing better."""

    def before(version, suites):
        if version > 0x0303 or set(suites) & set(hello.STRONG):
            return None
        return next((first + server_hello(version, one) for one in weak if one in suites), REFUSAL)

    return before


@pytest.mark.parametrize("first", [b"", WARNING])
async def test_ciphers_that_our_own_library_was_built_without_are_found(root, ca_file, first):
    with published(root.crl) as crl:
        finding = await served(ca_file, root.issue(crl=crl), before=weakly(RC4, TRIPLE_DES, EXPORT, first=first))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["weak_ciphers"] == 3
    assert decided(finding) == {"weak_ciphers"}
    assert "RSA_WITH_RC4_128_SHA, RSA_WITH_3DES_EDE_CBC_SHA, RSA_EXPORT_WITH_DES40_CBC_SHA" in finding.rows[0].note


@pytest.mark.parametrize("priority", ["NORMAL:+ARCFOUR-128", "NORMAL:+3DES-CBC"])
async def test_a_server_of_somebody_else_s_that_has_them_is_found_as_well(root, ca_file, tmp_path, priority):
    program = needed("gnutls-serv")
    leaf = root.issue(key=rsa.generate_private_key(65537, 2048))
    (tmp_path / "leaf.pem").write_bytes(leaf.pem())
    (tmp_path / "leaf.key").write_bytes(leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    address = closed_port()
    command = [program, "--quiet", "--echo", "--port", address.partition(":")[2], "--priority", priority]
    command += ["--x509certfile", "leaf.pem", "--x509keyfile", "leaf.key"]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            finding = await measure(ca_file, address)
            if "weak_ciphers" in finding.values:
                break
            await asyncio.sleep(0.1)
    finally:
        server.kill()
        server.wait()
    assert finding.values["verified"] is True
    assert finding.values["weak_ciphers"] >= 1
    assert ("RC4" if "ARCFOUR" in priority else "3DES") in finding.rows[0].note


async def test_ssl_3_is_older_than_tls_1_0(root, ca_file):
    def before(version, _):
        return server_hello(version, RC4) if version == 0x0300 else None

    finding = await served(ca_file, root.issue(), before=before)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["min_protocol"] == 0.3
    assert "SSL 3.0 to TLS 1.3" in finding.summary


async def test_a_firewall_that_drops_old_versions_without_a_word_refuses_them(root, ca_file):
    def before(version, _):
        return b"" if version < 0x0303 else None

    with published(root.crl) as crl:
        leaf = root.issue(crl=crl)
        with tls_server(leaf, before=before) as at:
            finding = await measure(ca_file, at)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["min_protocol"] == 1.2


async def test_where_no_message_of_our_own_is_answered_silence_says_nothing(root, ca_file):
    def before(version, suites):
        return b"" if RC4 in suites or version < 0x0303 else None

    with published(root.crl) as crl, tls_server(root.issue(crl=crl), before=before) as at:
        finding = await measure(ca_file, at)
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.values["verified"] is True
    assert not {"weak_ciphers", "min_protocol"} & set(finding.values)
    assert "nothing is known of weak ciphers" in finding.summary


async def test_a_short_key_fails_as_such_and_is_still_trusted(root, ca_file):
    finding = await served(ca_file, root.issue(key=weak_rsa()))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["weak_keys"] == 1
    assert finding.values["verified"] is True


async def test_a_sha_1_signature_fails(root, ca_file, tmp_path):
    leaf = root.issue()
    request = x509.CertificateSigningRequestBuilder().subject_name(leaf.cert.subject).sign(leaf.key, hashes.SHA256())
    (tmp_path / "leaf.csr").write_bytes(request.public_bytes(Encoding.PEM))
    (tmp_path / "root.key").write_bytes(root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "names").write_text(f"subjectAltName=DNS:{NAME}")
    # The library that makes the other certificates refuses to sign with SHA-1, as it should.
    command = ["openssl", "x509", "-req", "-sha1", "-days", "30", "-in", "leaf.csr", "-extfile", "names"]
    command += ["-CA", ca_file, "-CAkey", "root.key", "-CAcreateserial", "-out", "leaf.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    leaf.cert = x509.load_pem_x509_certificate((tmp_path / "leaf.pem").read_bytes())
    finding = await served(ca_file, leaf)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["weak_hashes"] == 1
    assert finding.values["verified"] is True


async def test_a_certificate_for_825_days_is_a_warning(root, ca_file):
    finding = await served(ca_file, root.issue(days=(-1, 824)))
    assert finding.verdict is Verdict.WARN
    assert "lifetime_days" in decided(finding)


async def test_a_revoked_certificate_fails(root, ca_file):
    lists = [root.crl()]
    with published(lambda: lists[0]) as crl:
        leaf = root.issue(crl=crl)
        lists[0] = root.crl(leaf)
        finding = await served(ca_file, leaf)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["revoked"] is True
    assert "revoked on" in finding.rows[0].note


async def test_an_intermediate_that_was_taken_back_fails(root, ca_file):
    lists = {"/of-root": b"", "/of-intermediate": b""}
    with site(lambda request: (200, [], lists[request.path])) as one:
        above = root.issue("Intermediate", names=(), ca=True, crl=f"http://{one.at}/of-root")
        leaf = above.issue(crl=f"http://{one.at}/of-intermediate")
        lists |= {"/of-root": root.crl(), "/of-intermediate": above.crl()}
        sound = await served(ca_file, leaf)
        lists["/of-root"] = root.crl(above)
        revocation.LISTS.forget()
        finding = await served(ca_file, leaf)
    assert sound.verdict is Verdict.PASS, sound.summary
    assert finding.verdict is Verdict.FAIL
    assert finding.values["revoked"] is True
    assert "the intermediate CN=Intermediate was revoked on" in finding.rows[0].note


async def test_an_intermediate_of_which_nothing_is_published_is_a_warning(root, ca_file):
    with published(lambda: lists[0]) as crl:
        above = root.issue("Intermediate", names=(), ca=True)
        lists = [above.crl()]
        finding = await served(ca_file, above.issue(crl=crl))
    assert finding.verdict is Verdict.WARN
    assert decided(finding) == {"revocation_checked"}


async def test_a_list_is_fetched_once_until_a_newer_one_is_due(root, ca_file):
    with site(lambda _: (200, [], root.crl())) as lists:
        leaf = root.issue(crl=f"http://{lists.at}/crl")
        with tls_server(leaf) as one, tls_server(leaf) as other:
            for _ in range(2):
                finding = await measure(ca_file, one, other)
                assert finding.verdict is Verdict.PASS, finding.summary
        assert len(lists.asked) == 1


@pytest.mark.parametrize("fault", ["stale", "forged", "nonsense", "gone"])
async def test_a_list_that_cannot_be_trusted_is_unknown(root, ca_file, fault):
    lists = {
        "stale": root.crl(days=(-20, -10)),
        "forged": root.crl(signer=authority("Somebody Else")),
        "nonsense": b"no list",
        "gone": b"",
    }
    with published(lambda: lists[fault]) as crl:
        url = f"http://{closed_port()}/crl" if fault == "gone" else crl
        finding = await served(ca_file, root.issue(crl=url))
    assert finding.verdict is Verdict.UNKNOWN
    assert "revoked was not measured" in finding.summary or "revocation_checked was not measured" in finding.summary
    assert "revoked" not in finding.values


async def test_a_stapled_answer_is_believed_only_if_it_is_signed_for_the_issuer(root, ca_file):
    leaf = root.issue()
    good = await served(ca_file, leaf, staple=root.ocsp(leaf))
    assert good.verdict is Verdict.PASS
    assert good.rows[0].values["revocation"] == "staple"
    taken_back = await served(ca_file, leaf, staple=root.ocsp(leaf, ocsp.OCSPCertStatus.REVOKED))
    assert taken_back.verdict is Verdict.FAIL
    forged = await served(ca_file, leaf, staple=root.ocsp(leaf, signer=authority("Test Root")))
    assert "revoked" not in forged.values
    assert "not signed for the issuer" in forged.rows[0].note


async def test_a_responder_is_asked_where_there_is_no_list(root, ca_file):
    answers = [b""]
    with published(lambda: answers[0]) as url:
        leaf = root.issue(ocsp_url=url)
        answers[0] = root.ocsp(leaf, ocsp.OCSPCertStatus.REVOKED)
        finding = await served(ca_file, leaf)
    assert finding.values["revoked"] is True
    assert finding.rows[0].values["revocation"] == "OCSP"


async def test_members_with_different_certificates_are_a_warning(root, ca_file):
    with published(root.crl) as crl, tls_server(root.issue(crl=crl)) as one, tls_server(root.issue(crl=crl)) as other:
        finding = await measure(ca_file, one, other)
    assert finding.verdict is Verdict.WARN
    assert "distinct certs 2, at most 1 is allowed" in finding.summary


async def test_one_member_that_is_down_fails_and_all_that_are_down_is_unknown(root, ca_file):
    with published(root.crl) as crl, tls_server(root.issue(crl=crl)) as one:
        part = await measure(ca_file, one, closed_port())
    assert part.verdict is Verdict.FAIL
    assert part.values["unanswered"] == 1
    none = await measure(ca_file, closed_port())
    assert none.verdict is Verdict.UNKNOWN
    assert "Connection refused" in none.summary


async def test_the_name_is_sent_so_that_the_right_certificate_is_shown(root, ca_file):
    other = root.issue("other.acme.test", names=("other.acme.test",))
    finding = await served(ca_file, other, sni={NAME: root.issue()})
    assert finding.values["verified"] is True


async def test_something_that_does_not_speak_tls_is_unknown_with_a_sentence(ca_file):
    with site(lambda _: (200, [], "")) as one:
        finding = await measure(ca_file, one.at)
    assert finding.verdict is Verdict.UNKNOWN
    assert "does not complete a TLS handshake" in finding.summary
