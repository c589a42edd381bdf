"""Do the verdicts of a deployment follow from what was stored? Anybody can work them out again, without a network."""

from dataclasses import dataclass, replace

from bot import judge
from bot.check.filling import filled_rules
from bot.check.plugin import completed
from bot.decide.steps import SEEN
from bot.engine.measuring import plan_of, release, seen_plan
from bot.errors import TMinusError
from bot.model import Deployment, Finding, Measured
from bot.plan import CheckPlan
from bot.recorded import KINDS


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One verdict, worked out again."""

    check: str
    #: Empty when it could not be worked out.
    now: str
    told: str
    differs: bool


def rejudged(deployment: Deployment) -> list[Judged]:
    """Each stored finding against the rules of the plan that the deployment pinned when it was opened."""
    return [_one(deployment, finding) for _, finding in sorted(deployment.findings.items())]


def _one(deployment: Deployment, finding: Finding) -> Judged:
    plan = _pinned(deployment, finding)
    if plan is None:
        told = "the pinned plan has no such check"
        return Judged(check=finding.check, now="", told=told, differs=True)
    try:
        ruled = _ruled(plan, deployment, finding)
    except TMinusError as problem:
        # The same was so when it was measured, and then nothing was judged.
        return Judged(check=finding.check, now=finding.verdict, told=str(problem), differs=bool(finding.values))
    if not finding.conditions and not finding.values:
        told = f"nothing was measured: {finding.summary}"
        verdict, _ = judge.judge(ruled, None, finding.baseline)
        return Judged(check=finding.check, now=verdict, told=told, differs=verdict is not finding.verdict)
    verdict, conditions = judge.judge(ruled, Measured(values=finding.values), finding.baseline)
    changed = [one for one, stored in zip(conditions, finding.conditions, strict=False) if one != stored]
    if verdict is not finding.verdict:
        why = "; ".join(judge.describe(one) for one in conditions if one.held is not True) or "every rule holds"
        return Judged(check=finding.check, now=verdict, told=f"stored as {finding.verdict}: {why}", differs=True)
    if changed or len(conditions) != len(finding.conditions):
        told = f"the same verdict by other conditions: {'; '.join(map(judge.describe, changed)) or 'their number'}"
        return Judged(check=finding.check, now=verdict, told=told, differs=True)
    return Judged(check=finding.check, now=verdict, told="as stored", differs=False)


def _pinned(deployment: Deployment, finding: Finding) -> CheckPlan | None:
    if finding.check != SEEN:
        return plan_of(deployment, finding.check)
    # Which version had to be seen depended on the phase then, and stands with the finding.
    plan = seen_plan(deployment)
    return plan and replace(plan, pass_=tuple(one.rule for one in finding.conditions) or plan.pass_)


def _ruled(plan: CheckPlan, deployment: Deployment, finding: Finding) -> CheckPlan:
    if plan.uses in KINDS:
        return plan
    return filled_rules(completed(plan), release(deployment, finding.measured_at))
