"""What of a measurement is kept, and how is it said in one line?"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from bot import judge
from bot.model import Condition, Measured, Row, Value, Verdict
from bot.text import clip, redact

MOST_ROWS = 200
LONGEST_TEXT = 500
LONGEST_SUMMARY = 240


def cleaned(measured: Measured, hidden: Collection[str]) -> Measured:
    """What may be stored: no secrets, no novels, no numbers that are none."""

    def text(value: str) -> str:
        return clip(redact(value, hidden), LONGEST_TEXT)

    def values(given: Mapping[str, Value]) -> dict[str, Value]:
        kept = {text(name): judge.known(value) for name, value in given.items()}
        return {name: text(one) if isinstance(one, str) else one for name, one in kept.items() if one is not None}

    return replace(
        measured,
        values=values(measured.values),
        rows=tuple(
            Row(subject=text(row.subject), values=values(row.values), note=text(row.note))
            for row in measured.rows[:MOST_ROWS]
        ),
        links=tuple(map(text, measured.links)),
    )


def summary(
    verdict: Verdict,
    conditions: tuple[Condition, ...],
    measured: Measured | None,
    problem: str,
    *,
    told: Collection[str],
    hidden: Collection[str],
) -> str:
    """One line for people: what decided, then what was seen. `told`: values about which the plugin's own words say all."""
    line = problem or _line(verdict, conditions, measured.summary if measured else "", told)
    return clip(redact(" ".join(line.split()), hidden), LONGEST_SUMMARY)


def _line(verdict: Verdict, conditions: tuple[Condition, ...], seen: str, told: Collection[str]) -> str:
    if verdict is Verdict.PASS:
        return seen or "; ".join(judge.describe(one) for one in conditions[:2])
    wanted = None if verdict is Verdict.UNKNOWN else False
    deciding = [one for one in conditions if one.held is wanted] or [one for one in conditions if not one.held]
    rules = [(one, judge.parse(one.rule)) for one in deciding]
    if seen and verdict is not Verdict.UNKNOWN:
        # What is either right or wrong is better said in the plugin's words than as `failed 3, none is allowed`; of a number
        # with a limit the limit has to be said.
        rules = [(one, rule) for one, rule in rules if rule.op != "==" or rule.name not in told]
    if not rules:
        return seen
    others = len({rule.name for _, rule in rules} - {rules[0][1].name})
    first = judge.describe(rules[0][0]) + (f" (and {others} more)" if others else "")
    return f"{first}; {seen}" if seen else first
