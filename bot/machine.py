"""Which phase follows which? One table, and the one function that obeys it."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from bot.errors import Refused
from bot.model import OVER, Deployment, Phase


class Move(StrEnum):
    START = "start"
    ABORT = "abort"
    UNDONE = "undone"
    PREPARED = "prepared"
    DEPLOYED = "deployed"
    VERIFIED = "verified"
    DECIDE = "decide"
    BACK_TO_DEPLOYING = "back to deploying"
    BACK_TO_VERIFYING = "back to verifying"
    BACK_TO_LIVE = "back to live"
    ROLL_BACK = "roll back"
    ROLLED_BACK = "rolled back"
    FINISH = "finish"
    SUPERSEDE = "supersede"


NEXT: MappingProxyType[Phase, dict[Move, Phase]] = MappingProxyType(
    {
        Phase.PREFLIGHT: {Move.START: Phase.PREPARING, Move.ABORT: Phase.ABORTING},
        Phase.PREPARING: {Move.PREPARED: Phase.DEPLOYING, Move.ABORT: Phase.ABORTING},
        Phase.DEPLOYING: {Move.DEPLOYED: Phase.VERIFYING, Move.DECIDE: Phase.DECIDING},
        Phase.VERIFYING: {Move.VERIFIED: Phase.LIVE, Move.DECIDE: Phase.DECIDING},
        Phase.LIVE: {Move.DECIDE: Phase.DECIDING, Move.FINISH: Phase.CLOSED, Move.SUPERSEDE: Phase.SUPERSEDED},
        Phase.DECIDING: {
            Move.BACK_TO_DEPLOYING: Phase.DEPLOYING,
            Move.BACK_TO_VERIFYING: Phase.VERIFYING,
            Move.BACK_TO_LIVE: Phase.LIVE,
            Move.ROLL_BACK: Phase.ROLLING_BACK,
        },
        Phase.ROLLING_BACK: {Move.ROLLED_BACK: Phase.ROLLED_BACK},
        Phase.ABORTING: {Move.UNDONE: Phase.ABORTED},
        Phase.CLOSED: {},
        Phase.SUPERSEDED: {},
        Phase.ABORTED: {},
        Phase.ROLLED_BACK: {},
    }
)

#: The move that leads back from DECIDING to the phase that was left.
BACK = MappingProxyType(
    {
        Phase.DEPLOYING: Move.BACK_TO_DEPLOYING,
        Phase.VERIFYING: Move.BACK_TO_VERIFYING,
        Phase.LIVE: Move.BACK_TO_LIVE,
    }
)


def words(phase: Phase) -> str:
    """The phase as people read it in the middle of a sentence: `rolling back`."""
    return phase.value.replace("_", " ")


def doing(phase: Phase) -> str:
    """The same of one that is under way, after `is`: `in preflight`."""
    return "in preflight" if phase is Phase.PREFLIGHT else words(phase)


def advance(deployment: Deployment, move: Move, now: datetime) -> Deployment:
    """The same deployment in the phase that the move leads to; Refused when the table has no such move."""
    there = NEXT[deployment.phase].get(move)
    if there is None:
        raise Refused(f"{deployment.id} is {words(deployment.phase)}; {move} is not possible from there.")
    return replace(
        deployment,
        phase=there,
        phase_at=now,
        left=deployment.phase if there is Phase.DECIDING else None,
        started_at=now if there is Phase.PREPARING else deployment.started_at,
        live_at=now if there is Phase.LIVE and deployment.live_at is None else deployment.live_at,
        ended_at=now if there in OVER else None,
    )


def diagram() -> str:
    """The journey as a mermaid state diagram, for the README."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.PREFLIGHT.name}"]
    for phase, moves in NEXT.items():
        lines += [f"    {phase.name} --> {there.name}: {move}" for move, there in moves.items()]
    lines += [f"    {phase.name} --> [*]" for phase in Phase if phase in OVER]
    return "\n".join(lines) + "\n"
