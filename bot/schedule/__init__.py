"""What time is it, and who has to look when?"""

from bot.schedule.alarms import Alarms
from bot.schedule.clock import FollowedClock, OffsetClock, SystemClock

__all__ = ["Alarms", "FollowedClock", "OffsetClock", "SystemClock"]
