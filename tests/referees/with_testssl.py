"""Certificates and handshakes, beside testssl.sh. It takes its time: `make referees` runs this, `make test` does not."""

import pytest

from tests.checks.helpers import needed
from tests.referees.certificates import certified
from tests.referees.comparing import Comparison
from tests.referees.scanned import measured
from tests.referees.tools import testssl

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]

testssl_s = Comparison("By testssl.sh", testssl.CASES)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with certified(tmp_path_factory.mktemp("certificates"), testssl_s.seed) as one:
        yield one


@pytest.mark.parametrize("case", testssl.CASES)
async def test_testssl(here, tmp_path, case):
    needed("testssl")
    one = here[case]
    theirs = testssl.testssl(one, tmp_path, ciphers="accepts" in case or case == "good")
    testssl_s.hold(case, "testssl.sh", theirs, await measured(one), near=0.01)


def test_the_list_of_disagreements_is_neither_too_short_nor_too_long():
    testssl_s.settle()
