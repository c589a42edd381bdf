"""How are the parameters of a start asked for, and how are they shown?"""

from collections.abc import Iterator, Mapping, Sequence

from bot.decide import parameters
from bot.model import Deployment
from bot.plan import ParameterKind, ParameterPlan
from bot.text import Raw, clip, esc
from bot.views import ids, kit
from bot.views.kit import Block


def fields(of: Sequence[ParameterPlan], said: Mapping[str, str], service: str, environment: str) -> Iterator[Block]:
    """One input for each, with what was said already, or with what holds when nothing is said."""
    for one in of:
        element = _element(one, said.get(one.key, "") or one.default)
        key = ids.parameter(service, environment, one.key)
        yield kit.field(key, one.title, element, hint=_hint(one), optional=not one.required)


def shown(deployment: Deployment) -> Raw:
    """`Region: eu · Seconds to watch: 2`, of very many the beginning; empty where there are none."""
    titles = {one.key: one.title for one in deployment.plan.parameters}
    said = " · ".join(f"{esc(titles[key])}: *{esc(said)}*" for key, said in deployment.parameters.items())
    return Raw(clip(said, 1000))


def plainly(deployment: Deployment) -> str:
    """The same in a question that a button asks, which shows text as it is."""
    titles = {one.key: one.title for one in deployment.plan.parameters}
    return ", ".join(f"{titles[key]}: {said}" for key, said in deployment.parameters.items())


def _element(one: ParameterPlan, said: str) -> Block:
    match one.kind:
        case ParameterKind.TEXT:
            return kit.text_input(initial=said, placeholder=one.example, most=parameters.MOST)
        case ParameterKind.NUMBER:
            return kit.number_input(initial=said, at_least=one.at_least, at_most=one.at_most)
        case ParameterKind.CHOICE:
            return kit.select([(choice, choice) for choice in one.choices], chosen=said)
        case ParameterKind.YES_NO:
            return kit.radio([("Yes", "yes"), ("No", "no")], said)


def _hint(one: ParameterPlan) -> str:
    """What it is for; and of what is typed, what may be written."""
    said = [one.about]
    if one.kind in {ParameterKind.TEXT, ParameterKind.NUMBER}:
        what = parameters.expected(one)
        said.append(f"{what[:1].upper()}{what[1:]}.")
        said.append(f"Left empty, it is {clip(one.default, 60)}." if one.default else "")
    if one.kind is ParameterKind.TEXT:
        said.append("Everybody can read it and it stays in the record, so write nothing personal.")
    return " ".join(part for part in said if part)
