"""Names, asked of BIND, Unbound and dnsmasq, beside dig, check_dig and the blackbox exporter."""

import pytest

from tests.checks.helpers import needed, run_check
from tests.referees.comparing import Comparison
from tests.referees.names import HOME, NAMES, named
from tests.referees.tools import blackbox, nagios, others

pytestmark = pytest.mark.real

comparison = Comparison("Names", NAMES)
_NOTHING = {"REFUSED": "answers REFUSED", "SERVFAIL": "answers SERVFAIL", "NXDOMAIN": "does not exist"}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    needed("check_dig", nagios.FOLDER)
    with named(tmp_path_factory.mktemp("names"), comparison.seed) as one:
        yield one


@pytest.fixture(scope="module")
def probe(here, tmp_path_factory):
    modules = {one.name: blackbox.dns(one.name, HOME) for one in here.values()}
    with blackbox.exporter(tmp_path_factory.mktemp("blackbox"), modules) as probe:
        yield probe


@pytest.mark.parametrize("case", NAMES)
async def test_names(here, probe, case):
    one = here[case]
    finding = await run_check("dns", names=[one.name], expect=HOME, resolvers=one.servers, timeout_s=3)

    told = {server: others.dig(one.name, server) for server in one.servers}
    heard = [each["answers"] for each in told.values() if each["status"] != "silent"]
    right = all(answers == set(HOME) for answers in heard)
    theirs = {
        "answers": {server: each["answers"] for server, each in told.items()},
        "verdict": "unknown" if len(heard) < len(told) else "pass" if right else "fail",
    }
    comparison.hold(case, "dig", theirs, {"answers": answers_of(finding, one), "verdict": finding.verdict})
    ours = {"right": finding.verdict == "pass"}
    comparison.hold(case, "check_dig", nagios.names(one, HOME), ours)
    probed = [probe(one.name, server)["probe_success"] == 1 for server in one.servers]
    comparison.hold(case, "blackbox", {"right": all(probed)}, ours)
    for each in told.values():
        assert len(told) > 1 or _NOTHING.get(each["status"], "") in finding.summary


def answers_of(finding, one):
    """As they stand in the evidence, by server."""
    rows = {row.subject.rpartition(" at ")[2]: row.values.get("answers", "") for row in finding.rows}
    return {server: frozenset(filter(None, str(rows.get(server, "")).split(", "))) for server in one.servers}


def test_the_list_of_disagreements_is_neither_too_short_nor_too_long():
    comparison.settle()
