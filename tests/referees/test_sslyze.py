"""Certificates and handshakes, beside sslyze."""

import pytest

from tests.referees.certificates import certified
from tests.referees.comparing import Comparison
from tests.referees.scanned import measured
from tests.referees.test_certificates import CERTIFICATES
from tests.referees.tools import sslyze

pytestmark = [pytest.mark.real, pytest.mark.slow]

sslyze_s = Comparison("By sslyze", CERTIFICATES)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with certified(tmp_path_factory.mktemp("certificates"), sslyze_s.seed) as one:
        yield one


@pytest.fixture(scope="module")
def scans(here):
    return sslyze.scanned(here)


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_sslyze(here, scans, case):
    sslyze_s.hold(case, "sslyze", scans[case], await measured(here[case]))


def test_the_list_of_disagreements_is_neither_too_short_nor_too_long():
    sslyze_s.settle()
