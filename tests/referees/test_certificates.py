"""Certificates and handshakes, beside openssl, GnuTLS, curl and check_http."""

import pytest

from tests.checks.helpers import needed, run_check
from tests.checks.tls_servers import authority
from tests.referees.certificates import EXPECTED, PRIORITIES, below, certificates, certified
from tests.referees.comparing import Comparison
from tests.referees.serving import names_of
from tests.referees.tools import blackbox, curl, nagios, openssl, others

pytestmark = pytest.mark.real

CERTIFICATES = names_of(certificates(below(authority()), "", []))
comparison = Comparison("Certificates and handshakes", CERTIFICATES)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    needed("check_http", nagios.FOLDER)
    with certified(tmp_path_factory.mktemp("certificates"), comparison.seed) as one:
        yield one


@pytest.fixture(scope="module")
def probe(here, tmp_path_factory):
    modules = {one.name: blackbox.tls(one.ca_file, one.name) for one in here.values()}
    with blackbox.exporter(tmp_path_factory.mktemp("blackbox"), modules) as probe:
        yield probe


def by_date(values):
    """Our verdict, if trust and the last day were all that is looked at."""
    if not values["verified"] or values["days_left"] < 7:
        return "fail"
    return "pass" if values["days_left"] >= 21 else "warn"


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_certificates_and_handshakes(here, probe, case):
    one = here[case]
    finding = await run_check("tls", hosts=[f"{one.name}:{one.port}"], **one.reach)
    ours = {**finding.values, "weak": finding.values["weak_ciphers"] > 0, "verdict": by_date(finding.values)}

    assert finding.verdict == EXPECTED.get(case, "fail"), finding.summary
    comparison.hold(case, "openssl", openssl.openssl(one), ours, near=0.01)
    comparison.hold(case, "gnutls-cli", others.gnutls_cli(one), ours)
    comparison.hold(case, "curl", curl.trusts(one), ours)
    comparison.hold(case, "check_http -C", nagios.certificate(one), ours)
    comparison.hold(case, "blackbox", blackbox.certificate(probe, one), ours, near=0.01)
    if case not in PRIORITIES:
        comparison.hold(case, "openssl", openssl.weak_ciphers(one), ours)


def test_the_list_of_disagreements_is_neither_too_short_nor_too_long():
    comparison.settle()
