"""Our verdicts, property by property, beside those of tools that nobody here wrote. What differs is listed, and nothing else."""

import random
import re
from pathlib import Path

import dns.rcode
import pytest

from tests.checks.helpers import needed, run_check
from tests.checks.test_dns import name_server
from tests.checks.tls_servers import authority
from tests.referees import referees
from tests.referees.world import certificates, endpoints, pages

pytestmark = pytest.mark.real

SEED = random.randrange(10**6)  # noqa: S311 - it only shuffles
COMPARISON = Path(__file__).parents[2] / "docs" / "comparison.md"
CERTIFICATES = list(certificates("any.acme.test", authority()))
PAGES = list(pages())
#: What each case came to, for the last test: (case, tool, property).
DIFFERENT, COMPARED = set(), set()


def listed():
    """The rows of the table in docs/comparison.md."""
    rows = re.findall(
        r"^\| ([^|]+) \| `([^`|]+)` \| `([^`|]+)` \|", COMPARISON.read_text(encoding="utf-8"), re.MULTILINE
    )
    return {(case.strip(), tool, name) for case, tool, name in rows}


@pytest.fixture(scope="module", autouse=True)
def tools():
    for program in ("openssl", "curl", "dig", "nginx"):
        needed(program)
    needed("check_http", "/usr/lib/nagios/plugins")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with endpoints(tmp_path_factory.mktemp("nginx"), SEED) as one:
        yield one


def compare(case, tool, theirs, ours, *, near=0.0):
    """Note what differs; `near`: how far numbers may be apart."""
    for name, their in theirs.items():
        our = ours.get(name)
        COMPARED.add((case, tool, name))
        same = (
            abs(our - their) <= near
            if near and isinstance(our, int | float) and isinstance(their, int | float)
            else our == their
        )
        if not same:
            DIFFERENT.add((case, tool, name))
            assert (case, tool, name) in listed(), (
                f"{case}: {name} is {our!r} to us and {their!r} to {tool} (seed {SEED})"
            )


def pinned(one):
    return {"addresses": [one.at], "ca_file": one.ca_file, "allow_private": True}


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_certificates_and_handshakes(served, case):
    one = served[case]
    rules = {"pass_": ["verified == true", "days_left >= 21"], "warn": ["verified == true", "days_left >= 7"]}
    finding = await run_check("tls", hosts=[f"{one.name}:{one.port}"], rules=rules, **pinned(one))

    assert finding.values, finding.summary
    compare(case, "openssl", referees.openssl(one), finding.values, near=0.01)
    compare(case, "curl", referees.curl_trusts(one), finding.values)
    compare(case, "check_http -C", referees.check_http_certificate(one), {"verdict": finding.verdict})


@pytest.mark.parametrize("case", [one for one in PAGES if "hangs" not in one])
async def test_headers(served, case):
    one = served[case]
    finding = await run_check("headers", urls=[f"{one.url}/"], **pinned(one))

    compare(case, "curl", referees.curl_headers(one), finding.values)


@pytest.mark.parametrize("case", PAGES)
async def test_answers(served, case):
    one = served[case]
    finding = await run_check("http", urls=[f"{one.url}/"], absent="degraded", **pinned(one))

    compare(case, "curl", referees.curl_status(one), finding.values)
    compare(case, "check_http", referees.check_http(one), {"right": finding.values["failed"] == 0})


HOME = ["192.0.2.10", "192.0.2.11"]
NAMES = {
    "the right addresses": {"A": HOME},
    "the old address": {"A": ["192.0.2.9"]},
    "one address of two": {"A": HOME[:1]},
    "an address too many": {"A": [*HOME, "203.0.113.66"]},
    "no address, but mail": {"MX": ["10 mail.acme.test."]},
    "no such name": {},
    "refuses": {"A": HOME, "code": dns.rcode.REFUSED},
    "server fails": {"A": HOME, "code": dns.rcode.SERVFAIL},
    "says nothing": {"A": HOME, "deaf": True},
}
_NOTHING = {"REFUSED": "answers REFUSED", "SERVFAIL": "answers SERVFAIL", "NXDOMAIN": "does not exist"}


@pytest.mark.parametrize("case", NAMES)
async def test_names(case):
    given = dict(NAMES[case])
    code, deaf = given.pop("code", None), given.pop("deaf", False)
    name = f"{random.Random(f'{SEED}{case}').randrange(10**9):x}.acme.test"  # noqa: S311
    with name_server({(name, kind): texts for kind, texts in given.items()}, code=code, deaf=deaf) as server:
        theirs = referees.dig(name, server)
        finding = await run_check("dns", names=[name], expect=HOME, resolvers=[server], timeout_s=2)

    answers = (
        frozenset(filter(None, str(finding.rows[0].values.get("answers", "")).split(", ")))
        if finding.rows
        else frozenset()
    )
    compare(case, "dig", {"answers": theirs["answers"]}, {"answers": answers})
    verdict = "pass" if theirs["answers"] == set(HOME) else "unknown" if theirs["status"] == "silent" else "fail"
    compare(case, "dig", {"verdict": verdict}, {"verdict": finding.verdict})
    if theirs["status"] in _NOTHING:
        assert _NOTHING[theirs["status"]] in finding.summary


def test_the_list_of_disagreements_is_neither_too_short_nor_too_long(request):
    """Runs last; a disagreement that is gone has to leave the list."""
    if request.session.testsfailed or len(COMPARED) < 100:
        pytest.skip("only after all cases were compared")
    assert listed() == DIFFERENT


def test_there_are_enough_cases():
    assert len(CERTIFICATES) + len(PAGES) + len(NAMES) >= 40
