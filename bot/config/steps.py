"""What is done in which phase, and what proposes to take it back?"""

from bot.config import shape
from bot.config.site import Path, Site
from bot.config.tree import dotted
from bot.plan import Stage, StepKind, StepPlan, TriggerPlan


def steps(site: Site) -> tuple[StepPlan, ...]:
    plans: list[StepPlan] = []
    for stage in Stage:
        path: Path = ("steps", stage.value)
        written: dict[str, shape.Step] = getattr(site.layer.steps, stage.value)
        for key, step in site.entries(path, written).items():
            plans.append(_step(site, (*path, key), key, step, stage))
    aborting = [one.key for one in plans if one.stage is Stage.ABORTING]
    for one in plans:
        if one.undo:
            site.named((*site.steps[one.key], "undo"), one.undo, aborting, "aborting step")
    return tuple(plans)


def _step(site: Site, path: Path, key: str, step: shape.Step, stage: Stage) -> StepPlan:
    if key in site.steps:
        site.wrong(path, f"the key {key} is taken by {dotted(site.steps[key])}; every step has a key of its own")
    site.steps[key] = path
    kind = _kind(site, path, step)
    for number, name in enumerate(step.checks):
        site.uses_check((*path, "checks", number), name)
    if step.script:
        site.named((*path, "script"), step.script, site.layer.scripts, "script")
        site.scripts[step.script] = None
    site.named((*path, "confirm"), step.confirm, site.layer.roles, "role")
    site.named((*path, "approved_by"), step.approved_by, site.layer.roles, "role")
    if step.approved_by and kind is not StepKind.SCRIPT:
        site.wrong((*path, "approved_by"), "only a script waits for an approval")
    if step.sees and not site.layer.release.seen:
        site.wrong((*path, "sees"), "needs `release.seen`: the check that sees which version answers")
    if step.only_if and not site.layer.release.schema_path:
        site.wrong((*path, "only_if"), "needs `release.schema_path`: where the schema of the database stands")
    return StepPlan(
        key=key,
        title=step.title,
        about=step.about,
        stage=stage,
        kind=kind,
        script=step.script,
        checks=tuple(step.checks),
        announce=step.announce,
        role=step.confirm or step.approved_by,
        only_if=step.only_if,
        undo=step.undo,
        no_return=step.no_return,
        sees=step.sees,
    )


def _kind(site: Site, path: Path, step: shape.Step) -> StepKind:
    """A step does one thing, which is said by the key that is there; what a script did may be measured afterwards."""
    said = [
        kind
        for kind, value in (
            (StepKind.SCRIPT, step.script),
            (StepKind.CHECKS, step.checks and not step.script),
            (StepKind.ANNOUNCE, step.announce),
            (StepKind.CONFIRM, step.confirm),
        )
        if value
    ]
    if len(said) != 1:
        found = " and ".join(said) or "none of them"
        site.wrong(path, f"expected exactly one of script, checks, announce, confirm; found {found}")
    return said[0] if said else StepKind.CONFIRM


def triggers(site: Site) -> tuple[TriggerPlan, ...]:
    plans: list[TriggerPlan] = []
    for key, one in site.entries(("triggers",), site.layer.triggers).items():
        path: Path = ("triggers", key)
        check = "" if one.check == "none" else one.check
        if check:
            site.uses_check((*path, "check"), check)
        elif one.auto:
            site.wrong((*path, "auto"), "nothing rolls back by itself without a check that says so")
        if one.fail_after > one.of:
            site.wrong((*path, "fail_after"), f"{one.fail_after} of {one.of} samples can never be reached")
        plans.append(
            TriggerPlan(
                key=key,
                title=one.title,
                check=check,
                every_s=one.every,
                fail_after=one.fail_after,
                of=one.of,
                unknown_after=one.unknown_after,
                auto=one.auto,
            )
        )
    return tuple(plans)
