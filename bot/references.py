"""Which values of a configuration stand elsewhere, and what are they?

`{env: NAME}` and `{file: PATH}` stand for a secret: it is read when it is needed and redacted from whatever is kept.
`prefix` goes in front of it: `{env: API_TOKEN, prefix: "Bearer "}`. What is no secret was put in place by `bot.config`.
"""

import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.errors import Cannot

_KEYS = frozenset({"env", "file", "prefix"})
#: Fits wherever a word or a number is asked for.
_STAND_IN = "0"


def resolved(value: Any, environ: Mapping[str, str]) -> tuple[Any, tuple[str, ...]]:
    """The value with every reference replaced, and what of it is secret."""
    hidden: list[str] = []

    def replace(reference: Mapping[str, Any]) -> str:
        bare = _read(reference, environ)
        hidden.append(bare)
        return str(reference.get("prefix", "")) + bare

    return _mapped(value, replace), tuple(hidden)


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
