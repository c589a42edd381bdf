"""When may nothing start, and who may say so?"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.config import Settings
from bot.decide import opening
from bot.errors import Refused
from bot.model import Change, Clock, Deployment, Person, Phase
from bot.store import EVERY, Freeze, Store

Decide = Callable[[Deployment, datetime], Change | None]


class Freezes:
    """Change freezes: begun, ended, and told to every deployment that they cover."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        person: Callable[[str], Awaitable[Person]],
        change: Callable[[str, Decide], Awaitable[Deployment]],
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._person = person
        self._change = change

    async def begin(self, *, service: str, reason: str, by: Person, hours: float = 0) -> Freeze:
        """Nothing of this service (all, when empty) may start until the freeze is ended, or is over by itself."""
        known = self._settings.services
        if service and service not in known:
            raise Refused(f"There is no service “{service[:40]}”; known are {', '.join(known)}.")
        if not reason.strip():
            raise Refused("A change freeze needs a reason: `/deploy freeze checkout Black Friday`.")
        await self._check_may(service, by)
        until = self._clock.now() + timedelta(hours=hours) if hours else None
        said, of = reason.strip()[:300], service or EVERY
        # The same wish again, as when its answer was lost, is the same freeze: one unfreeze has to end it.
        same = (one for one in await self._store.freezes() if (one.service, one.reason, one.by.id) == (of, said, by.id))
        freeze = next(same, None) or await self._store.freeze(by=by, reason=said, service=of, until=until)
        await self.tell()
        return freeze

    async def end(self, *, service: str, by: Person) -> Freeze:
        named = [one for one in await self._store.freezes() if one.service == (service or EVERY)]
        if not named:
            raise Refused("There is no such change freeze; `/deploy status` shows what is frozen.")
        await self._check_may(service, by)
        ended = await self._store.unfreeze(named[-1].number, by=by)
        await self.tell()
        return ended

    async def now(self) -> list[str]:
        """What is frozen, in sentences."""
        return [_words(one) for one in await self._begun()]

    async def covering(self, service: str, environment: str) -> str:
        """The freeze that this service and environment are under, in words; empty when there is none."""
        return next((_words(one) for one in await self._begun() if one.covers(service, environment)), "")

    async def tell(self) -> None:
        """Tell every deployment that has not started whether a freeze covers it."""
        for one in await self._store.find(phases=[Phase.PREFLIGHT]):
            sentence = await self.covering(one.service, one.environment)
            if sentence != one.frozen:
                await self._change(one.id, lambda fresh, _, said=sentence: opening.frozen(fresh, said))

    async def _begun(self) -> list[Freeze]:
        now = self._clock.now()
        return [one for one in await self._store.freezes() if one.from_at <= now]

    async def _check_may(self, service: str, by: Person) -> None:
        """Only somebody of a roster that it concerns, or an operator."""
        if by.id.startswith("op:"):
            return
        for (of, _), plan in self._settings.plans.items():
            if service in {"", of}:
                for role in plan.roles:
                    if by.id in {(await self._person(who)).id for who in (role.contact, role.backup)}:
                        return
        raise Refused(
            "Only somebody of the roster can begin or end a change freeze. `/deploy contacts` shows who that is."
        )


def _words(freeze: Freeze) -> str:
    what = "everything" if freeze.service == EVERY else freeze.service
    return f"a change freeze covers {what}, by {freeze.by.name}: {freeze.reason}"
