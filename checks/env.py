"""Does the running service have every variable it needs, with real values?"""

import fnmatch
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.model import Measured, Row, Value
from bot.net import Answer, Net, bare, words
from checks.envfile import parse, placeholder
from checks.pick import read
from checks.reach import Reach, each, refused

_KIND = re.compile(r"#\s*kind:\s*(\w+)(.*)", re.IGNORECASE)


class Other(BaseModel, extra="forbid"):
    """Another environment, whose secrets must not be the same."""

    url: str
    headers: dict[str, str] = Field(default={}, description='A value may be `{env: NAME, prefix: "Bearer "}`.')


class Params(Reach):
    """What is needed, and where the service says what it has."""

    template: str = Field(
        description="The `.env.production` that lists the names; `# kind: url` above one says its kind."
    )
    urls: list[str] = Field(
        default=[],
        description="Endpoints, one for each member, that answer with names, keyed digests and kinds, never with values: "
        '`{"names": […], "digests": {…}, "kinds": {…}, "suspect": {…}}`.',
    )
    headers: dict[str, str] = Field(default={}, description='A value may be `{env: NAME, prefix: "Bearer "}`.')
    file: str = Field(
        default="", description="In place of URLs: a `.env` file with the values; they stay on this machine."
    )
    other: Other | None = Field(default=None, description="Staging's endpoint, with the same key for its digests.")
    optional: list[str] = Field(default=[], description="Names that may be absent; patterns are allowed.")
    shared: list[str] = Field(default=[], description="Secrets that may be the same in the other environment.")
    own: list[str] = Field(default=[], description="Names for which each member has a value of its own.")
    ignore: list[str] = Field(default=[], description="Names beyond the template that are no surprise.")

    @model_validator(mode="after")
    def _one_source(self) -> "Params":
        if bool(self.urls) == bool(self.file):
            raise ValueError("name 'urls' or a 'file', one of them")
        return self


@dataclass(frozen=True, kw_only=True)
class Has:
    """What one member has; no values."""

    where: str
    names: frozenset[str]
    digests: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    #: Why a value looks wrong: `empty`, `placeholder`, `localhost`.
    suspect: Mapping[str, str] = field(default_factory=dict)


@check(
    "env",
    needs={"net"},
    values={
        "required": "how many names the template asks for",
        "missing": "names that are not set, the most on any member",
        "placeholders": "values that are empty, placeholders, or point to localhost",
        "invalid": "values of another kind than the template says, and secrets that the other environment has too",
        "unknown": "names that the template does not know",
        "shared": "secrets that the other environment has too; missing where none is named",
        "disagreeing": "names whose values differ between members",
        "members": "how many members were asked",
    },
    pass_=["missing == 0", "placeholders == 0", "invalid == 0", "disagreeing == 0", "unknown == 0"],
    warn=["missing == 0", "placeholders == 0", "invalid == 0", "disagreeing == 0"],
)
async def env(params: Params, ctx: Context) -> Measured:
    """Compare what each member says it has with the template and, by digest, with staging. No value is ever seen.

    Why: A variable that is missing, or still staging's, is found by the first customer who needs it.
    Fix: Set what the evidence names on the hosts, from the vault; add new names to the template.
    """
    kinds = _template(Path(params.template))
    net = params.net(ctx)
    if params.file:
        members = [_of_file(Path(params.file))]
    else:
        answers = await each(net, params, params.urls, params.headers)
        members = [_of_answer(f"{bare(one.url)} at {one.address}", one) for one in answers]
    other = await _other(params.other, net) if params.other else None
    return _measured(params, kinds, members, other)


def _template(path: Path) -> dict[str, str]:
    """Each name with its kind; empty where none is said."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise Cannot(f"The template {path} could not be read: {words(error)}.") from error
    kinds: dict[str, str] = {}
    kind = ""
    for line in text.splitlines():
        if found := _KIND.match(line.strip()):
            kind = found[1].lower()
        elif names := list(parse(line)):
            kinds[names[0]], kind = kind, ""
    if not kinds:
        raise Cannot(f"The template {path} has no names in it.")
    return kinds


def _of_file(path: Path) -> Has:
    try:
        values = parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise Cannot(f"{path} could not be read: {words(error)}.") from error
    return Has(
        where=str(path),
        names=frozenset(values),
        kinds={name: _kind(value) for name, value in values.items()},
        suspect={name: why for name, value in values.items() if (why := _suspicion(value))},
    )


def _kind(value: str) -> str:
    if value.isdecimal():
        return "integer"
    if value.lower().startswith(("http://", "https://")):
        return "url"
    return "path" if value.startswith("/") else "text"


def _suspicion(value: str) -> str:
    if not value.strip():
        return "empty"
    if placeholder(value):
        return "placeholder"
    return "localhost" if _local(value.strip()) else ""


def _local(value: str) -> bool:
    """A service in production that is told to look for something on its own machine; an address to listen at has no scheme."""
    if "://" not in value:
        return value.partition(":")[0].lower() == "localhost"
    try:
        host = (urlsplit(value).hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _of_answer(where: str, answer: Answer) -> Has:
    if (why := refused(answer)) and answer.status not in {401, 403}:
        raise Unreachable(f"{where} {why}.")
    document = read(answer.text())
    if answer.status != 200 or not isinstance(document, dict) or not isinstance(document.get("names"), list):  # noqa: PLR2004 - HTTP's own number
        raise Cannot(f"{where} answers {answer.status} and does not list its variables; is the token right?")

    def table(key: str) -> dict[str, str]:
        found = document.get(key)
        return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    return Has(
        where=where,
        names=frozenset(map(str, document["names"])),
        digests=table("digests"),
        kinds=table("kinds"),
        suspect=table("suspect"),
    )


async def _other(other: Other, net: Net) -> Has:
    answer = await net.ask(other.url, headers=other.headers)
    return _of_answer(bare(other.url), answer)


def _any(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


#: Which kinds, as a member tells them, fit a kind of the template. A secret of digits only is still a secret.
_FITS: Mapping[str, frozenset[str]] = {
    "url": frozenset({"url"}),
    "integer": frozenset({"integer"}),
    "path": frozenset({"path"}),
}


def _measured(params: Params, kinds: Mapping[str, str], members: list[Has], other: Has | None) -> Measured:
    required = {name for name in kinds if not _any(name, params.optional)}
    wrong: dict[str, dict[str, str]] = {}

    def note(kind: str, name: str, sentence: str) -> None:
        wrong.setdefault(kind, {}).setdefault(name, sentence)

    for member in members:
        for name in sorted(required - member.names):
            note("missing", name, f"{name} is not set")
        for name in sorted(member.names - set(kinds)):
            if not _any(name, params.ignore):
                note("unknown", name, f"{name} is not in the template")
        for name in sorted(member.names & set(kinds)):
            if why := member.suspect.get(name):
                note("placeholders", name, f"{name} is {why}" if why == "empty" else f"{name} is a {why} value")
            elif member.kinds.get(name) and member.kinds[name] not in _FITS.get(kinds[name], {member.kinds[name]}):
                note("invalid", name, f"{name} is no {kinds[name]}")
    for name in sorted(_differing(params, kinds, members)):
        note("disagreeing", name, f"{name} differs between members")
    values: dict[str, Value] = {"required": len(required), "members": len(members)}
    for kind in ("missing", "placeholders", "invalid", "unknown", "disagreeing"):
        values[kind] = len(wrong.get(kind, {}))
    if other is not None:
        secret = {name for name in kinds if kinds[name] == "secret" and not _any(name, params.shared)}
        for name in sorted(secret):
            if any(_equal(member, other, name) for member in members):
                note("shared", name, f"{name} is the same as in the other environment")
        values["shared"] = len(wrong.get("shared", {}))
        values["invalid"] = len(wrong.get("invalid", {}) | wrong.get("shared", {}))
    sentences = [sentence for named in wrong.values() for sentence in named.values()]
    rows = tuple(Row(subject=one.where, values={"names": len(one.names)}) for one in members)
    rows += tuple(Row(subject=kind, note="; ".join(named.values())) for kind, named in wrong.items())
    told = f"{len(required)} names set on {len(members)} member{'s' * (len(members) != 1)}"
    more = f" (and {len(sentences) - 2} more)" if len(sentences) > 2 else ""  # noqa: PLR2004 - two fit on a line
    return Measured(values=values, rows=rows, summary="; ".join(sentences[:2]) + more if sentences else told)


def _differing(params: Params, kinds: Mapping[str, str], members: list[Has]) -> set[str]:
    names = {name for name in kinds if not _any(name, params.own)}
    return {name for name in names if len({one.digests[name] for one in members if name in one.digests}) > 1}


def _equal(one: Has, other: Has, name: str) -> bool:
    return bool(one.digests.get(name)) and hmac.compare_digest(one.digests[name], other.digests.get(name, ""))
