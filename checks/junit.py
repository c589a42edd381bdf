"""Did the tests of exactly this commit run, and pass?"""

import glob
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from junitparser import Error, Failure, JUnitXml, JUnitXmlError, Skipped, TestCase, TestSuite
from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Row, Value

#: What test runners call the property that says which commit they tested.
_COMMIT_NAMES = {"commit", "git.commit", "git_commit", "sha", "revision", "git.sha"}
_LARGEST = 100_000_000


class Params(BaseModel, extra="forbid"):
    """Which reports, and of what."""

    reports: list[str] = Field(
        min_length=1, description="JUnit XML files; patterns (`**/*.xml`) are allowed: `reports/${commit}/unit.xml`."
    )
    commit: str = Field(
        default="", description="A report that names another commit is not about this release; usually `${commit}`."
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
        "age": "seconds since the oldest report was written",
        "reports": "how many reports were read",
    },
    require=["tests >= 1"],
    pass_=["failed == 0", "skipped_share <= 5%", "retried == 0"],
    warn=["failed == 0"],
)
async def junit(params: Params, ctx: Context) -> Measured:  # noqa: ARG001 - every check has the same signature
    """Read JUnit reports and count what ran, failed and was skipped. Nothing ran is nothing known.

    Why: A green run of another commit, or a run in which everything was skipped, says nothing about this release.
    Fix: Run the tests at this commit; the evidence names the first failures.
    """
    paths = list(_paths(params.reports))
    counted = [_count(Path(path), params.commit) for path in paths]
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
        values |= {"tests": ran, "failed": len(failed), "skipped_share": skipped / (ran + skipped)}
    return Measured(values=values, rows=tuple(map(_row, counted)), summary=_summary(values, failed))


def _paths(patterns: Iterable[str]) -> Iterable[str]:
    for pattern in patterns:
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
        if not found:
            name = "/".join(part[:12] for part in Path(pattern).parts[-2:-1]) + "/" + Path(pattern).name
            raise Cannot(f"There is no report {name}; have these tests run for this commit?")
        yield from found


def _count(path: Path, commit: str) -> Counted:
    cases, names = [], set[str]()
    report = _read(path)
    for suite in report if isinstance(report, JUnitXml) else [report]:
        cases += list(_cases(suite))
        names |= {str(one.value) for one in suite.properties() if one.name in _COMMIT_NAMES}
    if commit and names and not any(_same(commit, name) for name in names):
        raise Cannot(f"The report {path.name} is about commit {min(names)[:12]}, not {commit[:12]}.")
    skipped = [one for one in cases if any(isinstance(result, Skipped) for result in one.result)]
    broken = [one for one in cases if any(isinstance(result, Failure | Error) for result in one.result)]
    retried = [one for one in cases if one not in broken and one._elem.find("flakyFailure") is not None]  # noqa: SLF001
    return Counted(
        path=str(path),
        ran=len(cases) - len(skipped),
        failed=tuple(f"{one.classname or ''}.{one.name or ''}".strip(".") for one in broken),
        skipped=len(skipped),
        retried=len(retried),
        seconds=sum(one.time or 0.0 for one in cases),
        age_s=max(0.0, time.time() - path.stat().st_mtime),
    )


def _read(path: Path) -> JUnitXml | TestSuite:
    """Look at the XML with a parser that refuses entities before one that does not is allowed to."""
    try:
        if path.stat().st_size > _LARGEST:
            raise Cannot(f"The report {path.name} is larger than {_LARGEST // 1_000_000} MB.")
        text = path.read_bytes()
        ElementTree.fromstring(text, forbid_dtd=True)
        return JUnitXml.fromstring(text)
    except DefusedXmlException as error:
        raise Cannot(f"The report {path.name} has a DOCTYPE or entities, which no test runner writes.") from error
    except (ElementTree.ParseError, JUnitXmlError, ValueError) as error:
        raise Cannot(f"The report {path.name} is no whole JUnit XML: {error}.") from error
    except OSError as error:
        raise Cannot(f"The report {path.name} could not be read: {error.strerror}.") from error


def _cases(suite: TestSuite) -> Iterable[TestCase]:
    yield from suite
    for inner in suite.testsuites():
        yield from _cases(inner)


def _same(commit: str, name: str) -> bool:
    """Runners often write the short form."""
    shortest = 7
    return len(name) >= shortest and (commit.startswith(name) or name.startswith(commit))


def _row(one: Counted) -> Row:
    more = f" (and {len(one.failed) - 5} more)" if len(one.failed) > 5 else ""  # noqa: PLR2004 - what a row has room for
    return Row(
        subject=one.path,
        values={"ran": one.ran, "failed": len(one.failed), "skipped": one.skipped},
        note=", ".join(one.failed[:5]) + more,
    )


def _summary(values: dict[str, Value], failed: list[str]) -> str:
    if "tests" not in values:
        return f"none ran, {values['skipped']} skipped"
    passed = int(values["tests"]) - len(failed)
    facts = [
        f"{passed} of {values['tests']} passed",
        f"{values['skipped']} skipped" if values["skipped"] else "",
        f"{values['retried']} only when tried again" if values["retried"] else "",
        f"first failure {failed[0]}" if failed else f"in {duration(float(values['duration']))}",
    ]
    return ", ".join(filter(None, facts))
