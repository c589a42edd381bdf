"""Headers and answers of pages, beside MDN's Observatory, curl and check_http."""

import pytest

from tests.checks.helpers import needed, run_check
from tests.referees.comparing import Comparison
from tests.referees.pages import FINE, pages
from tests.referees.serving import names_of, served
from tests.referees.tools import curl, nagios, observatory

pytestmark = pytest.mark.real

PAGES = names_of(pages)
headers = Comparison("Headers", [one for one in PAGES if one != "hangs up"])
statuses = Comparison("Answers", PAGES)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    needed("check_http", nagios.FOLDER)
    with served(tmp_path_factory.mktemp("pages"), headers.seed, pages) as one:
        yield one


@pytest.fixture(scope="module")
def scans(here):
    return observatory.scanned({case: one for case, one in here.items() if case in headers.cases})


@pytest.mark.parametrize("case", sorted(headers.cases))
async def test_headers(here, scans, case):
    one = here[case]
    finding = await run_check("headers", urls=[f"{one.url}/"], **one.reach)

    assert (finding.verdict == "pass") == (case in FINE), finding.summary
    headers.hold(case, "Observatory", observatory.headers(scans[case]), observatory.ours(finding))
    headers.hold(case, "curl", curl.hsts(one), finding.values)


@pytest.mark.parametrize("case", PAGES)
async def test_answers(here, case):
    one = here[case]
    finding = await run_check("http", urls=[f"{one.url}/"], absent="degraded", **one.reach)

    statuses.hold(case, "curl", curl.status(one), finding.values)
    statuses.hold(case, "check_http", nagios.page(one), {"right": finding.values["failed"] == 0})


@pytest.mark.parametrize("one", [headers, statuses], ids=lambda one: one.kind)
def test_the_list_of_disagreements_is_neither_too_short_nor_too_long(one):
    one.settle()
