"""Are the emergency contacts of a role there to be called?"""

import asyncio
from datetime import datetime

from pydantic import BaseModel, Field

from bot.check import Context, check
from bot.errors import Cannot, Refused
from bot.model import Measured, Person, Presence, Reachable, Row, Value


class Params(BaseModel, extra="forbid"):
    """Whose contacts."""

    role: str = Field(description="Key of the role in the roster.")


@check(
    "contacts",
    needs={"slack"},
    values={
        "same": "contact and backup are the same person",
        "missing": "how many of the two Slack does not know",
        "deactivated": "how many are deactivated in Slack",
        "away": "how many are away now; missing if Slack does not say",
        "quiet": "how many do not want to be disturbed now; missing if Slack does not say",
        "answered": "how many gave their go or pressed *I am reachable* for this deployment within a day",
        "reachable": "at least one of them did",
    },
    pass_=["same == false", "missing == 0", "deactivated == 0", "away == 0", "quiet == 0", "reachable == true"],
    warn=["same == false", "missing == 0", "deactivated == 0"],
)
async def contacts(params: Params, ctx: Context) -> Measured:
    """Ask Slack about the contact and the backup of a role: whether there are two people, and whether they can be reached now.

    That they are there they say themselves: by their go, or by *I am reachable* in the thread or where they are asked for it. It
    holds for a day; for more than one of the two: `pass: {answered: "== 2"}`.

    Why: Whom to call is found out when nobody answers, unless somebody looked before.
    Fix: Name somebody else in the roster who is there during the deployment, or ask the one who is away to look in; one of the two gives
    their go or presses *I am reachable*.
    """
    seat = next((one for one in ctx.roster if one.role == params.role), None)
    if ctx.presence is None or seat is None:
        raise Cannot("The contacts of a deployment are looked up by the bot that is connected to Slack.")
    two, now = (seat.contact, seat.backup), ctx.clock.now()
    found = await asyncio.gather(*(_looked_up(ctx, one) for one in two))
    there = [one for one in found if one is not None]
    values: dict[str, Value] = {
        "same": seat.contact.id == seat.backup.id,
        "missing": found.count(None),
        "deactivated": sum(one.deactivated for one in there),
    }
    said = {one.by.id: one for one in ctx.reachable if one.holds(now)}
    answered = [said.get(one.id) for one in {person.id: person for person in two}.values()]
    values |= {"answered": sum(one is not None for one in answered), "reachable": any(answered)}
    reachable = [one for one in there if not one.deactivated]
    for name, told in (("away", [one.away for one in reachable]), ("quiet", [one.is_quiet(now) for one in reachable])):
        if None not in told:
            values[name] = sum(map(bool, told))
    notes = [_note(one, now) for one in found]
    rows = tuple(
        Row(subject=f"{what} {person.name}", note=", ".join([note or "there", *_told(said.get(person.id))]))
        for what, person, note in zip(("contact", "backup"), two, notes, strict=True)
    )
    names = [f"{person.name} ({note})" if note else person.name for person, note in zip(two, notes, strict=True)]
    twice = "; the same person twice" if values["same"] else ""
    silent = "" if values["reachable"] else "; neither has said yet “I am reachable”"
    return Measured(values=values, rows=rows, summary=f"{names[0]}, backup {names[1]}{twice}{silent}")


async def _looked_up(ctx: Context, person: Person) -> Presence | None:
    assert ctx.presence is not None  # noqa: S101 - asked before
    try:
        return await ctx.presence(person.id)
    except Refused:
        return None


def _told(said: Reachable | None) -> list[str]:
    return [f"reachable, said {said.at:%Y-%m-%d %H:%M} UTC"] if said is not None else []


def _note(one: Presence | None, now: datetime) -> str:
    if one is None:
        return "not in Slack"
    if one.deactivated:
        return "deactivated"
    return "away" if one.away else "not to be disturbed" if one.is_quiet(now) else ""
