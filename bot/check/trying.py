"""How is a check tried out, in a test or by hand, exactly as the bot measures and judges it?

finding = try_check("queue", url="http://127.0.0.1:8080/", allow_private=True)
assert finding.verdict == "pass"
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.check.measuring import measure
from bot.check.outside import from_file
from bot.check.plugin import Context
from bot.check.valid import validate
from bot.model import Finding, Value
from bot.net import Net
from bot.plan import CheckPlan

__all__ = ["from_file", "run_check", "try_check"]


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


def try_check(uses: str, **given: Any) -> Finding:
    """The same as `run_check`, for a test that is no coroutine."""
    return asyncio.run(run_check(uses, **given))


async def run_check(
    uses: str,
    *,
    rules: Mapping[str, Sequence[str]] | None = None,
    environ: Mapping[str, str] | None = None,
    release: Mapping[str, str] | None = None,
    baseline: Mapping[str, Value] | None = None,
    limit_s: float = 20.0,
    **with_: Any,
) -> Finding:
    """Measure once and judge by the check's own rules, or by `rules={"pass_": [...], "warn": [...], "require": [...]}`.

    Everything else is what stands under `with` in app.yaml, and what `check-config` would refuse is refused here.
    """
    given: dict[str, Any] = {key: tuple(value) for key, value in (rules or {}).items()}
    plan = replace(CheckPlan(name=uses, uses=uses, with_=with_, attempts=1, timeout_s=limit_s), **given)
    validate(plan)
    with TemporaryDirectory(prefix="t-minus-", ignore_cleanup_errors=True) as folder:
        ctx = Context(
            clock=_Now(),
            net=Net(),
            work=Path(folder),
            deadline=time.monotonic() + limit_s + 1,
            release=release or {},
            environ={**os.environ, **(environ or {})},
        )
        return await measure(plan, ctx, baseline)
