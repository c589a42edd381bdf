"""What people do in Slack: each module registers what it listens to, and calls one use-case."""

from bot.engine import Engine
from handlers import checklist, commands, home, journey, signing, starting
from handlers.bolt import Bolt


def register(bolt: Bolt, engine: Engine) -> None:
    """Everything that people can do."""
    starting.register(bolt, engine)
    checklist.register(bolt, engine)
    signing.register(bolt, engine)
    journey.register(bolt, engine)
    home.register(bolt, engine)
    commands.register(bolt, engine)
