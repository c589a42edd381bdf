"""Did the tests of exactly this commit run, and pass?"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Row, Value
from checks.documents import LARGEST, check_about, found, oldest

#: What test runners call the property that says which commit they tested.
_COMMIT_NAMES = {"commit", "git.commit", "git_commit", "sha", "revision", "git.sha"}
#: What stands in a test that failed, in one that passed only later, and in one that did not run.
_BROKEN = frozenset({"failure", "error"})
_AGAIN = frozenset({"flakyFailure", "flakyError", "rerunFailure", "rerunError"})
_NOT_RUN = frozenset({"notrun", "disabled"})


class Params(BaseModel, extra="forbid"):
    """Which reports, and of what."""

    reports: list[str] = Field(
        min_length=1, description="JUnit XML files; patterns (`**/*.xml`) are allowed: `reports/${commit}/unit.xml`."
    )
    commit: str = Field(
        default="",
        description="What each suite has to be about, usually `${commit}`: a property names it, or the report's path does.",
    )


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One report, counted anew: the numbers in its head may be wrong."""

    path: str
    ran: int
    failed: tuple[str, ...]
    skipped: int
    retried: int
    seconds: float
    age_s: float


@check(
    "junit",
    values={
        "tests": "how many tests ran; missing when none did",
        "failed": "how many failed or broke; missing when none ran",
        "skipped": "how many were skipped",
        "skipped_share": "skipped, of all that are there",
        "retried": "how many passed only when tried again",
        "duration": "seconds the tests took",
        "age": "seconds since the oldest suite ran, or its report was written",
        "reports": "how many reports were read",
    },
    require=["tests >= 1", "age <= 24h"],
    pass_=["failed == 0", "skipped_share <= 5%", "retried == 0"],
    warn=["failed == 0"],
)
async def junit(params: Params, ctx: Context) -> Measured:  # noqa: ARG001 - every check has the same signature
    """Read JUnit reports and count what ran, failed and was skipped. Nothing ran is nothing known.

    What broke outside of any test counts as failed, too: a suite's own error, and what its head counts and no test shows.

    Why: A green run of another commit, or a run in which everything was skipped, says nothing about this release.
    Fix: Run the tests at this commit; the evidence names the first failures.
    """
    counted = [_count(Path(path), params.commit) for path in found(params.reports)]
    ran, skipped = sum(one.ran for one in counted), sum(one.skipped for one in counted)
    failed = [name for one in counted for name in one.failed]
    values: dict[str, Value] = {
        "skipped": skipped,
        "retried": sum(one.retried for one in counted),
        "duration": sum(one.seconds for one in counted),
        "age": max(one.age_s for one in counted),
        "reports": len(counted),
    }
    if ran:
        values |= {"tests": ran, "skipped_share": skipped / (ran + skipped)}
    if ran or failed:
        values["failed"] = len(failed)
    return Measured(values=values, rows=tuple(map(_row, counted)), summary=_summary(values, failed))


def _count(path: Path, commit: str) -> Counted:
    report = _read(path)
    times: list[str] = []
    for suite, named in _suites(report, frozenset()):
        times.append(suite.get("timestamp", ""))
        if any(_tag(one) in {"testcase", *_BROKEN} for one in suite):
            check_about(commit, named, str(path))
    cases = [one for one in report.iter() if _tag(one) == "testcase"]
    skipped = [one for one in cases if _has(one, {"skipped"}) or one.get("status") in _NOT_RUN]
    return Counted(
        path=str(path),
        ran=len(cases) - len(skipped),
        failed=tuple(_failed(report)),
        skipped=len(skipped),
        retried=sum(_has(one, _AGAIN) and not _has(one, _BROKEN) for one in cases),
        seconds=sum(_seconds(one) for one in cases),
        age_s=oldest(max(0.0, time.time() - path.stat().st_mtime), filter(None, times)),
    )


def _read(path: Path) -> Any:
    """The root of the report, by a parser that refuses entities."""
    try:
        if path.stat().st_size > LARGEST:
            raise Cannot(f"The report {path.name} is larger than {LARGEST // 1_000_000} MB.")
        root = ElementTree.fromstring(path.read_bytes(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise Cannot(f"The report {path.name} has a DOCTYPE or entities, which no test runner writes.") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Cannot(f"The report {path.name} is no whole JUnit XML: {error}.") from error
    except OSError as error:
        raise Cannot(f"The report {path.name} could not be read: {error.strerror}.") from error
    if _tag(root) not in {"testsuites", "testsuite"}:
        raise Cannot(f"The report {path.name} is no whole JUnit XML: it begins with <{_tag(root)}>.")
    return root


def _tag(one: Any) -> str:
    """Some runners put their elements into a namespace."""
    return str(one.tag).rpartition("}")[2]


def _has(one: Any, tags: Iterable[str]) -> bool:
    return any(_tag(child) in tags for child in one)


def _suites(suite: Any, above: frozenset[str]) -> Iterator[tuple[Any, frozenset[str]]]:
    """Each suite, and the commits that it names; if it names none, what holds it speaks for it."""
    properties = [each for one in suite if _tag(one) == "properties" for each in one]
    own = {str(one.get("value") or one.text or "").strip() for one in properties if one.get("name") in _COMMIT_NAMES}
    named = frozenset(filter(None, own)) or above
    yield suite, named
    for inner in suite:
        if _tag(inner) == "testsuite":
            yield from _suites(inner, named)


def _failed(suite: Any) -> Sequence[str]:
    """What failed in a suite and in those within it, by name."""
    names: list[str] = []
    for one in suite:
        if _tag(one) == "testsuite":
            names += _failed(one)
        elif _tag(one) == "testcase" and _has(one, _BROKEN):
            names.append(f"{one.get('classname') or ''}.{one.get('name') or ''}".strip("."))
        elif _tag(one) in _BROKEN:
            names.append(f"{_called(suite)} itself ({one.get('message') or one.get('type') or _tag(one)})"[:120])
    told = _number(suite.get("errors")) + _number(suite.get("failures"))
    # A head that counts too little is corrected; one that counts more knows of something that broke beside the tests.
    return (
        names if told <= len(names) else [*names, f"{_called(suite)} ({told} by its head, and {len(names)} are shown)"]
    )


def _called(suite: Any) -> str:
    return suite.get("name") or "the suite"


def _number(said: str | None) -> int:
    return int(said) if said and said.isdigit() else 0


def _seconds(case: Any) -> float:
    try:
        return float((case.get("time") or "0").replace(",", ""))
    except ValueError:
        return 0.0


def _row(one: Counted) -> Row:
    more = f" (and {len(one.failed) - 5} more)" if len(one.failed) > 5 else ""  # noqa: PLR2004 - what a row has room for
    return Row(
        subject=one.path,
        values={"ran": one.ran, "failed": len(one.failed), "skipped": one.skipped},
        note=", ".join(one.failed[:5]) + more,
    )


def _summary(values: dict[str, Value], failed: list[str]) -> str:
    if "tests" not in values:
        return f"none ran, {values['skipped']} skipped" + (f", failed: {failed[0]}" if failed else "")
    passed = max(int(values["tests"]) - len(failed), 0)
    facts = [
        f"{passed} of {values['tests']} passed",
        f"{values['skipped']} skipped" if values["skipped"] else "",
        f"{values['retried']} only when tried again" if values["retried"] else "",
        f"first failure {failed[0]}" if failed else f"in {duration(float(values['duration']))}",
    ]
    return ", ".join(filter(None, facts))
