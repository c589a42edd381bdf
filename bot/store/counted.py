"""How much is there of what, all deployments together?"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import MessageState, Phase
from bot.store.tables import deployment, message


@dataclass(frozen=True, kw_only=True)
class Counted:
    phases: Mapping[Phase, int]
    #: Those that stand in Slack.
    reminders: int


async def counted(connection: AsyncConnection) -> Counted:
    phase, key = deployment.c.phase, message.c.key
    phases = await connection.execute(select(phase, func.count()).group_by(phase))
    reminding = or_(key.startswith("remind:"), key.endswith(":again"))
    reminders = await connection.execute(
        select(func.count()).where(reminding, message.c.state == MessageState.SHOWN).select_from(message)
    )
    return Counted(phases={Phase(name): count for name, count in phases}, reminders=reminders.scalar_one())
