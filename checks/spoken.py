"""How does a line of a log read, when somebody looks at it who did not write the service?"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

#: Where programs put what they say, and how loud; the first that is there counts.
_MESSAGE = ("message", "msg", "event", "error", "err", "exception", "log", "text")
_LEVEL = ("level", "severity", "levelname", "lvl", "log.level")
#: Numbers for levels, as pino and bunyan write them.
_NUMBERED = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}
#: A request is told as people type it.
_REQUEST = ("method", "path", "status")
#: When it was, and the names of single requests and processes, say nothing about the kind of a line.
_PASSED_OVER = re.compile(r"(?i)^(@?time(stamp)?|ts|at|date|pid|thread|hostname|.*(request|trace|span)(_?id)?)$")
_WHEN = re.compile(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z| ?[+-]\d\d:?\d\d)?\]?\s+(?=\S)")
_LONGEST = 60


def spoken(line: str) -> str:
    """`error: handle 17 is closed (path /api/orders)`: level and message, then what else is told; anything else as it stands."""
    try:
        known = json.loads(line)
    except ValueError:
        known = None
    if not isinstance(known, Mapping) or not known:
        return _WHEN.sub("", line)
    fields = {str(key): value for key, value in known.items()}
    level = _take(fields, _LEVEL)
    said = _take(fields, _MESSAGE) or _request(fields)
    rest = ", ".join(_told(fields))
    told = f"{said} ({rest})" if said and rest else said or rest
    level = _NUMBERED.get(int(level), level) if level.isdecimal() else level.lower()
    return ": ".join(filter(None, [level, told])) or line


def _take(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first of these that says something, which is then told."""
    for name in names:
        key = next((one for one in fields if one.lower() == name), "")
        value = fields.get(key)
        if key and isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            del fields[key]
            return " ".join(str(value).split())
    return ""


def _request(fields: dict[str, Any]) -> str:
    if not all(isinstance(fields.get(name), str | int) for name in _REQUEST):
        return ""
    return " ".join(str(fields.pop(name)) for name in _REQUEST)


def _told(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if value in ("", None, [], {}) or _PASSED_OVER.match(name):
            continue
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = " ".join(shown.split())
        yield f"{name} {shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + '…'}"
