"""What does a measurement mean: pass, warn, fail, or unknown?"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.errors import ConfigError
from bot.model import Condition, Measured, Value, Verdict
from bot.plan import CheckPlan

#: What one of a unit is in base units. `m` is left out on purpose: it could be a minute, a metre or a thousandth.
UNITS: Mapping[str, float] = {
    "%": 0.01,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "B": 1.0,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
    "KiB": 2.0**10,
    "MiB": 2.0**20,
    "GiB": 2.0**30,
    "TiB": 2.0**40,
}
_DURATIONS = frozenset({"us", "ms", "s", "min", "h", "d", "w"})
_BYTES = frozenset({"B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"})

_NAME = re.compile(r'\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[A-Za-z_][\w.-]*))')
_OPERATOR = re.compile(r"\s*(==|!=|<=|>=|<|>)")
_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?"
_UNIT = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_LITERAL = re.compile(rf"(?P<number>[+-]?{_NUMBER})\s*(?P<unit>{_UNIT})?(?P<rate>/s)?\Z")
_BASELINE = re.compile(
    rf"baseline(?:\s*(?P<sign>[+-])\s*(?P<number>{_NUMBER})\s*(?P<unit>{_UNIT})?(?P<rate>/s)?)?\s*\Z"
)
_QUOTED = re.compile(r'"(?P<text>[^"]*)"\Z')
_WORD = re.compile(r"[\w.+:/@-]+\Z")


@dataclass(frozen=True, kw_only=True)
class Relative:
    """A threshold that is worked out from the baseline: `baseline +50%` is amount 0.5, a share."""

    amount: float = 0.0
    share: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`NAME OP VALUE`, read."""

    text: str
    name: str
    op: str
    value: Value | Relative
    #: The value as it was written, without quotes: what a measured word is compared with.
    written: str
    #: `s`, `B`, `%` or empty: how people read these values.
    kind: str = ""


def parse(text: str) -> Rule:
    """Read a rule, or say at which column it stops making sense."""
    name = _NAME.match(text)
    if name is None:
        raise _mistake(text, 0, "a rule begins with the name of a value, as in 'days_left >= 21'")
    operator = _OPERATOR.match(text, name.end())
    if operator is None:
        raise _mistake(text, name.end(), "after the name comes one of == != < <= > >=")
    start = operator.end() + len(text[operator.end() :]) - len(text[operator.end() :].lstrip())
    written = text[start:].strip()
    value, kind = _value(text, written, start, operator[1])
    return Rule(
        text=text.strip(),
        name=name["quoted"] or name["bare"],
        op=operator[1],
        value=value,
        written=written.strip('"'),
        kind=kind,
    )


def _value(text: str, written: str, column: int, op: str) -> tuple[Value | Relative, str]:
    if not written:
        raise _mistake(text, column, "after the operator comes a number, a word, true, false or baseline")
    if written in {"true", "false"}:
        value: Value | Relative = written == "true"
    elif match := _LITERAL.match(written):
        number = float(match["number"]) * UNITS.get(match["unit"] or "", 1.0)
        if not math.isfinite(number):
            raise _mistake(text, column, f"'{written}' is larger than any number")
        return number, _kind(match["unit"])
    elif match := _BASELINE.match(written):
        amount = float(match["number"] or 0) * UNITS.get(match["unit"] or "", 1.0)
        if not math.isfinite(amount):
            raise _mistake(text, column, f"'{written}' is larger than any number")
        share = match["unit"] == "%"
        relative = Relative(amount=-amount if match["sign"] == "-" else amount, share=share)
        return relative, "" if share else _kind(match["unit"])
    elif match := _QUOTED.match(written):
        value = match["text"]
    elif written[0].isdigit() and op not in {"==", "!="}:
        raise _mistake(text, column, f"'{written}' is not a number with a unit; units are {', '.join(UNITS)} and /s")
    elif _WORD.match(written):
        value = written
    else:
        raise _mistake(text, column, f"'{written}' is not one number, word, true, false or baseline")
    if op not in {"==", "!="}:
        raise _mistake(text, column, f"only numbers have an order; with '{written}' use == or !=")
    return value, ""


def _kind(unit: str | None) -> str:
    if unit in _DURATIONS:
        return "s"
    if unit in _BYTES:
        return "B"
    return unit or ""


def _mistake(text: str, column: int, expected: str) -> ConfigError:
    return ConfigError(f"rule '{text}', column {column + 1}: {expected}")


# ── Judging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def judge(
    plan: CheckPlan, measured: Measured | None, baseline: Mapping[str, Value] | None = None
) -> tuple[Verdict, tuple[Condition, ...]]:
    """Hold what was measured against the rules of the plan.

    A rule over something that was not measured holds neither way, so silence never passes and never fails.
    """
    values = measured.values if measured else {}
    require, pass_, warn = (
        tuple(decide(parse(rule), values, baseline or {}) for rule in rules)
        for rules in (plan.require, plan.pass_, plan.warn)
    )
    return _verdict(require, pass_, warn), _told(require, pass_, warn)


def _verdict(require: Sequence[Condition], pass_: Sequence[Condition], warn: Sequence[Condition]) -> Verdict:
    if not all(one.held for one in require):
        return Verdict.UNKNOWN
    if pass_ and all(one.held for one in pass_):
        return Verdict.PASS
    if warn and all(one.held for one in warn):
        return Verdict.WARN
    if any(one.held is False for one in (*pass_, *warn)):
        return Verdict.FAIL
    return Verdict.UNKNOWN


def _told(require: Sequence[Condition], pass_: Sequence[Condition], warn: Sequence[Condition]) -> tuple[Condition, ...]:
    """Every condition once: the warn ladder repeats most of what the pass ladder says."""
    seen: dict[str, Condition] = {}
    for one in (*require, *pass_, *warn):
        seen.setdefault(one.rule, one)
    return tuple(seen.values())


def decide(rule: Rule, values: Mapping[str, Value], baseline: Mapping[str, Value]) -> Condition:
    measured = known(values.get(rule.name))
    if isinstance(rule.value, Relative):
        threshold = _threshold(rule.value, known(baseline.get(rule.name)))
        held = None if threshold is None else _holds(rule.op, measured, threshold, str(threshold))
        return Condition(rule=rule.text, measured=measured, held=held, threshold=threshold)
    return Condition(rule=rule.text, measured=measured, held=_holds(rule.op, measured, rule.value, rule.written))


def known(value: Value | None) -> Value | None:
    """NaN and infinity are what 0/0 and 1/0 leave behind; they are not measurements."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _threshold(relative: Relative, base: Value | None) -> Value | None:
    if base is None:
        return None
    if isinstance(base, bool | str):
        return base if not relative.amount else None
    if not relative.share:
        return known(base + relative.amount)
    # A share of nothing is nothing: every change from zero would be infinitely large.
    return known(base + abs(base) * relative.amount) if base else None


def _holds(op: str, measured: Value | None, threshold: Value, written: str) -> bool | None:
    if measured is None:
        return None
    if isinstance(measured, str):
        # A version such as 1.4 reads as a number, yet is meant as a word when a word was measured.
        return {"==": measured == written, "!=": measured != written}.get(op)
    if isinstance(threshold, str) or isinstance(measured, bool) != isinstance(threshold, bool):
        return None
    return {
        "==": measured == threshold,
        "!=": measured != threshold,
        "<": measured < threshold,
        "<=": measured <= threshold,
        ">": measured > threshold,
        ">=": measured >= threshold,
    }[op]


# ── For people ───────────────────────────────────────────────────────────────────────────────────────────────────────

_NEEDED = {
    "==": "{} is needed",
    "!=": "anything but {} is needed",
    "<": "less than {} is needed",
    "<=": "at most {} is allowed",
    ">": "more than {} is needed",
    ">=": "at least {} is needed",
}
#: How values are read whose rule has no unit, by the last word of their name.
_KIND_BY_NAME = {
    **dict.fromkeys(("age", "gap", "latency", "duration", "interval", "ttl", "s", "p50", "p95", "p99", "after"), "s"),
    **dict.fromkeys(("size", "bytes"), "B"),
    **dict.fromkeys(("ratio", "share", "upper95", "lower95"), "%"),
}

#: Of what ends in one of these, 0 is one value of many and not the absence of something.
_NO_COUNT = {"exit", "code", "value", "status", "age", "depth"}


def describe(condition: Condition) -> str:
    """One condition in words: `days left 5, at least 21 is needed`."""
    rule = parse(condition.rule)
    kind = rule.kind or _usual_kind(rule.name)
    relative = isinstance(rule.value, Relative)
    needed = condition.threshold if isinstance(rule.value, Relative) else rule.value
    has = named(rule.name, condition.measured, kind)
    if needed is None:
        return f"{has}, and there is no baseline to compare it with"
    if isinstance(condition.measured, str):
        needed = rule.written if not relative else needed
    counted = rule.op == "==" and needed == 0 and not isinstance(needed, bool) and _last(rule.name) not in _NO_COUNT
    wanted = "none is allowed" if counted else _NEEDED[rule.op].format(show(needed, kind))
    return f"{has}, {wanted}" + (f" ({rule.written})" if relative else "")


def named(name: str, measured: Value | None, kind: str = "") -> str:
    """One value with its name as people read it: `days left 5`, `verified: no`, `longest gap 250 ms`."""
    words = name.replace("_", " ")
    if measured is None:
        return f"{words} was not measured"
    if isinstance(measured, bool):
        return f"{words}: {show(measured)}"
    return f"{words} {show(measured, kind or _usual_kind(name))}"


def _usual_kind(name: str) -> str:
    return _KIND_BY_NAME.get(_last(name), "")


def _last(name: str) -> str:
    return re.split(r"[_.]", name)[-1]


def show(value: Value, kind: str = "") -> str:
    """A value as people read it: yes, 1 d 2 h, 0.1 %, 5.2 MB."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if kind == "s":
        return duration(value)
    if kind == "B":
        return size(value)
    if kind == "%":
        return f"{_plain(value * 100)} %"
    return _plain(value)


def duration(seconds: float) -> str:
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds == 0:
        return "0 s"
    if seconds < 1:
        return f"{_plain(seconds * 1000)} ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{_plain(seconds)} s"
    whole = round(seconds)
    parts = (whole // 86400, "d"), (whole % 86400 // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s")
    first = next(index for index, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:  # noqa: PLR2004 - the step of the units
            return f"{_plain(count)} {unit}"
        count /= 1000
    return f"{_plain(count)} TB"


def _plain(number: float) -> str:
    """Three significant digits are what an eye takes in; whole numbers are shown whole."""
    if number == round(number) and abs(number) < 1e15:  # noqa: PLR2004 - beyond this floats are not exact
        return f"{round(number):,}"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{min(digits, 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
