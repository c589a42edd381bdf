"""Checks without Slack: what a pipeline and a person at a terminal get, in the words of each program that reads it."""

import asyncio
import json
import os
import signal
import sys

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml

from bot.checks_formats import EXIT_CODES
from bot.model import Verdict
from tests.checks.helpers import run_check, site
from tests.cli.conftest import ROOT, Type, program

APP = """
include: services/*.yaml
defaults:
  roles:
    lead: {title: Lead, contact: ana@acme.example, backup: ben@acme.example}
  sections:
    before:
      title: Before
      owner: lead
      items: {ITEMS}
  verification: {title: Verification, owner: lead, items: {}}
  criteria: {title: Criteria, owner: lead, items: {zero: {title: Zero downtime, check: zero}}}
  watch: {url: "https://shop.example/healthz"}
  measuring: {attempts: 1}
  checks:
    zero: {uses: watch, pass: ["longest_gap == 0s"]}
    CHECKS
"""
SERVICE = "service: shop\nchannel: shop\nenvironments: {production: {}, staging: {}}\n"

#: The shape of SARIF 2.1.0 as far as it is used: section 3 of the specification.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results", "invocations"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {"type": "array", "items": {"type": "object", "required": ["id"]}}
                                },
                            }
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "properties": {"executionSuccessful": {"type": "boolean"}},
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "kind", "level"],
                            "properties": {
                                "message": {"type": "object", "required": ["text"]},
                                "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                            },
                            # 3.27.10: a result that is no fail has no level.
                            "if": {"properties": {"kind": {"not": {"const": "fail"}}}},
                            "then": {"properties": {"level": {"const": "none"}}},
                        },
                    },
                },
            },
        },
    },
}


def http(url, at, *, rule="failed == 0", warn="", **more):
    with_ = {"urls": [url], "addresses": [at], "allow_private": True, **more}
    return {"uses": "http", "with": with_, "pass": [rule], **({"warn": [warn]} if warn else {})}


@pytest.fixture
def shop(tmp_path):
    """A service with these checks; `python -m bot` finds it."""

    def write(**checks):
        items = {
            name: {"title": f"About {name}", "check": name, "why": f"Why {name}.", "fix": f"Fix {name}."}
            for name in checks
        }
        text = APP.replace("{ITEMS}", json.dumps(items)).replace(
            "CHECKS", "\n    ".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in checks.items())
        )
        (tmp_path / "app.yaml").write_text(text)
        (tmp_path / "services").mkdir(exist_ok=True)
        (tmp_path / "services" / "shop.yaml").write_text(SERVICE)

    return write


@pytest.fixture
def four(shop):
    """One check of each verdict."""

    def answer(request):
        return {"/good": 200, "/slow": 200}.get(request.path, 500), [], "<b> & | \x0b here"

    with site(answer) as here:
        shop(
            good=http(f"{here.url}good", here.at),
            slow=http(f"{here.url}slow", here.at, rule="latency <= 0s", warn="failed == 0"),
            bad=http(f"{here.url}bad|worse", here.at),
            dark=http(f"{here.url}good", here.at, rule="queue == 0", values={"queue": "no.such.path"}),
        )
        yield here


VERDICTS = {"good": "pass", "slow": "warn", "bad": "fail", "dark": "unknown"}


@pytest.mark.parametrize(
    ("only", "code"),
    [("good", 0), ("good,slow", 1), ("slow,bad", 2), ("good,dark", 3), ("dark,bad", 2), ("dark,slow", 3)],
)
async def test_the_exit_code_is_that_of_the_worst_verdict(four, types: Type, only, code):
    said = await types("checks", "run", "--only", only)

    assert said.code == code
    told = {line.split()[1]: line.split()[0] for line in said.out.splitlines() if line.split()[:1] and line[0] != " "}
    assert {name: verdict for name, verdict in told.items() if name in VERDICTS} == {
        name: VERDICTS[name] for name in only.split(",")
    }


async def test_a_person_reads_what_was_wrong_why_it_matters_and_what_to_do(four, types: Type):
    said = await types("checks", "run")

    assert "\n  why: Why bad.\n  fix: Fix bad." in said.out
    assert "answered 500, expected 200" in said.out
    assert "Why good." not in said.out
    assert said.out.splitlines()[-1].startswith("shop → production: 1 pass, 1 warn, 1 unknown, 1 fail, in ")


async def test_json_has_everything_that_was_measured(four, types: Type):
    said = await types("checks", "run", "--format", "json", "--environment", "staging")

    told = json.loads(said.out)
    assert (told["service"], told["environment"], told["verdict"]) == ("shop", "staging", "fail")
    assert {one["check"]: one["verdict"] for one in told["checks"]} == VERDICTS
    bad = next(one for one in told["checks"] if one["check"] == "bad")
    assert bad["values"]["status"] == 500
    assert bad["conditions"] == [{"rule": "failed == 0", "measured": 1, "held": False, "threshold": None}]
    # The results are the progress, and go beside the document.
    assert {line.split()[1] for line in said.err.splitlines()} >= set(VERDICTS)


async def test_junit_is_read_by_junitparser_as_it_is_meant(four, types: Type):
    report = JUnitXml.fromstring((await types("checks", "run", "--format", "junit")).out.encode())

    cases = {case.name: case for suite in report for case in suite}
    assert {name: [type(one) for one in case.result] for name, case in cases.items()} == {
        "good": [],
        "slow": [],
        "bad": [Failure],
        "dark": [Error],
    }
    assert "expected 200" in cases["bad"].result[0].message
    assert cases["slow"].system_out.startswith("warn: ")
    assert (report.tests, report.failures, report.errors) == (4, 1, 1)


async def test_the_project_s_own_junit_check_counts_the_report_the_same(four, types: Type, tmp_path):
    path = tmp_path / "report.xml"
    path.write_text((await types("checks", "run", "--format", "junit")).out)
    finding = await run_check("junit", reports=[str(path)])

    assert (finding.verdict, finding.values["tests"], finding.values["failed"]) == (Verdict.FAIL, 4, 2)


async def test_sarif_has_the_shape_of_its_schema(four, types: Type):
    told = json.loads((await types("checks", "run", "--format", "sarif")).out)

    jsonschema.validate(told, SARIF)
    run = told["runs"][0]
    kinds = {one["ruleId"]: (one["kind"], one["level"]) for one in run["results"]}
    assert kinds == {
        "good": ("pass", "none"),
        "slow": ("fail", "warning"),
        "bad": ("fail", "error"),
        "dark": ("open", "none"),
    }
    for one in run["results"]:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
    # What could not be measured is not a clean run.
    assert run["invocations"][0]["executionSuccessful"] is False
    assert [one["associatedRule"]["id"] for one in run["invocations"][0]["toolExecutionNotifications"]] == ["dark"]


@pytest.mark.parametrize(
    ("only", "verdict"), [("good", "pass"), ("good,slow", "warn"), ("bad", "fail"), ("dark", "unknown")]
)
@pytest.mark.real
async def test_the_nagios_line_is_understood_by_the_check_that_reads_nagios_plugins(four, tmp_path, only, verdict):
    command = [sys.executable, "-m", "bot", "checks", "run", "--only", only, "--format", "nagios"]
    given = {"TMINUS_CONFIG": str(tmp_path / "app.yaml"), "PYTHONPATH": str(ROOT)}
    finding = await run_check("exec", command=command, cwd=str(ROOT), given=given, limit_s=60)

    assert finding.verdict == verdict
    assert finding.values["exit"] == EXIT_CODES[verdict]
    assert finding.values[verdict] >= 1
    assert sum(finding.values[one] for one in VERDICTS.values()) == len(only.split(","))
    assert finding.values["seconds"] > 0


async def test_a_secret_is_in_no_format(shop, types: Type):
    with site(lambda request: (500, [], request.headers["X-Api-Key"])) as here:
        headers = {"X-Api-Key": {"env": "SHOP_KEY"}}
        shop(
            keyed=http(
                here.url, here.at, headers=headers, rule="answer == right", values={"answer": "key"}, absent="hunter2"
            )
        )
        for written in ("text", "json", "junit", "sarif", "nagios"):
            said = await types("checks", "run", "--format", written, SHOP_KEY="hunter2-hunter2")
            assert "hunter2-hunter2" not in said.out + said.err
            assert here.asked[-1].headers["X-Api-Key"] == "hunter2-hunter2"


async def test_what_loads_a_service_is_measured_by_itself_after_the_others(shop, types: Type):
    with site(lambda request: (429 if "limit" in request.path else 200, [("Retry-After", "0")], "")) as here:
        slow = [sys.executable, "-c", "import time; time.sleep(1)"]
        limited = {"url": f"{here.url}limit", "addresses": [here.at], "allow_private": True, "allow_on": ["production"]}
        shop(
            limit={"uses": "ratelimit", "with": limited, "pass": ["sent >= 1"]},
            script={"uses": "exec", "with": {"command": slow}, "pass": ["exit == 0"]},
            page=http(here.url, here.at),
        )
        said = await types("checks", "run")

    order = [line.split()[1] for line in said.out.splitlines()[:3]]
    assert order == ["page", "script", "limit"]


@pytest.mark.real
async def test_results_come_while_others_are_still_measured(shop, tmp_path):
    with site(lambda _: (200, [], "")) as here:
        shop(
            page=http(here.url, here.at),
            never={
                "uses": "exec",
                "with": {"command": [sys.executable, "-c", "import time; time.sleep(600)"]},
                "timeout": "300 s",
                "pass": ["exit == 0"],
            },
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "checks", "run",
            cwd=ROOT,
            env={**os.environ, "TMINUS_CONFIG": str(tmp_path / "app.yaml")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(180):
                first = await process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.communicate(), 180)

    assert first.decode().split()[:2] == ["pass", "page"]
    assert process.returncode != 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--only", "god"], "shop has no check god; did you mean good?"),
        (["--service", "shap"], "There is no service shap."),
        (["--environment", "prod"], "shop has no environment prod."),
        (["--format", "xml"], "There is no format xml; "),
        (["--only", "zero"], "There is nothing to measure: those are worked out from the record of a deployment."),
    ],
)
async def test_what_is_not_there_is_a_sentence_and_not_a_failed_check(four, types: Type, words, expected):
    said = await types("checks", "run", *words)

    assert said.code == 3
    assert not said.out
    assert said.err.startswith(expected)
    assert len(said.err.splitlines()) == 1


async def test_a_check_may_be_named_by_the_line_that_it_measures(four, types: Type):
    said = await types("checks", "run", "--only", "about GOOD")

    assert said.code == 0
    assert said.out.startswith("pass     good")


async def test_a_check_is_explained_with_why_it_matters_and_what_to_do(types: Type):
    told = (await types("checks", "explain", "tls")).out

    for part in (
        "tls: Are the certificates",
        "Why it matters: ",
        "When it fails: ",
        "days_left  ",
        "pass, unless app.yaml says otherwise:",
    ):
        assert part in told


async def test_a_rule_that_compares_with_the_time_before_is_judged_without_a_deployment(shop, types: Type):
    def prometheus(request):
        past = "query_range" in request.path
        value = {"values": [[at, "0.2"] for at in range(3)]} if past else {"value": [1, "0.9"]}
        result = {"resultType": "matrix" if past else "vector", "result": [{"metric": {}, **value}]}
        return 200, [("Content-Type", "application/json")], json.dumps({"status": "success", "data": result})

    with site(prometheus) as here:
        slower = {
            "uses": "promql",
            "with": {"url": f"http://{here.at}", "query": "p95", "allow_private": True},
            "baseline": {"of": "window", "last": "30 min"},
            "pass": ["value <= baseline +50%"],
        }
        shop(slower=slower)
        said = await types("checks", "run")

    assert said.code == 2, said.out + said.err
    assert "value 0.9, at most 0.3 is allowed (baseline +50%)" in said.out


async def test_what_only_confirms_a_script_is_measured_by_name_while_none_has_run(shop, tmp_path, types: Type):
    with site(lambda _: (200, [], "")) as here:
        shop(well=http(f"{here.url}", here.at))
        after = {"uses": "http", "with": {"urls": ["http://127.0.0.1:1/"], "allow_private": True}}
        step = {"title": "Freeze", "script": "freeze", "checks": ["frozen", "well"]}
        more = {
            "scripts": {"freeze": {"title": "Freeze", "run": ["./freeze.sh"]}},
            "steps": {"preparing": {"freeze": step}},
            "checks": {"frozen": after},
        }
        (tmp_path / "services" / "shop.yaml").write_text(
            SERVICE + "".join(f"{key}: {json.dumps(one)}\n" for key, one in more.items())
        )
        said = await types("checks", "run")
        named = await types("checks", "run", "--only", "frozen")

    assert said.code == 0, said.out + said.err
    assert "frozen" not in said.out
    assert "frozen" in named.out


LOUD = '''"""Is it quiet?"""

import subprocess
import sys

from pydantic import BaseModel

from bot.check import Context, check
from bot.model import Measured

print("loaded")


class Params(BaseModel, extra="forbid"):
    """What it is given."""

    token: str


@check("loud", values={"n": "a number"}, pass_=["n == 0"])
async def loud(params: Params, ctx: Context) -> Measured:
    """Print wherever one can print.

    Why: Because.
    Fix: Nothing.
    """
    print("{ using", params.token)
    sys.__stdout__.write("<early>\\n")
    subprocess.run([sys.executable, "-c", "print('<child>')"], check=True)
    return Measured(values={"n": 0})
'''


@pytest.mark.real
@pytest.mark.parametrize("written", ["text", "json", "junit", "sarif", "nagios"])
async def test_what_a_plugin_prints_is_never_in_the_document(shop, tmp_path, written):
    (tmp_path / "loud.py").write_text(LOUD)
    shop(loud={"uses": "loud", "with": {"token": {"env": "SHOP_TOKEN"}}})
    config = tmp_path / "app.yaml"
    config.write_text(f"plugins: [loud.py]\n{config.read_text()}")

    environ = {"TMINUS_CONFIG": str(config), "SHOP_TOKEN": "hunter2-hunter2"}
    said = await program("checks", "run", "--format", written, **environ)

    assert said.code == 0, said.err
    for part in ("loaded", "{ using •••", "<early>", "<child>"):
        assert part in said.err
        assert part not in said.out
    assert "hunter2" not in said.out + said.err
    match written:
        case "text":
            assert [line.split()[0] for line in said.out.splitlines() if line] == ["pass", "shop"]
        case "json" | "sarif":
            json.loads(said.out)
        case "junit":
            assert JUnitXml.fromstring(said.out.encode()).tests == 1
        case _:
            assert len(said.out.splitlines()) == 1
