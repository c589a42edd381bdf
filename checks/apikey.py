"""Is each key new, does it work, and is the one before it refused?"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.model import Measured, Row, Value
from bot.net import Net
from checks.pick import checked, pick, read
from checks.reach import Reach, refused, tried

_DENIED = frozenset({401, 403})
Answer = Literal["accepted", "refused", "unclear"]


class Key(BaseModel, extra="forbid"):
    """One key, and where to try it."""

    name: str = Field(description="What people call it.")
    url: str = Field(description="A harmless endpoint that only answers to whoever has the key.")
    header: str = Field(default="Authorization", description="The header line that carries the key.")
    key: str = Field(description="The key in use: `{env: NAME, prefix: 'Bearer '}`.")
    old_key: str = Field(default="", description="The one before it: `{env: NAME, prefix: 'Bearer '}`.")
    created: str = Field(default="", description="The day on which the key was made, 2026-10-31.")
    created_url: str = Field(default="", description="Where a vault tells it, instead: the metadata of the secret.")
    created_path: Annotated[str, AfterValidator(checked)] = Field(
        default="data.created_time as age", description="Where it stands in that JSON."
    )
    created_headers: dict[str, str] = Field(
        default={}, description="Header lines for the vault: `{Authorization: {env: NAME, prefix: 'Bearer '}}`."
    )

    @field_validator("created")
    @classmethod
    def _a_day(cls, said: str) -> str:
        if said:
            try:
                datetime.fromisoformat(said)
            except ValueError as error:
                raise ValueError(f"'{said}' is no day, as in 2026-10-31") from error
        return said


class Params(Reach):
    """The keys that the service lives on."""

    keys: list[Key] = Field(min_length=1, description="`name, url, key, old_key, created`, and more; one for each key.")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found out about one key."""

    key: Key
    new: Answer
    old: Answer | None
    bare: Answer
    age_s: float | None
    notes: Sequence[str]


@check(
    "apikey",
    needs={"net"},
    values={
        "keys": "how many keys were looked at",
        "age": "seconds since the oldest of them was made; missing if that is not known of each",
        "rejected": "how many keys in use are refused; missing if an answer says nothing either way",
        "old_accepted": "how many keys that were replaced still work; missing if an answer says nothing either way",
        "old_untested": "of how many keys the one before is not known here",
        "unguarded": "how many endpoints answer without any key, so that nothing is proven by one",
    },
    pass_=["age <= 90d", "rejected == 0", "old_accepted == 0", "old_untested == 0", "unguarded == 0"],
    warn=["age <= 120d", "rejected == 0", "old_accepted == 0", "unguarded == 0"],
)
async def apikey(params: Params, ctx: Context) -> Measured:
    """Ask with the key in use, with the one before it and with none, and look how old the key in use is.

    Why: A key that was replaced and still works is the one in last year's log, and it opens the same door.
    Fix: Take the old key back where it was issued, make a new one if it is too old, and measure again.
    """
    net = params.net(ctx)
    for one in params.keys:
        if one.old_key and one.old_key == one.key:
            raise Cannot(f"The old key of {one.name} is the one in use, so nothing was rotated.")
    return _measured(await asyncio.gather(*(_look(params, net, ctx, one) for one in params.keys)))


async def _look(params: Params, net: Net, ctx: Context, key: Key) -> Seen:
    notes: list[str] = []

    async def ask(who: str, value: str) -> Answer:
        headers = {key.header: value} if value else {}
        addresses = await params.places(net, key.url)
        found = {await _answer(net, key.url, address, headers, f"{key.name} {who}", notes) for address in addresses}
        # One member that still takes an old key is enough, and so is one that refuses the new one.
        worst: tuple[Answer, ...] = (
            ("refused", "unclear", "accepted") if who == "in use" else ("accepted", "unclear", "refused")
        )
        return next(one for one in worst if one in found)

    new, bare = await ask("in use", key.key), await ask("none", "")
    old = await ask("before", key.old_key) if key.old_key else None
    return Seen(key=key, new=new, old=old, bare=bare, age_s=await _age(net, ctx, key, notes), notes=notes)


async def _answer(net: Net, url: str, address: str, headers: Mapping[str, str], who: str, notes: list[str]) -> Answer:
    answer = await tried(net, url, address=address, headers=headers)
    if isinstance(answer, str):
        notes.append(f"{who}: {answer.rstrip('.')}")
        return "unclear"
    decided = answer.status in _DENIED or 200 <= answer.status < 300  # noqa: PLR2004 - HTTP's own numbers
    notes.append(f"{who}: {answer.status if decided else refused(answer) or f'answers {answer.status}'}")
    if not decided:
        # A rate limit, a missing page or a broken server says nothing about the key.
        return "unclear"
    return "refused" if answer.status in _DENIED else "accepted"


async def _age(net: Net, ctx: Context, key: Key, notes: list[str]) -> float | None:
    if not key.created_url:
        found = pick({"created": key.created}, "created as age", ctx.clock.now()) if key.created else None
        return float(found) if isinstance(found, int | float) else None
    answer = await tried(replace(net, limit=1_000_000), key.created_url, headers=key.created_headers)
    if isinstance(answer, str) or answer.status != 200:  # noqa: PLR2004 - HTTP's own number
        notes.append(answer if isinstance(answer, str) else f"{key.created_url} answers {answer.status}")
        return None
    age = pick(read(answer.text()), key.created_path, ctx.clock.now())
    if not isinstance(age, int | float) or isinstance(age, bool):
        notes.append(f"{key.created_url} says nothing at {key.created_path}")
        return None
    return float(age)


def _measured(seen: Sequence[Seen]) -> Measured:
    values: dict[str, Value] = {
        "keys": len(seen),
        "old_untested": sum(one.old is None for one in seen),
        "unguarded": sum(one.bare == "accepted" for one in seen),
    }
    ages = [one.age_s for one in seen if one.age_s is not None]
    if len(ages) == len(seen):
        values["age"] = max(ages)
    # One that is known to be wrong decides; else each has to be known.
    if any(one.new == "refused" for one in seen) or all(one.new == "accepted" for one in seen):
        values["rejected"] = sum(one.new == "refused" for one in seen)
    tested = [one.old for one in seen if one.old is not None]
    if "accepted" in tested or (tested and "unclear" not in tested):
        values["old_accepted"] = sum(one == "accepted" for one in tested)
    elif not tested:
        values["old_accepted"] = 0
    return Measured(values=values, rows=tuple(map(_row, seen)), summary=_summary(seen))


def _row(one: Seen) -> Row:
    values: dict[str, Value] = {"in use": one.new, "before": one.old or "not tested", "without": one.bare}
    if one.age_s is not None:
        values["age"] = one.age_s
    return Row(subject=f"{one.key.name} at {one.key.url}", values=values, note="; ".join(one.notes))


def _unclear(one: Seen) -> str:
    """Which of its keys was answered with what says nothing of it."""
    about = f"{one.key.name} {'in use' if one.new == 'unclear' else 'before'}: "
    return next(note for note in one.notes if note.startswith(about) and not note.removeprefix(about).isdigit())


def _summary(seen: Sequence[Seen]) -> str:
    faults = [
        *(f"the old key of {one.key.name} still works" for one in seen if one.old == "accepted"),
        *(f"the key of {one.key.name} is refused" for one in seen if one.new == "refused"),
        *(f"{one.key.url} answers without a key" for one in seen if one.bare == "accepted"),
        *(f"nothing is known of {_unclear(one)}" for one in seen if "unclear" in {one.new, one.old}),
        *(f"the old key of {one.key.name} is not tested" for one in seen if one.old is None),
        *(f"the age of {one.key.name} is not known" for one in seen if one.age_s is None),
    ]
    oldest = max((one.age_s for one in seen if one.age_s is not None), default=None)
    age = f", the oldest made {duration(round(oldest))} ago" if oldest is not None else ""
    if faults:
        return faults[0] + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else "") + age
    return (
        f"{len(seen)} keys work, those before are refused{age}"
        if len(seen) > 1
        else f"the key works, the one before is refused{age}"
    )
