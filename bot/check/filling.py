"""What do `${version}` and `{env: NAME}` stand for in a check's parameters and rules?

`{env: NAME}` and `{file: PATH}` stand for a secret: it is read when it is needed and redacted from whatever is kept.
`prefix` goes in front of it: `{env: API_TOKEN, prefix: "Bearer "}`. What is no secret was put in place by `bot.config`.
"""

import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.errors import Cannot
from bot.plan import CheckPlan

#: What may stand as `${…}` in a parameter or a rule.
VARIABLES = ("version", "commit", "service", "environment", "previous", "deployment", "window")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")

#: What every program is given and nobody hides; the value of any other variable that a check reads may be a secret.
_HARMLESS = re.compile(r"(?i)PATH|HOME|LANG|LANGUAGE|LC_[A-Z]+|TZ|USER|LOGNAME|SHELL|TERM|PWD|TMPDIR|HOSTNAME")
#: Shorter values, and these, would hide common words.
_SHORTEST = 4
_COMMON = frozenset({"true", "false", "none", "null"})
_KEYS = frozenset({"env", "file", "prefix"})
#: Fits wherever a word or a number is asked for.
_STAND_IN = "0"


def resolved(value: Any, environ: Mapping[str, str], hidden: list[str]) -> Any:
    """The value with every reference replaced; what of it is secret is added to what is hidden."""

    def replace(reference: Mapping[str, Any]) -> str:
        bare = _read(reference, environ)
        hidden.append(bare)
        return str(reference.get("prefix", "")) + bare

    return _mapped(value, replace)


def resolve(value: Any, environ: Mapping[str, str]) -> Any:
    """The value with every reference replaced, secrets and all."""
    return resolved(value, environ, [])


class Lent(Mapping[str, str]):
    """The environment as a check is given it: what is read there by name is hidden, as what was referred to is."""

    def __init__(self, environ: Mapping[str, str], hidden: list[str], *, told: Iterable[str]) -> None:
        self._environ = environ
        self._hidden = hidden
        #: The service, the version: whoever reads the finding knows them anyway.
        self._told = {*told}

    def __getitem__(self, name: str) -> str:
        value = self._environ[name]
        common = len(value.strip()) < _SHORTEST or value.lower() in _COMMON or value in self._told
        if not common and not _HARMLESS.fullmatch(name) and value not in self._hidden:
            self._hidden.append(value)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._environ

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


def stood_in(value: Any) -> Any:
    """The value with something that fits in place of each reference."""
    return _mapped(value, lambda _: _STAND_IN)


def is_reference(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    keys = set(typing.cast("Mapping[Any, Any]", value))
    return keys <= _KEYS and len(keys & {"env", "file"}) == 1


def _mapped(value: Any, replace: typing.Callable[[Mapping[str, Any]], str]) -> Any:
    if is_reference(value):
        return replace(value)
    if isinstance(value, Mapping):
        return {key: _mapped(one, replace) for key, one in typing.cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_mapped(one, replace) for one in typing.cast("list[Any]", value)]
    return value


def _read(reference: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    if name := reference.get("env"):
        if value := environ.get(str(name), "").strip():
            return value
        raise Cannot(f"The environment variable {name} is not set, and this check needs it.")
    path = str(reference["file"])
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Cannot(f"The secret in {path} could not be read: {why}.") from error


def unknown_variables(value: Any) -> Iterator[str]:
    """Every `${…}` that stands for nothing."""
    for text in _texts(value):
        yield from (name for name in _VARIABLE.findall(text) if name not in VARIABLES)


def without_variables(text: str) -> str:
    """The text with a word in place of each `${…}`."""
    return _VARIABLE.sub("x", text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in typing.cast("Mapping[Any, Any]", value).values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in typing.cast("list[Any]", value):
            yield from _texts(one)


def filled(value: Any, release: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _fact(match[1], release), value)
    if isinstance(value, Mapping):
        mapping = typing.cast("Mapping[Any, Any]", value)
        return {key: filled(one, release) for key, one in mapping.items()}
    if isinstance(value, list | tuple):
        return [filled(one, release) for one in typing.cast("list[Any]", value)]
    return value


def filled_rules(plan: CheckPlan, release: Mapping[str, str]) -> CheckPlan:
    require, pass_, warn = (tuple(filled(list(rules), release)) for rules in (plan.require, plan.pass_, plan.warn))
    return replace(plan, require=require, pass_=pass_, warn=warn)


def _fact(name: str, release: Mapping[str, str]) -> str:
    if name in VARIABLES and (value := release.get(name, "")):
        return value
    if name == "window":
        raise Cannot("This is measured over the time since the deploy script began, and it has not begun.")
    raise Cannot(f"The {name} of this deployment is not known, and this check needs it.")
