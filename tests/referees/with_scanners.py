"""Certificates and handshakes, beside sslyze and testssl.sh. Both take their time: `make referees` runs this, `make test` does not."""

import pytest

from tests.checks.helpers import needed, run_check
from tests.referees.certificates import certified
from tests.referees.comparing import Comparison
from tests.referees.test_certificates import CERTIFICATES
from tests.referees.tools import sslyze, testssl

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]

sslyze_s = Comparison("By sslyze", CERTIFICATES)
testssl_s = Comparison("By testssl.sh", testssl.CASES)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with certified(tmp_path_factory.mktemp("certificates"), sslyze_s.seed) as one:
        yield one


@pytest.fixture(scope="module")
def scans(here):
    return sslyze.scanned(here)


async def measured(one):
    """Our values; where a scanner says whether, and we say how many, so do we here."""
    values = dict((await run_check("tls", hosts=[f"{one.name}:{one.port}"], **one.reach)).values)
    counted = {name: values[name] > 0 for name in ("weak_keys", "weak_hashes")}
    return {**values, **counted, "weak": values["weak_ciphers"] > 0}


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_sslyze(here, scans, case):
    sslyze_s.hold(case, "sslyze", scans[case], await measured(here[case]))


@pytest.mark.parametrize("case", testssl.CASES)
async def test_testssl(here, tmp_path, case):
    needed("testssl")
    one = here[case]
    theirs = testssl.testssl(one, tmp_path, ciphers="accepts" in case or case == "good")
    testssl_s.hold(case, "testssl.sh", theirs, await measured(one), near=0.01)


@pytest.mark.parametrize("one", [sslyze_s, testssl_s], ids=lambda one: one.kind)
def test_the_list_of_disagreements_is_neither_too_short_nor_too_long(one):
    one.settle()
