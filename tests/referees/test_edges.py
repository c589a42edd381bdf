"""CORS, limits, caches, members and health, beside Chromium, curl, ab, jq, a plugin, and the log of a server itself."""

import time
from contextlib import contextmanager

import pytest

from tests.checks.helpers import run_check
from tests.referees import edges
from tests.referees.comparing import Comparison
from tests.referees.edges import SHOP
from tests.referees.serving import names_of, served
from tests.referees.tools import blackbox, browser, curl, nagios, observatory, others

pytestmark = pytest.mark.real

CORS, LIMITS, CACHES = names_of(edges.cors), names_of(edges.limits), names_of(edges.caches)
MEMBERS, HEALTH = names_of(edges.members), names_of(edges.health)
cors, limits, caches = Comparison("CORS", CORS), Comparison("Limits", LIMITS), Comparison("Caches", CACHES)
members, health = Comparison("Members", MEMBERS), Comparison("Health", HEALTH)

#: Whoever is let in by one of the usual mistakes. The list is our own; the browser says who gets in.
STRANGERS = [
    "https://evil.example",
    "null",
    "https://shop.acme.test.evil.example",
    "https://evilshop.acme.test",
    "https://evil.shop.acme.test",
    "https://shopxacme.test",
    "http://shop.acme.test",
]


def planted(case, finding):
    """Two who agree may both have looked at something else than what was meant."""
    assert (finding.verdict == "pass") == (case in edges.FINE), f"{case}: {finding.verdict}, {finding.summary}"


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cors")
    with served(folder, cors.seed, edges.cors, http=edges.CORS_MAPS) as one:
        yield one


@pytest.fixture(scope="module")
def read(policies):
    return browser.reads(policies, [SHOP, *STRANGERS])


@pytest.fixture(scope="module")
def scans(policies):
    return observatory.scanned(policies)


@pytest.mark.parametrize("case", CORS)
async def test_who_may_read(policies, read, scans, case):
    one = policies[case]
    finding = await run_check("cors", urls=[f"{one.url}/"], allowed=[SHOP], methods=["PUT"], **one.reach)

    planted(case, finding)
    assert {row.subject.split(" from ")[1].split(" at ")[0] for row in finding.rows} == {SHOP, *STRANGERS}
    shop, strangers = read[case, SHOP], [read[case, origin] for origin in STRANGERS]
    theirs = {
        "refused": int(not shop["read"]),
        "refused_methods": int(not shop["put"]),
        "strangers": sum(each["read"] or each["put"] for each in strangers),
        "exposed": sum(each["cookies"] or each["put_with_cookies"] for each in strangers),
    }
    cors.hold(case, "Chromium", theirs, finding.values)
    cors.hold(
        case,
        "Observatory",
        observatory.cors(scans[case]),
        {"everybody with cookies": finding.values["exposed"] == len(STRANGERS)},
    )
    cors.hold(case, "curl", curl.varies(one, [SHOP, *STRANGERS]), finding.values)


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with served(tmp_path_factory.mktemp("limits"), limits.seed, edges.limits, http=edges.LIMIT_ZONES) as one:
        yield one


@pytest.mark.parametrize("case", LIMITS)
async def test_limits(limited, case):
    """Each asks from an address of its own, so that none uses up the other's allowance."""
    one = limited[case]
    quick = case in edges.QUICK
    given = {"budget": 30 if quick else 12, "together": 6 if quick else 1, "wait_s": 20 if quick else 0}
    permitted = {"allow_on": ["staging"], "release": {"environment": "staging"}}
    finding = await run_check("ratelimit", url=f"{one.url}/", **given, **permitted, **one.reach)

    planted(case, finding)
    sent, refused, broken = (finding.values[name] for name in ("sent", "limited", "broken"))
    ours = {"limited": refused > 0, "through": sent - refused - broken}
    theirs = curl.in_turn(one, given["budget"], source="127.0.0.2")
    if quick:
        # How many get through depends on how fast one asks; that somebody is stopped and let in again does not.
        theirs = {"limited": theirs["limited"], **curl.after(one, 60, source="127.0.0.2")}
    else:
        through = others.ab(one, sent, source="127.0.0.3")
        limits.hold(case, "ab", through, ours)
    limits.hold(case, "curl", theirs, {**finding.values, **ours})


@pytest.fixture(scope="module")
def cached(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caches")
    with served(folder, caches.seed, edges.caches, http=edges.CACHES) as one:
        yield folder, one


@pytest.mark.parametrize("case", CACHES)
async def test_what_the_edge_keeps(cached, case):
    folder, one = cached[0], cached[1][case]
    kind, path = edges.CACHED[case]
    rules = {"pass_": ["private_kept == 0", "leaked == 0"]} if kind == "private" else None
    finding = await run_check("cdn", rules=rules, **{kind: [one.url + path]}, **one.reach)

    planted(case, finding)
    seen = curl.twice(one, f"{path}?curl")
    kept = asked_of_the_origin(folder, one, f"{path}?curl") == 1
    fine = seen["code"] == 200
    theirs = {
        "hits" if kind == "assets" else "private_kept": int(kept and fine),
        "leaked": int(kept and fine and seen["cookie"]),
    }
    if kind == "assets":
        caches.hold(case, "curl", {"failed": int(not fine)}, finding.values)
        caches.hold(case, "curl", {"max_age": seen["max_age"]} if fine else {}, finding.values)
    caches.hold(case, "the origin's log", theirs, finding.values)


def asked_of_the_origin(folder, one, path):
    """How often; the log is complete when a question that came later stands in it."""
    curl.twice(one, "/gone?last")
    for _ in range(600):
        lines = (folder / "origin.log").read_text().splitlines()
        if f"{one.name} /gone?last" in lines:
            return lines.count(f"{one.name} {path}")
        time.sleep(0.05)
    raise AssertionError("the origin was never asked")


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    with served(tmp_path_factory.mktemp("members"), members.seed, edges.members, http=edges.BALANCED) as one:
        yield one


@pytest.fixture(scope="module")
def probe_members(balanced, tmp_path_factory):
    with asking(balanced, tmp_path_factory.mktemp("blackbox")) as probe:
        yield probe


@contextmanager
def asking(endpoints, folder):
    """The exporter, told what a right answer is."""
    ca_file = next(iter(endpoints.values())).ca_file
    with blackbox.exporter(folder, {"well": blackbox.http(ca_file, text=edges.OK)}) as probe:
        yield lambda one, at: probe("well", f"https://{at}/", one.name)["probe_success"] == 1


@pytest.mark.parametrize("case", MEMBERS)
async def test_every_member(balanced, probe_members, case):
    one = balanced[case]
    times = 6 if "one address" in case else 1
    finding = await run_check("http", urls=[f"{one.url}/"], text=edges.OK, times=times, **one.reach)

    planted(case, finding)
    members.hold(case, "curl", curl.at_each(one, text=edges.OK, times=times), finding.values)
    failed = sum(not probe_members(one, at) for at in one.addresses for _ in range(times))
    members.hold(case, "blackbox", {"failed": failed}, finding.values)


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    with served(tmp_path_factory.mktemp("health"), health.seed, edges.health) as one:
        yield one


@pytest.fixture(scope="module")
def probe_health(answering, tmp_path_factory):
    with asking(answering, tmp_path_factory.mktemp("blackbox")) as probe:
        yield probe


@pytest.mark.parametrize("case", HEALTH)
async def test_health(answering, probe_health, case):
    one = answering[case]
    finding = await run_check("http", urls=[f"{one.url}/"], text=edges.OK, values={"status": "status"}, **one.reach)

    planted(case, finding)
    ours = {"well": finding.values["failed"] == 0}
    health.hold(case, "check_http", nagios.healthy(one, text=edges.OK), ours)
    health.hold(case, "blackbox", {"well": probe_health(one, one.at)}, ours)
    health.hold(case, "jq", others.jq(one), ours)


@pytest.mark.parametrize("one", [cors, limits, caches, members, health], ids=lambda one: one.kind)
def test_the_list_of_disagreements_is_neither_too_short_nor_too_long(one):
    one.settle()
