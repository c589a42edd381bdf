"""What do "15 min", "100 MB" and "50/s" mean in numbers?"""

import re

SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3}

#: What a number with a unit looks like; the JSON Schema for editors uses the same forms.
DURATION = r"^([0-9]+(\.[0-9]+)?) ?(ms|s|min|h|d)$"
SIZE = r"^([0-9]+(\.[0-9]+)?) ?(B|kB|KB|MB|GB)$"
RATE = r"^([0-9]+(\.[0-9]+)?) ?/ ?s$"


def duration(value: object) -> float:
    """Seconds."""
    found = re.match(DURATION, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'expected a duration such as "15 min", "2 h", "7 d" or "500 ms", found {shown(value)}')
    return float(found[1]) * SECONDS[found[3]]


def size(value: object) -> int:
    """Bytes."""
    found = re.match(SIZE, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'expected a size such as "100 MB" or "20 kB", found {shown(value)}')
    return int(float(found[1]) * BYTES[found[3]])


def rate(value: object) -> float:
    """Times a second."""
    found = re.match(RATE, value) if isinstance(value, str) else None
    if found is None or float(found[1]) <= 0:
        raise ValueError(f'expected a rate such as "20/s" or "0.5/s", found {shown(value)}')
    return float(found[1])


def written(value: object, form: str) -> object:
    """A number of base units as people write it: 1800 seconds are "30 min"."""
    if form == RATE:
        return f"{value:g}/s"
    units = {DURATION: SECONDS, SIZE: BYTES}.get(form)
    if units is None or not isinstance(value, int | float):
        return value
    whole = [unit for unit, worth in units.items() if value >= worth and value % worth == 0] or [next(iter(units))]
    return f"{value / units[whole[-1]]:g} {whole[-1]}"


def shown(value: object) -> str:
    """A value as its writer wrote it, near enough, and never long."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f'"{value[:40]}…"' if len(value) > 40 else f'"{value}"'  # noqa: PLR2004 - enough to recognise it by
        case _:
            return str(value)


def listed(found: object) -> object:
    """One name is a list of one."""
    return [found] if isinstance(found, str) else found
