"""Did everything that has to be green run on exactly this commit, and is it green?"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import Field

from bot.check import Context, check
from bot.errors import Cannot
from bot.model import Measured, Row, Value
from checks.api import Api, ask, server_time
from checks.pick import age

#: The form of GitHub's answers that is read here.
VERSION = "2022-11-28"
_PER_PAGE = 100
_MOST_PAGES = 20

PASSED, FAILED, NEUTRAL, PENDING, MISSING = "passed", "failed", "neutral", "pending", "missing"
#: GitHub gives up on a run that nobody finished and calls it stale; it has no result.
_CONCLUSIONS = {
    "success": PASSED,
    "neutral": NEUTRAL,
    "skipped": NEUTRAL,
    "failure": FAILED,
    "cancelled": FAILED,
    "timed_out": FAILED,
    "action_required": FAILED,
    "startup_failure": FAILED,
    "stale": PENDING,
}
_STATES = {"success": PASSED, "failure": FAILED, "error": FAILED, "pending": PENDING}
#: Of several of one name the worst counts.
_WORST = (FAILED, PENDING, NEUTRAL, PASSED)


class Params(Api):
    """Which repository, and what has to be green."""

    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="`owner/name` on GitHub.")
    required: list[str] = Field(
        min_length=1, description="Names of check runs (jobs) and of commit statuses, as the pull request shows them."
    )
    commit: str = Field(default="", description="The full name of the commit; empty: the deployment's.")
    api: str = Field(
        default="https://api.github.com", description="`https://HOST/api/v3` for GitHub Enterprise Server."
    )


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One check run or commit status."""

    name: str
    state: str
    word: str
    ended_s: float | None = None
    url: str = ""


@check(
    "ci",
    needs={"net"},
    values={
        "required": "how many have to be green",
        "passed": "how many are",
        "failed": "how many failed, were cancelled or timed out",
        "neutral": "how many ended without a result, such as skipped ones",
        "pending": "how many have not ended yet",
        "missing": "how many never began on this commit",
        "unsettled": "pending and missing ones; 0 as soon as one has failed, since that settles it",
        "age": "seconds since the oldest of them ended",
    },
    require=["unsettled == 0", "age <= 24h"],
    pass_=["failed == 0", "neutral == 0"],
    warn=["failed == 0"],
)
async def ci(params: Params, ctx: Context) -> Measured:
    """Ask GitHub for the check runs and the statuses of this commit, and look for each that is required by its name.

    The token needs to read checks and commit statuses: `headers: {Authorization: {env: GITHUB_TOKEN, prefix: "Bearer "}}`.

    Why: A green branch is not a green commit, and what never ran has not failed either.
    Fix: The evidence names the job and links to it; run it again for this commit.
    """
    commit = params.commit or ctx.release.get("commit", "")
    if len(commit) != 40 or not commit.isalnum():  # noqa: PLR2004 - a short name may be another commit's tomorrow
        raise Cannot("The full name of the commit is not known, and this check needs it.")
    seen = [*await _check_runs(params, ctx, commit), *await _statuses(params, ctx, commit)]
    found = {name: _of(name, seen) for name in params.required}
    counts = {
        state: sum(one.state == state for one in found.values())
        for state in (PASSED, FAILED, NEUTRAL, PENDING, MISSING)
    }
    ended = [one.ended_s for one in found.values() if one.ended_s is not None]
    values: dict[str, Value] = {
        "required": len(found),
        **counts,
        "unsettled": 0 if counts[FAILED] else counts[PENDING] + counts[MISSING],
    }
    if ended:
        values["age"] = max(ended)
    return Measured(
        values=values,
        rows=tuple(Row(subject=name, note=one.word) for name, one in found.items()),
        summary=_summary(found, commit),
        links=tuple(one.url for one in found.values() if one.url and one.state != PASSED)[:5],
    )


async def _check_runs(params: Params, ctx: Context, commit: str) -> list[Seen]:
    seen: list[Seen] = []
    async for page, now in _pages(params, ctx, commit, "check-runs", {"filter": "latest"}, "check_runs"):
        for run in page:
            if run["head_sha"] != commit:
                raise Cannot(f"GitHub answers with a run of commit {str(run['head_sha'])[:7]}, not of {commit[:7]}.")
            done = run["status"] == "completed"
            state = _CONCLUSIONS.get(run["conclusion"] or "", FAILED) if done else PENDING
            word = str(run["conclusion"] if done else run["status"]).replace("_", " ")
            ended = age(run.get("completed_at"), now) if state != PENDING else None
            seen.append(Seen(name=run["name"], state=state, word=word, ended_s=ended, url=run.get("html_url") or ""))
    return seen


async def _statuses(params: Params, ctx: Context, commit: str) -> list[Seen]:
    """The combined status has the newest of each context."""
    seen: list[Seen] = []
    async for page, now in _pages(params, ctx, commit, "status", {}, "statuses"):
        for one in page:
            state = _STATES.get(one["state"], FAILED)
            ended = age(one.get("updated_at"), now) if state != PENDING else None
            seen.append(
                Seen(
                    name=one["context"], state=state, word=one["state"], ended_s=ended, url=one.get("target_url") or ""
                )
            )
    return seen


async def _pages(
    params: Params, ctx: Context, commit: str, what: str, query: Mapping[str, str], key: str
) -> AsyncIterator[tuple[Iterable[Mapping[str, Any]], datetime]]:
    """Page after page until there are as many as GitHub says that there are."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
    read = 0
    for number in range(1, _MOST_PAGES + 1):
        asked = urlencode({**query, "per_page": _PER_PAGE, "page": number})
        url = f"{params.api.rstrip('/')}/repos/{params.repository}/commits/{quote(commit)}/{what}?{asked}"
        document, answer = await ask(params, ctx, url, headers=headers, refusals=(422,))
        if answer.status == 422:  # noqa: PLR2004 - GitHub's own for a commit that is not there
            raise Cannot(f"GitHub knows no commit {commit[:7]} in {params.repository}; was it pushed?")
        now = server_time(answer, ctx.clock.now())
        try:
            page, total = document[key], int(document["total_count"])
            yield _sound(page), now
        except (KeyError, TypeError, ValueError) as error:
            raise Cannot("GitHub answers in a form that is not known here.") from error
        read += len(page)
        if read >= total or not page:
            return
    raise Cannot(f"GitHub has more than {_PER_PAGE * _MOST_PAGES} {what} for {commit[:7]}.")


def _sound(page: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """What is not as it should be is found before any of it counts."""
    for one in page:
        if not ({"name", "status", "conclusion", "head_sha"} <= set(one) or {"context", "state"} <= set(one)):
            raise KeyError("name")
    return page


def _of(name: str, seen: Sequence[Seen]) -> Seen:
    mine = [one for one in seen if one.name == name]
    if not mine:
        return Seen(name=name, state=MISSING, word="never began on this commit")
    oldest = max((one.ended_s for one in mine if one.ended_s is not None), default=None)
    worst = min(mine, key=lambda one: _WORST.index(one.state))
    return Seen(name=name, state=worst.state, word=worst.word, ended_s=oldest, url=worst.url)


def _summary(found: Mapping[str, Seen], commit: str) -> str:
    return "; ".join(_facts(found, commit))


def _facts(found: Mapping[str, Seen], commit: str) -> Iterator[str]:
    passed = sum(one.state == PASSED for one in found.values())
    yield f"{passed} of {len(found)} green at {commit[:7]}"
    yield from [f"{one.name}: {one.word}" for one in found.values() if one.state != PASSED][:3]
