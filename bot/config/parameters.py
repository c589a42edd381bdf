"""What may a start say besides its version?"""

from dataclasses import replace

from bot.config import patterns, shape
from bot.config.site import Path, Site
from bot.decide import parameters as decided
from bot.errors import Refused
from bot.plan import ParameterKind, ParameterPlan

#: A form of Slack has a hundred places; these leave room for what every start is asked for, and for what is in the way.
_MOST = 50
#: A menu of Slack takes so many, and so long ones.
_MOST_CHOICES, _LONGEST_CHOICE = 100, 75

#: Which type each key belongs to.
_OF = {
    "pattern": ParameterKind.TEXT,
    "example": ParameterKind.TEXT,
    "choices": ParameterKind.CHOICE,
    "at_least": ParameterKind.NUMBER,
    "at_most": ParameterKind.NUMBER,
}


def parameters(site: Site) -> tuple[ParameterPlan, ...]:
    written = site.layer.parameters
    if len(written) > _MOST:
        site.wrong(("parameters",), f"has {len(written)} entries; the form has room for {_MOST}")
    return tuple(_parameter(site, ("parameters", key), key, one) for key, one in written.items())


def _parameter(site: Site, path: Path, key: str, one: shape.Parameter) -> ParameterPlan:
    before = len(site.mistakes)
    site.key(path)
    kind = ParameterKind(one.type)
    for name, of in _OF.items():
        if of is not kind and site.node.get(*path, name):
            site.wrong((*path, name), f"belongs to `type: {of}`, and this is a {kind}")
    plan = ParameterPlan(
        key=key,
        title=one.title,
        about=one.about,
        kind=kind,
        pattern=one.pattern,
        example=one.example,
        choices=tuple(one.choices),
        at_least=one.at_least,
        at_most=one.at_most,
        default=_default(site, path, one.default),
        required=one.required,
    )
    _of_its_kind(site, path, plan)
    if plan.required and plan.default:
        site.wrong((*path, "required"), "has a default, so it is never missing; leave one of the two out")
    if len(site.mistakes) > before:
        return plan
    _right(site, (*path, "example"), plan, plan.example)
    return replace(plan, default=_right(site, (*path, "default"), plan, plan.default))


def _right(site: Site, path: Path, plan: ParameterPlan, said: str) -> str:
    """What somebody may say for it, as scripts get it."""
    try:
        return decided.value(plan, said) if said else ""
    except Refused:
        text = plan.kind is ParameterKind.TEXT
        what = f"a text that matches {plan.pattern}" if text else decided.expected(plan)
        site.wrong(path, f'expected {what}, found "{said}"')
        return said


def _default(site: Site, path: Path, written: object) -> str:
    """As somebody would have typed it."""
    if isinstance(written, list | dict):
        site.wrong((*path, "default"), "expected one value")
    if isinstance(written, bool):
        return "yes" if written else "no"
    return "" if written is None else str(written)


def _of_its_kind(site: Site, path: Path, plan: ParameterPlan) -> None:
    match plan.kind:
        case ParameterKind.TEXT:
            if not plan.pattern:
                site.wrong(path, "is a text without a `pattern`; scripts get only what one allows")
            elif mistake := patterns.mistake(plan.pattern):
                site.wrong((*path, "pattern"), mistake)
        case ParameterKind.CHOICE:
            _choices(site, path, plan.choices)
        case ParameterKind.NUMBER:
            if plan.at_least is not None and plan.at_most is not None and plan.at_least > plan.at_most:
                site.wrong((*path, "at_most"), f"is less than `at_least`, {plan.at_least}; no number is both")
        case ParameterKind.YES_NO:
            pass


def _choices(site: Site, path: Path, choices: tuple[str, ...]) -> None:
    if not 1 <= len(choices) <= _MOST_CHOICES:
        site.wrong(path, f"needs `choices`, at least one and at most {_MOST_CHOICES}; found {len(choices)}")
    for number, choice in enumerate(choices):
        if choice in choices[:number]:
            site.wrong((*path, "choices", number), f'"{choice}" stands here twice; keep one of them')
        if len(choice) > _LONGEST_CHOICE:
            site.wrong((*path, "choices", number), f"is longer than a menu shows: {_LONGEST_CHOICE} characters")
