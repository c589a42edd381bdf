"""How do findings read: for people, and for the programs that a pipeline already has (JSON, JUnit, SARIF, Nagios)?"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from bot import __version__, judge
from bot.model import Finding, Verdict
from bot.plan import CheckPlan
from bot.text import clip, plural

#: From bad to good: a measured fail says more than a measurement that is missing.
WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN, Verdict.PASS)
#: What Nagios, Icinga and Sensu understand.
EXIT_CODES: Mapping[Verdict, int] = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.FAIL: 2, Verdict.UNKNOWN: 3}
_NAGIOS = {Verdict.PASS: "OK", Verdict.WARN: "WARNING", Verdict.FAIL: "CRITICAL", Verdict.UNKNOWN: "UNKNOWN"}
#: Characters that no XML document may hold, however they are written.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that was measured at one time."""

    service: str
    environment: str
    plans: Mapping[str, CheckPlan]
    findings: Sequence[Finding]
    seconds: float

    @property
    def worst(self) -> Verdict:
        """Nothing measured is nothing known."""
        verdicts = {one.verdict for one in self.findings}
        return next((one for one in WORST_FIRST if one in verdicts), Verdict.UNKNOWN)

    def counts(self) -> dict[Verdict, int]:
        return {one: sum(found.verdict is one for found in self.findings) for one in reversed(WORST_FIRST)}


def line(finding: Finding, width: int) -> str:
    """One result, as it comes."""
    return f"{finding.verdict:8} {finding.check:{width}}  {finding.summary}"


def text(outcome: Outcome) -> str:
    """What stands below the results: how to clear what did not pass, and how many of each there are."""
    lines: list[str] = []
    for verdict in WORST_FIRST[:-1]:
        for one in outcome.findings:
            if one.verdict is verdict:
                lines += ["", f"{one.check}: {verdict}", *_help(one, outcome.plans.get(one.check))]
    counted = ", ".join(f"{number} {verdict}" for verdict, number in outcome.counts().items() if number)
    where = f"{outcome.service} → {outcome.environment}"
    lines += ["", f"{where}: {counted or 'nothing was measured'}, in {judge.duration(outcome.seconds)}."]
    return "\n".join(lines)


def _help(one: Finding, plan: CheckPlan | None) -> list[str]:
    undecided = [
        f"  {judge.describe(rule)}" for rule in one.conditions if rule.held is not True and rule.measured is not None
    ]
    rows = [f"  {row.subject}: {row.note.splitlines()[0]}" for row in one.rows if row.note]
    most = 5
    more = [f"  … and {len(rows) - most} more"] if len(rows) > most else []
    said = [("why", plan.why), ("fix", plan.fix)] if plan else []
    return [*undecided, *rows[:most], *more, *(f"  {title}: {words}" for title, words in said if words)]


def as_json(outcome: Outcome) -> str:
    return json.dumps(
        {
            "service": outcome.service,
            "environment": outcome.environment,
            "verdict": outcome.worst,
            "counts": outcome.counts(),
            "seconds": round(outcome.seconds, 3),
            "checks": [_as_object(one, outcome.plans[one.check]) for one in outcome.findings],
        },
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )


def _as_object(one: Finding, plan: CheckPlan) -> dict[str, Any]:
    return {
        "check": one.check,
        "uses": plan.uses,
        "verdict": one.verdict,
        "summary": one.summary,
        "measured_at": one.measured_at.isoformat(),
        "expires_at": one.expires_at.isoformat(),
        "seconds": round(one.duration_s, 3),
        "values": dict(one.values),
        "baseline": dict(one.baseline),
        "conditions": [
            {"rule": rule.rule, "measured": rule.measured, "held": rule.held, "threshold": rule.threshold}
            for rule in one.conditions
        ],
        "rows": [{"subject": row.subject, "values": dict(row.values), "note": row.note} for row in one.rows],
        "links": list(one.links),
    }


def as_junit(outcome: Outcome) -> str:
    """A fail is a failure, an unknown an error; JUnit has no word for a warning, so its text goes with a pass."""
    suite = ET.Element(
        "testsuite",
        name=_xml(f"{outcome.service} {outcome.environment}"),
        tests=str(len(outcome.findings)),
        failures=str(outcome.counts()[Verdict.FAIL]),
        errors=str(outcome.counts()[Verdict.UNKNOWN]),
        skipped="0",
        time=f"{outcome.seconds:.3f}",
    )
    for one in outcome.findings:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_xml(outcome.plans[one.check].uses),
            name=one.check,
            time=f"{one.duration_s:.3f}",
        )
        details = _xml("\n".join([one.summary, *_help(one, outcome.plans[one.check])]))
        if tag := {Verdict.FAIL: "failure", Verdict.UNKNOWN: "error"}.get(one.verdict):
            ET.SubElement(case, tag, message=_xml(one.summary), type=one.verdict).text = details
        elif one.verdict is Verdict.WARN:
            ET.SubElement(case, "system-out").text = f"warn: {details}"
    whole = ET.Element("testsuites")
    whole.append(suite)
    ET.indent(whole)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(whole, encoding="unicode")


def _xml(words: str) -> str:
    return _NOT_IN_XML.sub("�", words)


_LEVELS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.PASS: ("pass", "none"),
    Verdict.WARN: ("fail", "warning"),
    Verdict.FAIL: ("fail", "error"),
    # Looked at, and not decided. That the tool could not do its work stands with its invocation, too.
    Verdict.UNKNOWN: ("open", "none"),
}


def as_sarif(outcome: Outcome) -> str:
    names = [one.check for one in outcome.findings]
    unknown = [one for one in outcome.findings if one.verdict is Verdict.UNKNOWN]
    run = {
        "tool": {
            "driver": {"name": "T-Minus", "version": __version__, "rules": [_rule(outcome.plans[one]) for one in names]}
        },
        "automationDetails": {"id": f"{outcome.service}/{outcome.environment}/"},
        "invocations": [
            {
                "executionSuccessful": not unknown,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": one.summary}, "associatedRule": {"id": one.check}}
                    for one in unknown
                ],
            }
        ],
        "results": [_result(index, one) for index, one in enumerate(outcome.findings)],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(plan: CheckPlan) -> dict[str, Any]:
    said = {"fullDescription": plan.why, "help": plan.fix}
    return {
        "id": plan.name,
        "shortDescription": {"text": f"{plan.name} ({plan.uses})"},
        **{key: {"text": words} for key, words in said.items() if words},
    }


def _result(index: int, one: Finding) -> dict[str, Any]:
    kind, level = _LEVELS[one.verdict]
    return {
        "ruleId": one.check,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": {"text": one.summary or str(one.verdict)},
        "locations": [
            {
                # What is wrong stands in no file; the rule that it was held against does.
                "physicalLocation": {"artifactLocation": {"uri": "app.yaml"}},
                "logicalLocations": [{"fullyQualifiedName": row.subject} for row in one.rows[:20] if row.subject],
            }
        ],
        "partialFingerprints": {"check": one.check},
    }


def as_nagios(outcome: Outcome) -> str:
    """One line with performance data, then a line for each that did not pass."""
    counts = outcome.counts()
    others = [one for verdict in WORST_FIRST[:-1] for one in outcome.findings if one.verdict is verdict]
    worst = f": {others[0].check}, {others[0].summary}" if others else ""
    told = f"{plural(len(outcome.findings), 'check')} of {outcome.service} in {outcome.environment}{worst}"
    data = " ".join(f"'{verdict}'={number};;;0" for verdict, number in counts.items())
    first = f"T-MINUS {_NAGIOS[outcome.worst]} - {_bare(told)} | {data} 'seconds'={outcome.seconds:.3f}s;;;0"
    return "\n".join([first, *(_bare(f"{one.verdict}: {one.check}: {one.summary}") for one in others)])


def _bare(words: str) -> str:
    """A bar would begin the performance data."""
    return clip(" ".join(words.replace("|", "/").split()), 400)


FORMATS: Mapping[str, Callable[[Outcome], str]] = {
    "text": text,
    "json": as_json,
    "junit": as_junit,
    "sarif": as_sarif,
    "nagios": as_nagios,
}
