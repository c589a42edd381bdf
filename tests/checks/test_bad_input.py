"""What does each check say of a network that is not as it hopes, to somebody who did not write it?"""

import asyncio
import json
import re
from dataclasses import dataclass

import pytest

from bot.check import plugins
from bot.model import Verdict
from tests.checks.bad import STATUSES, bad_servers
from tests.checks.helpers import run_check

UNKNOWN, FAIL, WARN, PASS = Verdict.UNKNOWN, Verdict.FAIL, Verdict.WARN, Verdict.PASS
SECRET = "s3cr3t-4711-4711"
TOKEN = {"Authorization": {"env": "TOKEN", "prefix": "Bearer "}}
COMMIT = "a" * 40

#: What has to be said of each kind, in the words of whoever noticed it.
SAID = {
    "closed": r"Connection refused|is closed|Couldn't connect|no answer in time",
    "no such name": r"has no address|does not exist",
    "silent": r"did not answer within|no answer in time|in time\b|did not (?:end|finish) within|timeout expired",
    "hangs up": r"disconnected|reset by peer|closed the connection|Unexpected EOF|Empty reply",
    "gibberish": r"no HTTP|HTTP/0.9|does not complete a TLS handshake|invalid response",
    "strange certificate": r"certificate is not trusted|certificate verification failed|closed the connection",
    "no JSON": r"no whole JSON|does not list|at least 1 is needed|not valid",
    "broken JSON": r"no whole JSON|does not list|at least 1 is needed|not valid",
    "XML with a DOCTYPE": r"no whole JSON|does not list|at least 1 is needed|no branch main",
    "cut short": r"without sending complete|bytes remaining",
    "huge": r"longer than|more than|does not list|no branch main",
    **{status: rf"\b{status}\b|Authentication failed" for status in STATUSES},
}
CONTENT = ("no JSON", "broken JSON", "XML with a DOCTYPE")
CONNECTION = ("closed", "silent", "hangs up", "gibberish", "strange certificate")
#: These do not speak HTTP, so that only some kinds are anything to them.
ONLY = {
    "dns": ("closed", "no such name", "silent"),
    "ports": ("closed", "no such name"),
    "tls": ("no such name", *CONNECTION),
    **dict.fromkeys(("migrations", "pool", "queries", "sql"), CONNECTION),
    "freeze": tuple(kind for kind in SAID if kind != "no such name"),
}


@dataclass(frozen=True)
class Known:
    """What is measured, and therefore not unknown."""

    kinds: tuple[str, ...]
    verdict: Verdict
    said: str
    because: str


OTHERWISE = {
    "apikey": [
        Known((*CONTENT, "huge"), FAIL, "the old key of pay still works", "whoever is let in is let in, to whatever page"),
        Known(("401", "403"), FAIL, "the key of pay is refused", "to be refused is what a key is tried for"),
    ],
    "cdn": [Known((*CONTENT, "huge"), FAIL, "is not kept", "a cache keeps what it keeps, whatever it is")],
    "cors": [
        Known((*CONTENT, "huge"), FAIL, "may not read", "who may read stands in headers, not in the body"),
        Known(("401", "403"), FAIL, "may not read", "servers refuse strangers so, and a browser shows not even that"),
    ],
    "dns": [Known(("no such name",), FAIL, "does not exist", "the zone itself says so")],
    "headers": [Known((*CONTENT, "huge"), FAIL, "no x-content-type-options|no content-security-policy", "they were seen")],
    "http": [
        Known(("closed", "silent", "hangs up", "gibberish", "strange certificate", "cut short"), FAIL, "1 of 1 wrong", "a member that is down is what it looks for"),
        Known(CONTENT, FAIL, "is not whole JSON", "values were asked for, and it is read to its end"),
        Known(STATUSES, FAIL, r"answered \d+, expected 200", "the status that is right was named"),
    ],
    "link": [
        Known(CONTENT, FAIL, "'plan' is not in it", "the text that has to stand there does not"),
        Known(("huge",), FAIL, "larger than a page", "nobody reads that"),
    ],
    "signoff": [
        Known(CONTENT, FAIL, "'plan' is not in it", "the text that has to stand there does not"),
        Known(("huge",), FAIL, "larger than a page", "nobody reads that"),
    ],
    "openapi": [
        Known(CONTENT, FAIL, "described is application/json|no whole JSON", "it is not what the description says"),
        Known(("500", "503"), FAIL, r"answers 50\d", "a broken endpoint is what it looks for"),
    ],
    "ports": [Known(("closed",), FAIL, "is closed and should be open", "it was tried")],
    "ratelimit": [
        Known((*CONTENT, "huge"), FAIL, "none of 5 requests was refused", "all were let in"),
        Known(("429",), WARN, "first 429 at request 1 of 5, no word on when to come back", "there is a limit"),
    ],
    "tls": [Known(("strange certificate",), FAIL, "unable to get local issuer certificate", "it was seen")],
}  # fmt: skip


def over_http(check, at, folder):
    """The parameters of a check that asks for URLs."""
    url = f"{'https' if at['kind'] == 'strange certificate' else 'http'}://site.test:{at['port']}/"
    prometheus = {"url": url, "headers": TOKEN}
    return at["reach"] | {
        "alerts": lambda: {**prometheus, "jobs": ["shop"]},
        "apikey": lambda: {"keys": [{"name": "pay", "url": url, "key": TOKEN["Authorization"], "old_key": {"env": "OLD"}, "created": "2026-11-01"}]},
        "assets": lambda: {"urls": [url]},
        "cdn": lambda: {"assets": [f"{url}a.css"], "private": [f"{url}me"], "headers": TOKEN},
        "ci": lambda: {"api": url.rstrip("/"), "repository": "acme/shop", "required": ["unit"], "headers": TOKEN},
        "cors": lambda: {"urls": [url], "allowed": ["https://shop.example"], "headers": TOKEN},
        "env": lambda: {"urls": [url], "template": str(folder / "env"), "headers": TOKEN},
        "headers": lambda: {"urls": [url]},
        "http": lambda: {"urls": [url], "values": {"queue": "queue"}, "headers": TOKEN},
        "link": lambda: {"urls": [url], "text": "plan", "headers": TOKEN},
        "logs": lambda: {"url": url, "query": '{app="shop"}', "write": f"{url}healthz", "at": at["reach"].get("addresses", []), "headers": TOKEN},
        "openapi": lambda: {"url": url, "spec": str(folder / "spec.json"), "headers": TOKEN},
        "promql": lambda: {**prometheus, "query": "up"},
        "promql_ratio": lambda: {**prometheus, "bad": "errors", "total": "requests"},
        "ratelimit": lambda: {"url": url, "budget": 5, "wait_s": 0, "allow_on": ["production"], "headers": TOKEN},
        "signoff": lambda: {"url": url, "text": "plan", "headers": TOKEN},
        "tls": lambda: {"hosts": ["site.test"]},
    }[check]()  # fmt: skip


def otherwise(check, at, folder):
    """The parameters of a check that speaks something else, or that leaves it to a program; None: it does not."""
    dsn = {"env": "DSN"}
    scheme = "https" if at["kind"] == "strange certificate" else "http"
    host = "site.test" if at["kind"] == "no such name" else "127.0.0.1"
    reach = {key: value for key, value in at["reach"].items() if key != "addresses"}
    return {
        "dns": {"names": ["site.test"], "expect": ["192.0.2.1"], "resolvers": [at["where"]], "timeout_s": reach["timeout_s"]},
        "freeze": {"repository": f"{scheme}://bot:{SECRET}@{at['where']}/shop.git", "commit": COMMIT},
        "migrations": {"tool": "files", "folder": str(folder), "staging_dsn": dsn},
        "pool": {"dsn": dsn, "instances": 2},
        "ports": {"hosts": [host], "allowed": [at["port"]], "look": str(at["port"]), "inside": True, "allow_on": ["production"], **reach},
        "queries": {"dsn": dsn},
        "sql": {"dsn": dsn, "query": "SELECT 1"},
    }.get(check)  # fmt: skip


REACHING = sorted(name for name, one in plugins().items() if "net" in one.needs)
CASES = [(check, kind) for check in REACHING for kind in ONLY.get(check, SAID)]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Every check at every bad server, some at the same time. Only where nothing comes is the limit short."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "env").write_text("API_TOKEN=\n")
    (folder / "V1__orders.sql").write_text("SELECT 1;")
    answers = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}}
    (folder / "spec.json").write_text(
        json.dumps({"openapi": "3.0.0", "paths": {"/a": {"get": {"responses": answers}}}})
    )

    async def all_of_them(servers):
        gate = asyncio.Semaphore(12)

        async def one(check, kind):
            where = servers[kind]
            short = kind == "silent"
            reach = {"allow_private": True, "timeout_s": 0.3 if short else 30.0}
            reach |= {"name_server": where} if kind == "no such name" else {"addresses": [where]}
            reach |= {"ca_file": str(folder / "other.pem")} if kind == "strange certificate" else {}
            at = {"kind": kind, "where": where, "port": int(where.rpartition(":")[2]), "reach": reach}
            with_ = otherwise(check, at, folder) or over_http(check, at, folder)
            dsn = f"postgresql+psycopg://shop:{SECRET}@{where}/shop"
            async with gate:
                return await run_check(
                    check, release={"environment": "production", "commit": COMMIT, "service": kind},
                    environ={"TOKEN": SECRET, "OLD": f"old-{SECRET}", "DSN": dsn}, limit_s=2.0 if short else 60.0, **with_,
                )  # fmt: skip

        return dict(zip(CASES, await asyncio.gather(*(one(*case) for case in CASES)), strict=True))

    with bad_servers(folder) as servers:
        return asyncio.run(all_of_them(servers))


@pytest.mark.parametrize(("check", "kind"), CASES, ids=lambda word: word.replace(" ", "_"))
def test_what_is_bad_about_an_answer_is_said_and_decides_nothing_that_was_not_measured(found, check, kind):
    finding = found[check, kind]
    known = next((one for one in OTHERWISE.get(check, ()) if kind in one.kinds), Known((), UNKNOWN, SAID[kind], ""))
    assert finding.verdict is known.verdict, (finding.summary, known.because)
    assert re.search(known.said, finding.summary), finding.summary
    assert not re.search(
        r"Traceback|[a-z](?:Error|Exception)\b|The check itself|bytearray|<class|object at 0x|_ssl\.c|\.[.,;]",
        finding.summary,
    )
    assert SECRET not in repr(finding)


def test_every_way_in_which_a_check_reaches_the_network_is_tried_and_every_exception_is_one():
    assert set(OTHERWISE) <= set(REACHING)
    assert set(ONLY) <= set(REACHING)
    for check, known in OTHERWISE.items():
        named = [kind for one in known for kind in one.kinds]
        assert len(set(named)) == len(named)
        assert {(check, kind) for kind in named} <= set(CASES)
