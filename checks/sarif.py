"""What did the security scanners find in exactly this commit?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bot.check import Context, check
from bot.errors import Cannot
from bot.model import Measured, Row, Value
from checks.documents import Document, check_about, document, found, oldest, parsed

#: CVSS's own names for ranges of its score.
CRITICAL, HIGH, MEDIUM = 9.0, 7.0, 4.0
#: How bad a result without a score is, by its level.
_BY_LEVEL = {"error": HIGH, "warning": MEDIUM, "note": 0.1}
#: Kinds of results that say that something may be wrong.
_WRONG = {"fail", "open", "review"}
#: States of a suppression in which it does not hold.
_NOT_YET = {"rejected", "underReview"}


class Params(BaseModel, extra="forbid"):
    """Which reports, and what in them is accepted for now."""

    reports: list[str] = Field(
        min_length=1, description="SARIF files; patterns are allowed: `reports/${commit}/*.sarif`."
    )
    commit: str = Field(
        default="",
        description="What each scan has to be about, usually `${commit}`: it names it, or its path does.",
    )
    suppressions: str = Field(
        default="",
        description="A YAML file that says what is accepted until when: a list of `{rule, path, until, reason}`; "
        "`path` may be left out.",
    )
    only_new: bool = Field(default=False, description="Count only what the report does not call `unchanged`.")


class Suppression(BaseModel, extra="forbid"):
    """Somebody accepts something until a date."""

    rule: str
    path: str = ""
    until: date
    reason: str = Field(min_length=1)

    def covers(self, one: "Result") -> bool:
        return self.rule == one.rule and (not self.path or one.where.partition(":")[0].endswith(self.path))


@dataclass(frozen=True, kw_only=True)
class Result:
    """One thing that a scanner found."""

    rule: str
    tool: str
    where: str
    words: str
    #: CVSS, or what stands for it where there is only a level.
    score: float
    suppressed: bool
    new: bool


@check(
    "sarif",
    values={
        "results": "how many results count: neither suppressed nor, with `only_new`, known before",
        "critical": "how many have a CVSS score of 9 or more",
        "high": "how many have a score of 7 or more, critical ones included; without a score: level error",
        "medium": "how many have a score from 4 to 7; without a score: level warning",
        "low": "how many have a lower score; without a score: level note",
        "suppressed": "how many are suppressed, in the code or by the file of suppressions",
        "expired": "how many count again because their suppression has expired",
        "runs": "how many scans are in the reports",
        "age": "seconds since the oldest scan ended, or its report was written",
    },
    require=["runs >= 1", "age <= 24h"],
    pass_=["high == 0", "medium == 0"],
    warn=["high == 0"],
)
async def sarif(params: Params, ctx: Context) -> Measured:
    """Read what scanners such as Semgrep, Trivy, CodeQL or Ruff found, by its severity.

    A scan that did not come to its end, or that was of another commit or of nobody knows which, says nothing.

    Why: What a scanner finds today, somebody else's scanner finds tomorrow.
    Fix: Repair what the evidence names, or accept it in the file of suppressions, with a reason and a date.
    """
    documents = [document(path) for path in found(params.reports)]
    runs = [(one, run) for one in documents for run in _runs(one, params.commit)]
    results = [result for one, run in runs for result in _results(one, run)]
    accepted = _accepted(params.suppressions) if params.suppressions else []
    today = ctx.clock.now()
    counted = [one for one in results if not one.suppressed and (one.new or not params.only_new)]
    covered = [one for one in counted if _accepts(accepted, one, today)]
    expired = [one for one in counted if one not in covered and any(each.covers(one) for each in accepted)]
    counted = sorted((one for one in counted if one not in covered), key=lambda one: -one.score)
    values: dict[str, Value] = {
        "results": len(counted),
        "critical": sum(one.score >= CRITICAL for one in counted),
        "high": sum(one.score >= HIGH for one in counted),
        "medium": sum(MEDIUM <= one.score < HIGH for one in counted),
        "low": sum(one.score < MEDIUM for one in counted),
        "suppressed": len(covered) + sum(one.suppressed for one in results),
        "expired": len(expired),
        "runs": len(runs),
        "age": max([one.age_s for one in documents] + [_age(one, run) for one, run in runs]),
    }
    return Measured(values=values, rows=tuple(map(_row, counted)), summary=_summary(values, counted))


def _runs(one: Document, commit: str) -> Iterator[dict[str, Any]]:
    content = parsed(one)
    runs = content.get("runs") if isinstance(content, dict) else None
    if not isinstance(runs, list) or not str(content.get("version", "")).startswith("2."):
        raise Cannot(f"The report {one.name} is no SARIF of version 2.")
    for run in runs:
        try:
            _check_whole(one, run)
            _check_commit(one, run, commit)
        except (AttributeError, TypeError) as error:
            raise _bent(one) from error
        yield run


def _check_whole(one: Document, run: Mapping[str, Any]) -> None:
    for call in run.get("invocations") or ():
        if call.get("executionSuccessful") is False:
            told = [note.get("message", {}).get("text", "") for note in call.get("toolExecutionNotifications") or ()]
            why = " ".join(str(call.get("exitCodeDescription") or next(filter(None, told), "")).split())[:120]
            raise Cannot(f"The scan in {one.name} did not come to its end{f': {why}' if why else ''}.")
    if not isinstance(run.get("results"), list):
        raise Cannot(f"The scan in {one.name} has no results, not even an empty list; did it run?")


def _check_commit(one: Document, run: Mapping[str, Any], commit: str) -> None:
    named = {str(each["revisionId"]) for each in run.get("versionControlProvenance") or () if each.get("revisionId")}
    check_about(commit, named, one.path)


def _age(one: Document, run: Mapping[str, Any]) -> float:
    calls = run.get("invocations") or ()
    return oldest(one.age_s, (call.get("endTimeUtc") or call.get("startTimeUtc") for call in calls))


def _results(one: Document, run: Mapping[str, Any]) -> Iterator[Result]:
    try:
        parts = [run["tool"]["driver"], *(run["tool"].get("extensions") or ())]
        by_name = {rule["id"]: rule for part in parts for rule in part.get("rules") or ()}
        for result in run["results"]:
            if result.get("kind", "fail") in _WRONG:
                rule = _rule(result, parts, by_name)
                score = _score(result, rule)
                if score:
                    yield Result(
                        rule=str(result.get("ruleId") or rule.get("id") or "a rule without a name"),
                        tool=str(parts[0].get("name", "")),
                        where=_where(result),
                        words=" ".join(str(result.get("message", {}).get("text", "")).split()),
                        score=score,
                        suppressed=any(each.get("status") not in _NOT_YET for each in result.get("suppressions") or ()),
                        new=result.get("baselineState", "new") not in {"unchanged", "absent"},
                    )
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise _bent(one) from error


def _rule(result: Mapping[str, Any], parts: Sequence[Any], by_name: Mapping[str, Any]) -> Mapping[str, Any]:
    """By its name, or by its place in the list of the part of the tool that it comes from."""
    said = result.get("rule") or {}
    name = str(result.get("ruleId") or said.get("id") or "")
    if name in by_name or name.partition("/")[0] in by_name:
        return by_name.get(name) or by_name[name.partition("/")[0]]
    at = result.get("ruleIndex", said.get("index", -1))
    part = (said.get("toolComponent") or {}).get("index", -1) + 1
    return parts[part]["rules"][at] if isinstance(at, int) and at >= 0 else {}


def _score(result: Mapping[str, Any], rule: Mapping[str, Any]) -> float:
    """CVSS where the rule or the result has it, else by the level. 0: the tool itself says that it is nothing."""
    for told in (result.get("properties") or {}, rule.get("properties") or {}):
        if severity := told.get("security-severity"):
            return max(float(severity), 0.1)
    level = result.get("level") or (rule.get("defaultConfiguration") or {}).get("level") or "warning"
    return _BY_LEVEL.get(level, 0.0)


def _where(result: Mapping[str, Any]) -> str:
    for place in result.get("locations") or ():
        physical = place.get("physicalLocation") or {}
        uri = str((physical.get("artifactLocation") or {}).get("uri", ""))
        line = (physical.get("region") or {}).get("startLine")
        return f"{uri}:{line}" if line else uri
    return ""


def _accepted(path: str) -> list[Suppression]:
    one = document(path)
    try:
        return TypeAdapter(list[Suppression]).validate_python(yaml.safe_load(one.text))
    except yaml.YAMLError as error:
        raise Cannot(f"The suppressions in {one.name} are no YAML: {' '.join(str(error).split())[:120]}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Cannot(f"The suppressions in {one.name}: {f'{place}: ' if place else ''}{first['msg']}.") from error


def _accepts(accepted: Iterable[Suppression], one: Result, now: datetime) -> bool:
    return any(each.covers(one) and now.date() <= each.until for each in accepted)


def _bent(one: Document) -> Cannot:
    return Cannot(f"The report {one.name} is no SARIF as it should be.")


def _row(one: Result) -> Row:
    return Row(
        subject=one.where or one.tool, values={"severity": one.score, "rule": one.rule}, note=f"{one.rule}: {one.words}"
    )


def _summary(values: Mapping[str, Value], counted: Sequence[Result]) -> str:
    facts = [f"{values[name]} {name}" for name in ("high", "medium", "low") if values[name]]
    facts += [f"{values['critical']} of them critical"] if values["critical"] else []
    told = ", ".join(facts) or "nothing found"
    first = f"; {counted[0].rule} in {counted[0].where}" if counted else ""
    more = [
        f"{values['suppressed']} suppressed" if values["suppressed"] else "",
        f"{values['expired']} whose suppression expired" if values["expired"] else "",
    ]
    return ", ".join(filter(None, [told + first, *more]))
