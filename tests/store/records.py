"""Small deployments, and the decisions that these tests make about them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.model import Change, Deployment, Line, Person, Phase, Projection, Release, Tick, Wanted
from bot.plan import Plan, ReleasePlan, SectionPlan, SignOffPlan

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANA = Person(id="U_ANA", name="Ana")
BEN = Person(id="U_BEN", name="Ben", tz="Europe/Lisbon")


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self):
        self.at = NOON

    def now(self):
        return self.at

    def advance(self, **by):
        self.at += timedelta(**by)


def plan(service="checkout", environment="production"):
    return Plan(
        service=service,
        environment=environment,
        channel="C_SHIP",
        announce_to=(),
        admins=(),
        roles=(),
        release=ReleasePlan(),
        sign_off=SignOffPlan(roles=()),
        sections=(),
        steps=(),
        verification=SectionPlan(key="verification", title="Verification", items=()),
        criteria=SectionPlan(key="criteria", title="Criteria", items=()),
        triggers=(),
        follow_ups=(),
        artifacts=(),
        checks={},
        scripts={},
        watch=None,
    )


def drafted(service="checkout", environment="production", *, channel="C_SHIP", at=NOON):
    def draft(number, earlier):
        return Change(
            deployment=Deployment(
                id=f"{service}-{number}",
                number=number,
                service=service,
                environment=environment,
                release=Release(version=f"1.{number}.0", previous=earlier.version if earlier else ""),
                captain=ANA,
                channel=channel,
                opened_at=at,
                phase=Phase.PREFLIGHT,
                phase_at=at,
                plan=plan(service, environment),
                roster=(),
            ),
            lines=(Line(what="opened", by=ANA, facts={"version": f"1.{number}.0"}),),
        )

    return draft


def ticking(item, by=ANA, note=""):
    def decide(deployment):
        tick = Tick(by=by, role="devops", at=NOON, note=note)
        return Change(
            deployment=replace(deployment, ticks={**deployment.ticks, item: tick}),
            lines=(Line(what=f"ticked {item}", by=by, why=note),),
        )

    return decide


def to_phase(phase, **fields):
    def decide(deployment):
        return Change(deployment=replace(deployment, phase=phase, **fields), lines=(Line(what=f"went to {phase}"),))

    return decide


def project(deployment):
    """A card and a message for each ticked item; it waits for an hour after it opened, until it is over."""
    card = Wanted(
        key="card", to=deployment.channel, in_thread=False, text=f"{deployment.phase} {sorted(deployment.ticks)}"
    )
    items = tuple(
        Wanted(
            key=f"item:{item}",
            to=deployment.channel,
            in_thread=True,
            text=tick.note,
            file="/tmp/run.log" if item == "log" else "",
            urgent=item == "urgent",
        )
        for item, tick in deployment.ticks.items()
    )
    wake_at = None if deployment.over else deployment.opened_at + timedelta(hours=1)
    return Projection(messages=(card, *items), wake_at=wake_at)
