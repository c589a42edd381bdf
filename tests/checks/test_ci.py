"""The check `ci`, against a server that speaks as GitHub does, from dated recordings of the form of its answers."""

import json
import time
from copy import deepcopy
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check, site

FOLDER = Path(__file__).parent / "recorded"
RUNS = json.loads((FOLDER / "github_check_runs.json").read_text())
STATUS = json.loads((FOLDER / "github_status.json").read_text())
COMMIT = STATUS["sha"]
#: An hour after what was recorded.
DATE = "Mon, 23 Nov 2026 11:20:00 GMT"


class GitHub:
    """The two answers of a commit, page by page; `DATE` is now for all that it says."""

    def __init__(self, *, runs=None, status=None):
        self.runs = deepcopy(RUNS["check_runs"]) if runs is None else runs
        self.statuses = deepcopy(STATUS["statuses"]) if status is None else status
        self.asked = []

    def run(self, name, /, **changed):
        next(one for one in self.runs if one["name"] == name).update(changed)
        return self

    def __call__(self, request):
        parts = urlsplit(request.path)
        query = parse_qs(parts.query)
        self.asked.append(request)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        some = slice((page - 1) * size, page * size)
        if parts.path == f"/repos/acme/shop/commits/{COMMIT}/check-runs":
            body = {"total_count": len(self.runs), "check_runs": self.runs[some]}
        elif parts.path == f"/repos/acme/shop/commits/{COMMIT}/status":
            body = {**STATUS, "total_count": len(self.statuses), "statuses": self.statuses[some]}
        else:
            return 422, [("Date", DATE)], json.dumps({"message": "No commit found for SHA: 1", "status": "422"})
        return 200, [("Date", DATE)], json.dumps(body)


async def ask(answer, *required, commit=COMMIT, **params):
    with site(answer) as one:
        return await run_check(
            "ci", api=f"http://{one.at}", repository="acme/shop", required=list(required or ("unit", "integration", "ci/e2e")),
            allow_private=True, release={"commit": commit}, environ={"GITHUB_TOKEN": "ghp-4711-4711"},
            headers={"Authorization": {"env": "GITHUB_TOKEN", "prefix": "Bearer "}}, **params,
        )  # fmt: skip


async def test_required_runs_and_statuses_that_are_green_pass():
    github = GitHub()
    finding = await ask(github)
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.summary == "3 of 3 green at 9f3c2ab"
    assert finding.values["age"] == pytest.approx(76 * 60 + 19)
    assert github.asked[0].headers["Authorization"] == "Bearer ghp-4711-4711"
    assert github.asked[0].headers["Accept"] == "application/vnd.github+json"
    assert "4711-4711" not in repr(finding)


async def test_what_is_not_required_may_fail():
    assert (await ask(GitHub())).verdict is Verdict.PASS
    finding = await ask(GitHub(), "unit", "lint")
    assert finding.verdict is Verdict.FAIL
    assert "lint: failure" in finding.summary
    assert finding.links == ("https://github.com/acme/shop/actions/runs/100/job/4711003",)


@pytest.mark.parametrize(
    ("changed", "verdict", "said"),
    [
        ({"conclusion": "failure"}, "fail", "unit: failure"),
        ({"conclusion": "cancelled"}, "fail", "unit: cancelled"),
        ({"conclusion": "timed_out"}, "fail", "unit: timed out"),
        ({"conclusion": "action_required"}, "fail", "unit: action required"),
        ({"conclusion": "startup_failure"}, "fail", "unit: startup failure"),
        ({"conclusion": "something new"}, "fail", "unit: something new"),
        ({"conclusion": "skipped"}, "warn", "unit: skipped"),
        ({"conclusion": "neutral"}, "warn", "unit: neutral"),
        ({"conclusion": "stale"}, "unknown", "unit: stale"),
        ({"status": "in_progress", "conclusion": None, "completed_at": None}, "unknown", "unit: in progress"),
        ({"status": "queued", "conclusion": None, "completed_at": None}, "unknown", "unit: queued"),
        ({"name": "unit (3.12)"}, "unknown", "unit: never began on this commit"),
        ({"completed_at": "2026-11-21T10:00:00Z"}, "unknown", "age 2 d 1 h, at most 1 d is allowed"),
    ],
)
async def test_how_a_run_ended_is_what_counts(changed, verdict, said):
    finding = await ask(GitHub().run("unit", **changed))
    assert finding.verdict == verdict, finding.summary
    assert said in finding.summary


async def test_one_failure_settles_it_whatever_is_still_running():
    github = GitHub().run("unit", conclusion="failure").run("integration", status="in_progress", conclusion=None)
    finding = await ask(github)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["pending"] == 1


@pytest.mark.parametrize(("state", "verdict"), [("failure", "fail"), ("error", "fail"), ("pending", "unknown")])
async def test_commit_statuses_count_like_runs(state, verdict):
    github = GitHub()
    github.statuses[0]["state"] = state
    assert (await ask(github)).verdict == verdict


async def test_of_several_runs_of_one_name_the_worst_counts():
    github = GitHub()
    github.runs.append({**github.runs[0], "id": 9, "conclusion": "failure"})
    assert (await ask(github)).verdict is Verdict.FAIL


async def test_every_page_is_read():
    many = [{**RUNS["check_runs"][0], "id": number, "name": f"matrix {number}"} for number in range(250)]
    github = GitHub(runs=[*many, *RUNS["check_runs"]])
    assert (await ask(github)).verdict is Verdict.PASS
    assert sum("check-runs" in one.path for one in github.asked) == 3


async def test_a_run_of_another_commit_is_never_taken_for_this_one():
    finding = await ask(GitHub().run("unit", head_sha="1" * 40))
    assert finding.verdict is Verdict.UNKNOWN
    assert "a run of commit 1111111, not of 9f3c2ab" in finding.summary


async def test_a_commit_that_was_never_pushed_or_is_not_known_is_unknown():
    finding = await ask(GitHub(), commit="1" * 40)
    assert finding.verdict is Verdict.UNKNOWN
    assert "GitHub knows no commit 1111111 in acme/shop; was it pushed?" in finding.summary
    short = await ask(GitHub(), commit="9f3c2ab")
    assert "The full name of the commit is not known" in short.summary


LIMITED = [("Date", DATE), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(round(time.time()) + 1200))]


@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (
            401,
            [],
            {"message": "Bad credentials", "status": "401"},
            "the token is missing, wrong or expired; give the check a new one",
        ),
        (
            403,
            [],
            {"message": "Resource not accessible by integration"},
            "the token may not read this; give it the right to",
        ),
        (
            403,
            LIMITED,
            {"message": "API rate limit exceeded"},
            "answers 403: too many requests; it asks to come back in ",
        ),
        (429, [("Retry-After", "60")], {"message": "secondary rate limit"}, "it asks to come back in 1 min"),
        (404, [], {"message": "Not Found"}, "it is not there, or the token may not see it"),
        (
            301,
            [("Location", "https://api.github.com/repositories/1/x")],
            {},
            "points to https://api.github.com/repositories/1/x",
        ),
        (200, [], {"check_runs": "none"}, "in a form that is not known here"),
        (200, [], {"total_count": 1, "check_runs": [{}]}, "in a form that is not known here"),
        (502, [], {}, "it is broken or busy"),
    ],
)
async def test_what_github_says_instead_is_unknown_and_says_what_to_do(status, headers, body, said):
    finding = await ask(lambda _: (status, headers, json.dumps(body)))
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary
