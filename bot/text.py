"""How do words, times and numbers become text that is safe and short enough for Slack?"""

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, quote_plus

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError

from bot.errors import ConfigError
from bot.model import MACHINE

#: The prose that people may edit without touching code.
TEMPLATES = Path(__file__).parent.parent / "templates"

#: What stands in place of a secret.
HIDDEN = "•••"

Style = Literal["time", "date_time", "day"]

#: Slack's own formatting of a moment, and how the fallback for clients without date tokens is written.
_STYLES: Mapping[Style, tuple[str, str]] = {
    "time": ("{time}", "%H:%M UTC"),
    "date_time": ("{date_short_pretty} {time}", "%-d %b %Y %H:%M UTC"),
    "day": ("{date_short_pretty}", "%-d %b %Y"),
}

#: A mention, link, date token or entity that a cut has left without its end.
_TORN = re.compile(r"(?:<(?:[@#!]|https?:|mailto:)[^<>]*|<|&(?:a(?:mp?)?|lt?|gt?)?)$")

#: Slack has no escape for the signs of its own formatting, so where it would read one, another stands that looks the same.
LOOK_ALIKE: Mapping[str, str] = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"}

#: Each such sign; but an address stays as it is to be followed, and one word in backticks, or one after /deploy, restyles nothing else.
_SIGN = re.compile(r"(?P<kept>https?://\S*[^\s*_~`.,;:!?)]|(?<![\w`])`(?:/deploy )?[^\s`]+`(?![\w`]))|[*_~`]")

#: Ids of people in Slack; the underscore is for worlds that are written by hand.
_SLACK_USER = re.compile(r"[UW][A-Z0-9_]+")

#: A line of a longer secret (a private key) is hidden by itself from this length on; shorter ones are common words.
_TELLING_LINE = 8
#: What a shorter secret looks like in another form is too short to be told from any word.
_TELLING_FORM = 4

#: Where one unit ends and the next begins.
_SHORT_S, _MINUTE, _HOUR, _HALF_A_DAY, _TWO_DAYS = 0.01, 60, 3600, 43_200, 172_800

#: Below few of a unit the next smaller digit matters; from many of it on, people say the next unit.
_FEW, _MANY = 10, 1000


class Raw(str):
    """Text that is safe to show as it is: escaped already, or written by us (a mention, a date token)."""

    __slots__ = ()


def esc(text: str) -> Raw:
    """Make text from people and machines harmless: no mention, no link, no ping, no formatting. Escapes only once."""
    if isinstance(text, Raw):
        return text
    return Raw(_entities(_SIGN.sub(_as_a_sign, text)))


def code(text: str) -> Raw:
    """A name or an address, as it is to be copied: within backticks only a backtick means anything."""
    return Raw(f"`{_entities(text.replace('`', LOOK_ALIKE['`'])) or ' '}`")


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _as_a_sign(found: re.Match[str]) -> str:
    if found["kept"] is not None:
        return found["kept"]
    before, after = found.string[found.start() - 1 : found.start()], found.string[found.end() : found.end() + 1]
    within_a_word = found[0] != "`" and before.isalnum() and after.isalnum()
    return found[0] if within_a_word else LOOK_ALIKE[found[0]]


def clip(text: str, limit: int) -> str:
    """At most `limit` characters; what is cut off is shown by an ellipsis. Never cuts through a mention or an entity."""
    if len(text) <= limit:
        return text
    kept = _TORN.sub("", text[: max(limit - 1, 0)]).rstrip() + "…" if limit > 0 else ""
    return Raw(kept) if isinstance(text, Raw) else kept


def redact(text: str, secrets: Iterable[str]) -> str:
    """Hide every secret, in each form in which it is sent, and every telling line of one of several lines."""
    pattern = _secret(frozenset(secrets))
    return pattern.sub(HIDDEN, text) if pattern else text


@lru_cache(maxsize=64)
def _secret(secrets: frozenset[str]) -> re.Pattern[str] | None:
    """Whatever gives one of them away; the longest match wins."""
    hidden: set[str] = set()
    for secret in secrets:
        bare = secret.strip()
        hidden.add(bare)
        if len(bare) >= _TELLING_FORM:
            hidden.update(_forms(bare))
        if len(lines := secret.split()) > 1:
            hidden.update(line for line in lines if len(line) >= _TELLING_LINE)
    hidden.discard("")
    if not hidden:
        return None
    return re.compile("|".join(re.escape(one) for one in sorted(hidden, key=len, reverse=True)))


def _forms(secret: str) -> Iterator[str]:
    """The secret in a URL, in JSON and in base64, there also behind a name as in `user:secret`."""
    raw = secret.encode("utf-8", "surrogateescape")
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted
        yield re.sub("%..", lambda one: one[0].lower(), quoted)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")
        for before in range(3):
            # Three bytes make four letters, and the letters at the edges depend on what stands beside the secret.
            letters = encode(bytes(before) + raw).decode()
            inner = letters[math.ceil(before * 8 / 6) : (before + len(raw)) * 8 // 6]
            if len(inner) >= _TELLING_LINE:
                yield inner


def mention(person_id: str) -> Raw:
    """A ping for somebody in Slack; a plain name for the operator at a terminal and for the program itself."""
    if _SLACK_USER.fullmatch(person_id):
        return Raw(f"<@{person_id}>")
    if person_id == MACHINE.id:
        return esc(MACHINE.name)
    return esc(person_id.removeprefix("op:"))


def moment(at: datetime, style: Style = "date_time") -> Raw:
    """A moment that each reader sees in their own time zone; UTC where Slack's tokens are not understood.

    With its day, since messages stay: Slack says today, yesterday or the date. A time alone is for what is over within minutes.
    """
    if at.tzinfo is None:
        raise ValueError(f"a time zone is needed: {at!r}")
    token, _ = _STYLES[style]
    return Raw(f"<!date^{math.floor(at.timestamp())}^{token}|{utc(at, style)}>")


def utc(at: datetime, style: Style = "date_time") -> str:
    """The same where Slack reads no tokens, as in the question that a button asks."""
    return at.astimezone(UTC).strftime(_STYLES[style][1])


def span(begins: datetime, ends: datetime) -> Raw:
    """From when until when; the end has its day where it could be taken for another."""
    long = (ends - begins).total_seconds() >= _HALF_A_DAY
    return Raw(f"{moment(begins, 'date_time')} – {moment(ends, 'date_time' if long else 'time')}")


def duration(seconds: float) -> str:
    """How long, in the two largest units that matter: 38 ms, 1.4 s, 2 min 05 s, 3 h 10 min, 6 days."""
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if round(seconds * 1000) < _MANY:
        return f"{_plain(round(seconds * 1000, 1 if seconds < _SHORT_S else None))} ms"
    if round(seconds) < _MINUTE:
        return f"{_plain(round(seconds, 1 if round(seconds, 1) < _FEW else None))} s"
    return _long(round(seconds))


def percent(ratio: float) -> str:
    """A ratio with three digits: 0.0034 is 0.34 %. What is not all is never rounded to 100 %."""
    value = ratio * 100
    digits = 3
    while (text := _plain(float(f"{value:.{digits}g}"))) == "100" and not math.isclose(value, 100, rel_tol=1e-12):
        digits += 1
    return f"{text} %"


def number(n: float) -> str:
    """6840 is 6,840; 118.2504 is 118.25; 0.00123 stays itself."""
    if n == int(n):
        return f"{int(n):,}"
    return _plain(round(n, 2) if abs(n) >= 1 else float(f"{n:.3g}"))


def size(count: float) -> str:
    """Bytes in the unit that leaves a readable number: 512 B, 1.2 kB, 100 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if round(value, 1) < _MANY:
            return f"{_plain(round(value, 1))} {unit}"
        value /= 1000
    return f"{_plain(round(value, 1))} TB"


def plural(n: float, one: str, many: str = "") -> str:
    """12 changes, 1 change, 2 addresses, 3 entries; `many` where the word does not follow these rules."""
    return f"{number(n)} {one if n == 1 else many or _plural_of(one)}"


def bar(done: float, of: float, width: int = 10) -> str:
    """How far something is; full only when it is done."""
    filled = math.floor(width * min(max(done / of, 0), 1)) if of else 0
    return "▓" * filled + "░" * (width - filled)


def nearest_word(word: str, known: Iterable[str]) -> str:
    """What somebody probably meant who typed this: what begins so, else what looks most like it. Empty when nothing does."""
    word, known = word.lower(), list(known)
    begun = [one for one in known if one.startswith(word)]
    return next(iter(begun or get_close_matches(word, known, n=1, cutoff=0.6)), "")


def several(parts: Iterable[str]) -> str:
    """a, b and c. With mentions or date tokens among them, everything else is escaped here."""
    listed = list(parts)
    if raw := any(isinstance(part, Raw) for part in listed):
        listed = [esc(part) for part in listed]
    text = " and ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else "".join(listed)
    return Raw(text) if raw else text


def render(template: str, /, **values: Any) -> str:
    """Write a text from `templates/`. Every value is escaped unless it is `Raw`; a value that is missing is an error."""
    return render_from(TEMPLATES, template, values)


def render_from(folder: Path, template: str, values: Mapping[str, Any]) -> str:
    """The same from another folder. A template is written by people, so what is wrong in it is told to them."""
    try:
        return _environment(folder).get_template(template).render(values).strip()
    except TemplateNotFound as problem:
        raise ConfigError(f"{folder.name}/{problem.name} is missing; a message is written from it.") from problem
    except TemplateSyntaxError as problem:
        where = f"{folder.name}/{problem.name}, line {problem.lineno}"
        raise ConfigError(f"{where}: {problem.message}.") from problem
    except TemplateError as problem:
        known = ", ".join(sorted(values))
        raise ConfigError(f"{folder.name}/{template}: {problem.message}. Known here: {known}.") from problem


@cache
def _environment(folder: Path) -> Environment:
    # HTML escaping would also rewrite quotes, which Slack shows as they come; so the escaping is ours.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = environment.filters
    filters |= {
        each.__name__: each for each in (moment, span, duration, number, plural, percent, mention, several, clip)
    }
    return environment


def _harmless(value: object) -> Raw:
    return value if isinstance(value, Raw) else esc(str(value))


def _long(seconds: int) -> str:
    if seconds < _HOUR:
        minutes, rest = divmod(seconds, _MINUTE)
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    if (minutes := round(seconds / _MINUTE)) < _TWO_DAYS / _MINUTE:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(round(seconds / _HOUR), 24)
    return f"{days} days {rest} h" if rest and days < _FEW else f"{days} days"


def _plain(n: float) -> str:
    """Digits with thousands separators, without an exponent and without zeros at the end."""
    text = format(Decimal(str(n)), ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plural_of(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}s"
