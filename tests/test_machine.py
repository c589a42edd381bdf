"""Every move from every phase, and the picture that the README shows of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.errors import Refused
from bot.machine import BACK, NEXT, Move, advance, diagram
from bot.model import ACTIVE, OVER, Deployment, Person, Phase, Release
from bot.plan import Plan, ReleasePlan, SectionPlan, SignOffPlan

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
EVERY_PAIR = [(phase, move) for phase in Phase for move in Move]


@pytest.fixture
def deployment() -> Deployment:
    nothing = SectionPlan(key="none", title="None", items=())
    plan = Plan(
        service="shop",
        environment="production",
        channel="shop",
        announce_to=(),
        admins=(),
        roles=(),
        release=ReleasePlan(),
        sign_off=SignOffPlan(roles=()),
        sections=(),
        steps=(),
        verification=nothing,
        criteria=nothing,
        triggers=(),
        follow_ups=(),
        artifacts=(),
        checks={},
        scripts={},
        watch=None,
    )
    mara = Person(id="U1", name="Mara")
    return Deployment(
        id="shop-1",
        number=1,
        service="shop",
        environment="production",
        release=Release(version="1.0.0"),
        captain=mara,
        channel="C1",
        opened_at=NOW,
        phase=Phase.PREFLIGHT,
        phase_at=NOW,
        plan=plan,
        roster=(),
    )


@pytest.mark.parametrize(("phase", "move"), EVERY_PAIR)
def test_a_move_is_either_in_the_table_or_refused(deployment: Deployment, phase: Phase, move: Move):
    deployment = replace(deployment, phase=phase)
    if move in NEXT[phase]:
        assert advance(deployment, move, NOW).phase is NEXT[phase][move]
    else:
        with pytest.raises(Refused, match=phase.value.replace("_", " ")):
            advance(deployment, move, NOW)


def test_what_is_over_leads_nowhere_and_everything_else_leads_on():
    assert {phase for phase, moves in NEXT.items() if not moves} == OVER
    assert frozenset() == ACTIVE & OVER


def test_deciding_remembers_where_it_came_from_and_leads_back_there(deployment: Deployment):
    for phase, back in BACK.items():
        there = advance(replace(deployment, phase=phase), Move.DECIDE, NOW)
        assert there.left is phase
        assert advance(there, back, NOW).phase is phase
        assert advance(there, back, NOW).left is None


def test_going_back_to_live_keeps_the_moment_it_first_went_live(deployment: Deployment):
    earlier = replace(deployment, phase=Phase.DECIDING, left=Phase.LIVE, live_at=NOW)
    later = NOW.replace(hour=20)

    assert advance(earlier, Move.BACK_TO_LIVE, later).live_at == NOW


def test_the_picture_shows_every_move():
    picture = diagram()

    for phase, moves in NEXT.items():
        for move, there in moves.items():
            assert f"{phase.name} --> {there.name}: {move}" in picture
