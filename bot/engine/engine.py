"""What can be asked of a deployment? Each use-case decides on the fresh record, saves, and wakes whoever makes it true."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from bot import gates
from bot.config import Settings
from bot.decide import checklist, journey, meant, opening, parameters, settle, signing, steps, time, vouching, waking
from bot.decide.opening import Opening
from bot.decide.runs import World, usual
from bot.engine.freezes import Freezes
from bot.engine.measuring import Measuring
from bot.errors import Refused, TMinusError
from bot.machine import doing
from bot.model import (
    ACTIVE,
    MACHINE,
    Change,
    Clock,
    Deployment,
    Directory,
    Finding,
    Person,
    Phase,
    Projection,
    RunReport,
    Seat,
    StoryLine,
    WatchReport,
)
from bot.plan import ItemPlan, Plan
from bot.release import look_up, versions
from bot.store import Store
from bot.text import esc, moment
from bot.views import messages

Decide = Callable[[Deployment, datetime], Change | None]


@dataclass(frozen=True, kw_only=True)
class Start:
    """What somebody said who starts a deployment; empty: not said."""

    service: str = ""
    version: str = ""
    environment: str = ""
    notes: str = ""
    window: tuple[datetime, datetime] | None = None
    #: As they were written.
    parameters: Mapping[str, str] = field(default_factory=dict)


def project(deployment: Deployment, now: datetime) -> Projection:
    """What is wanted of Slack and of the clocks for this record."""
    return Projection(messages=messages.wanted(deployment, now), wake_at=waking.wake_at(deployment, now))


class Engine:
    """Every use-case. Holds no state of its own: the store does."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        clock: Clock,
        directory: Directory,
        world: World,
        environ: Mapping[str, str],
        work: Path,
        nudge: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self.directory = directory
        self.world = world
        self.measuring = Measuring(store, clock, environ, work, self.found, presence=directory.presence)
        self.freezes = Freezes(store, settings, clock, directory.person, self._change)
        #: Called after each change: whoever makes the world match the record looks at once.
        self.nudge = nudge

    # ── Finding ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, deployment_id: str) -> Deployment:
        return await self.store.get(deployment_id)

    async def meant(self, said: str, channel: str, *, live: bool = True) -> Deployment:
        """The deployment that a command means: the one that is named, else the channel's only one under way."""
        if said:
            return await self.store.get(said)
        here = await self.store.find(active=True, channel=channel) if channel else await self.store.find(active=True)
        if not here and live:
            here = (await self.store.find(phases=[Phase.LIVE], channel=channel or None))[:1]
        if not here:
            raise Refused("Nothing is being deployed here. `/deploy start` opens a deployment.")
        if len(here) > 1:
            names = ", ".join(f"{one.id} ({one.version})" for one in here)
            raise Refused(
                f"Several deployments are under way here: {names}. Add the id, as in `/deploy why {here[0].id}`."
            )
        return here[0]

    async def told_of(self, said: str, channel: str) -> Deployment:
        """The deployment that somebody wants to read about: as `meant`, and else the channel's newest, also when it is over."""
        newest = (
            [] if said or await self.under_way(channel) else await self.store.find(channel=channel or None, limit=1)
        )
        return newest[0] if newest else await self.meant(said, channel)

    async def under_way(self, channel: str = "") -> list[Deployment]:
        """Active or live, newest first."""
        found = await self.store.find(phases=[*ACTIVE, Phase.LIVE], channel=channel or None)
        return [one for one in found if not one.over]

    async def history(self, deployment_id: str) -> tuple[Deployment, list[StoryLine], str | None]:
        deployment = await self.store.get(deployment_id)
        return deployment, await self.store.history(deployment.id), await self.store.verify(deployment.id)

    async def record(self, deployment_id: str, *, by: Person) -> tuple[Deployment, str]:
        """The whole record, for somebody whom the deployment concerns: it holds the configuration, and what everybody said."""
        deployment = await self.store.get(deployment_id)
        gates.check_captain_or_roster(deployment, by, "take its record")
        return deployment, await self.store.export(deployment.id)

    # ── Opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def plan(self, start: Start) -> Plan:
        """The plan of what was said; Refused with what is missing."""
        if not start.service:
            raise Refused(
                f"Which service? Known are {', '.join(self.settings.services)}: `/deploy start checkout 1.4.2`."
            )
        environment = start.environment or self.settings.environments(start.service)[0]
        return self.settings.plan(start.service, environment)

    def said(self, start: Start) -> dict[str, str]:
        """The parameters that were said, as scripts get them; Refused for one that may not be so."""
        return parameters.said_right(self.plan(start), start.parameters)

    def is_missing(self, start: Start) -> bool:
        """Does a parameter still have to be asked for? Refused for one that was said and may not be so."""
        return bool(parameters.missing(self.plan(start), start.parameters))

    async def suggestions(self, plan: Plan) -> list[str]:
        return await versions(plan, Path(self.world.root))

    async def deployed_in(self, channel: str) -> list[Plan]:
        """What is deployed in this channel. A channel that Slack does not tell us about is none of them."""
        ids: dict[str, str] = {}
        for name in {plan.channel for plan in self.settings.plans.values()} if channel else ():
            with suppress(TMinusError):
                ids[name] = await self.directory.channel(name)
        return [plan for plan in self.settings.plans.values() if channel and ids.get(plan.channel) == channel]

    async def in_the_way(self, plan: Plan) -> list[str]:
        """What would be in the way of starting, in sentences as Slack shows them."""
        active = await self.store.find(active=True, service=plan.service, environment=plan.environment)
        said = [
            f"{esc(plan.environment)} is taken by {esc(one.service)} {esc(one.version)} ({one.id}, {esc(one.captain.name)}, since {moment(one.opened_at)}), which is {doing(one.phase)}."
            for one in active
        ]
        try:
            await self._thread_channel(plan)
        except Refused as refusal:
            said.append(esc(str(refusal)))
        frozen = await self.freezes.covering(plan.service, plan.environment)
        return said + ([esc(f"{frozen[:1].upper()}{frozen[1:]}.")] if frozen else [])

    async def start_thread(self, start: Start, *, by: Person, once: str = "") -> Deployment:
        """Open a deployment: its record, and with it its thread."""
        plan = self.plan(start)
        version = opening.check_version(plan, start.version)
        opening.check_window(start.window, self.clock.now())
        values = parameters.settled(plan, start.parameters)
        channel = await self._thread_channel(plan)
        before, why_not = await self._version_seen(plan, version)
        release = await look_up(plan, version, before, Path(self.world.root))
        if not release.commit and (known := await self.suggestions(plan)):
            raise Refused(opening.no_such_version(plan, version, known))
        if why_not:
            release = replace(
                release, unknowns=(*release.unknowns, f"The version in {plan.environment} is not known: {why_not}.")
            )
        roster = await self.roster(plan)
        admins = tuple([(await self.directory.person(one)).id for one in plan.admins])
        announce_to = tuple([await self.directory.channel(one) for one in plan.announce_to])
        opened = Opening(
            plan=replace(plan, admins=admins, announce_to=announce_to),
            release=release,
            roster=roster,
            captain=by,
            channel=channel,
            notes=start.notes.strip()[:500],
            window=start.window,
            parameters=values,
            frozen=await self.freezes.covering(plan.service, plan.environment),
            last_rollback_s=await self._last_rollback_s(plan),
            usual_s=usual(await self.store.find(service=plan.service, environment=plan.environment)),
        )

        def draft(number: int, earlier: Deployment | None) -> Change:
            now = self.clock.now()
            return settle.settle(opening.draft(opened, number, earlier, now), now, self.world)

        deployment = await self.store.create(plan.service, plan.environment, draft, once=once)
        self.nudge()
        return deployment

    async def _thread_channel(self, plan: Plan) -> str:
        """Where the thread opens; Refused where it cannot."""
        channel = await self.directory.channel(plan.channel)
        if not await self.directory.is_member(channel):
            raise Refused(
                f"I am not in #{plan.channel}, where {plan.service} is deployed. Type /invite @T-Minus there, then start again."
            )
        return channel

    async def _last_rollback_s(self, plan: Plan) -> float | None:
        back = await self.store.find(
            phases=[Phase.ROLLED_BACK], service=plan.service, environment=plan.environment, limit=1
        )
        return back[0].rollback_s if back else None

    async def roster(self, plan: Plan) -> tuple[Seat, ...]:
        """Who fills each role now, as the configuration names them."""
        seats = [
            Seat(
                role=role.key,
                title=role.title,
                contact=await self.directory.person(role.contact),
                backup=await self.directory.person(role.backup),
            )
            for role in plan.roles
        ]
        return tuple(seats)

    async def _version_seen(self, plan: Plan, version: str) -> tuple[str, str]:
        check = plan.checks.get(plan.release.seen)
        if check is None:
            return "", ""
        facts = {"service": plan.service, "environment": plan.environment, "version": version}
        return await self.measuring.version_seen(check, facts)

    async def look_release_up(self, deployment_id: str) -> Deployment:
        """Look the release's facts up again; sign-offs that were bound to others are void."""
        deployment = await self.store.get(deployment_id)
        if deployment.phase is not Phase.PREFLIGHT:
            return deployment
        known = deployment.release
        fresh = await look_up(deployment.plan, known.version, known.previous, Path(self.world.root))
        kept = tuple(one for one in known.unknowns if one.startswith("The version in "))
        fresh = replace(fresh, unknowns=(*fresh.unknowns, *kept))
        return await self._change(
            deployment_id, lambda one, _: opening.refreshed(one, fresh) if one.phase is Phase.PREFLIGHT else None
        )

    # ── The checklist ────────────────────────────────────────────────────────────────────────────────────────────────

    async def tick(self, deployment_id: str, key: str, *, by: Person, note: str = "", link: str = "") -> Deployment:
        """Where the item asks for it, the page behind the link is opened first, and a page that does not hold is refused."""
        one = await self.store.get(deployment_id)
        page = vouching.page(one, checklist.item(one, key), link.strip())
        seen = None
        if page is not None and checklist.may_tick(one, key, by=by, note=note, link=link) is not None:
            seen = await self.measuring.measure(page, one)
        return await self._change(
            deployment_id, lambda one, now: checklist.tick(one, key, by=by, now=now, note=note, link=link, seen=seen)
        )

    async def untick(self, deployment_id: str, key: str, *, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, _: checklist.untick(one, key, by=by))

    async def touch(self, deployment_id: str, key: str) -> Deployment:
        return await self._change(deployment_id, lambda one, _: checklist.touch(one, key))

    async def not_applicable(self, deployment_id: str, key: str, *, reason: str, by: Person) -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: checklist.not_applicable(one, key, reason=reason, by=by, now=now)
        )

    async def waive(self, deployment_id: str, key: str, *, reason: str, until: datetime, by: Person) -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: checklist.waive(one, key, reason=reason, until=until, by=by, now=now)
        )

    async def measure(
        self, deployment_id: str, *, by: Person, name: str = "", items: Sequence[ItemPlan] = ()
    ) -> tuple[str, ...]:
        """Measure again: one check by its name or its item's, those of a list, or everything of this phase."""
        deployment = await self.store.get(deployment_id)
        names = meant.checks_meant(deployment, name, items)
        await self._change(deployment_id, lambda one, now: checklist.remeasure(one, names, by=by, now=now))
        await self.look_release_up(deployment_id)
        return names

    async def found(self, deployment_id: str, finding: Finding) -> Deployment:
        return await self._change(deployment_id, lambda one, _: checklist.found(one, finding))

    # ── Sign-offs ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def sign(
        self, deployment_id: str, *, go: bool, by: Person, role: str = "", reason: str = "", once: str = ""
    ) -> Deployment:
        def decide(one: Deployment, now: datetime) -> Change | None:
            meant = signing.role_to_sign(one, by, role, now)
            return signing.sign(one, meant, go=go, by=by, now=now, reason=reason)

        return await self._change(deployment_id, decide, once=once)

    async def pass_on(self, deployment_id: str, role: str, *, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, now: signing.pass_on(one, role, by=by, now=now))

    async def reachable(self, deployment_id: str, *, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, now: signing.reachable(one, by=by, now=now))

    # ── The journey ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self, deployment_id: str, *, by: Person) -> Deployment:
        await self.look_release_up(deployment_id)
        return await self._change(deployment_id, lambda one, now: journey.start(one, by=by, now=now))

    async def hold(self, deployment_id: str, *, reason: str, by: Person, once: str = "") -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: journey.hold(one, reason=reason, by=by, now=now), once=once
        )

    async def resume(self, deployment_id: str, *, by: Person, once: str = "") -> Deployment:
        return await self._change(deployment_id, lambda one, now: journey.resume(one, by=by, now=now), once=once)

    async def abort(self, deployment_id: str, *, reason: str, by: Person, once: str = "") -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: journey.abort(one, reason=reason, by=by, now=now), once=once
        )

    async def ask_roll_back(self, deployment_id: str, *, reason: str, by: Person, once: str = "") -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: journey.ask_roll_back(one, reason=reason, by=by, now=now), once=once
        )

    async def roll_back(self, deployment_id: str, *, by: Person, reason: str = "") -> Deployment:
        return await self._change(deployment_id, lambda one, now: journey.roll_back(one, by=by, now=now, reason=reason))

    async def stop_auto(self, deployment_id: str, *, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, now: journey.stop_auto(one, by=by, now=now))

    async def accept(self, deployment_id: str, *, reason: str, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, now: journey.accept(one, reason=reason, by=by, now=now))

    async def retry(self, deployment_id: str, step: str, *, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, now: journey.retry(one, step, by=by, now=now))

    async def skip(self, deployment_id: str, step: str, *, reason: str, by: Person) -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: journey.skip(one, step, reason=reason, by=by, now=now)
        )

    async def confirm(self, deployment_id: str, step: str, *, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, _: journey.confirm(one, step, by=by))

    async def cancel(self, deployment_id: str, run: str, *, by: Person) -> Deployment:
        return await self._change(deployment_id, lambda one, _: journey.cancel(one, run, by=by))

    async def run_by_hand(self, deployment_id: str, name: str, *, by: Person, once: str = "") -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: journey.run_by_hand(one, name, by=by, now=now, world=self.world), once=once
        )

    async def snooze(self, deployment_id: str, follow_up: str, *, hours: float, by: Person) -> Deployment:
        return await self._change(
            deployment_id, lambda one, now: time.snooze(one, follow_up, hours=hours, by=by, now=now)
        )

    # ── What the world reports ───────────────────────────────────────────────────────────────────────────────────────

    async def run_reported(self, report: RunReport) -> None:
        await self._change(owner_of(report.id), lambda one, _: settle.reported(one, report))

    async def watch_reported(self, report: WatchReport) -> None:
        await self._change(report.id, lambda one, _: settle.watched(one, report))

    async def announced(self, deployment_id: str, step: str, *, note: str, ok: bool) -> Deployment:
        return await self._change(deployment_id, lambda one, now: steps.announced(one, step, note=note, ok=ok, now=now))

    async def thread_opened(self, deployment_id: str, permalink: str) -> Deployment:
        return await self._change(deployment_id, lambda one, _: opening.thread_opened(one, permalink))

    async def look(self, deployment_id: str) -> Deployment:
        """Decide whatever follows from the record and the time alone."""
        return await self._change(deployment_id, _nothing)

    async def _change(self, deployment_id: str, decide: Decide, *, once: str = "") -> Deployment:
        """Decide on the fresh record and save. `once`: the delivery that asked; the same one again changes nothing."""
        before: list[Deployment] = []

        def decided(deployment: Deployment) -> Change | None:
            before[:] = [deployment]
            now = self.clock.now()
            change = decide(deployment, now)
            settled = settle.settle(change or Change(deployment=deployment), now, self.world)
            return None if settled.deployment is deployment else settled

        def others(new: Deployment, live: list[Deployment]) -> list[Change]:
            went_live = new.phase is Phase.LIVE and before[0].live_at is None
            now = self.clock.now()
            older = [one for one in live if one.number < new.number] if went_live else []
            return [journey.superseded(one, new, now) for one in older]

        after = await self.store.change(deployment_id, decided, others=others, once=once)
        if before and after is not before[0]:
            self.nudge()
        return after


def _nothing(deployment: Deployment, now: datetime) -> Change | None:  # noqa: ARG001 - a decision like the others
    """Nobody asked for anything."""
    return None


def owner_of(run_id: str) -> str:
    """The deployment that a run belongs to: run ids are `DEPLOYMENT.STEP.TRY`."""
    return run_id.split(".", 1)[0]


def operator(name: str) -> Person:
    """Somebody at the machine itself."""
    return replace(MACHINE, id=f"op:{name}", name=name)
