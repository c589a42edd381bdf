"""What is a check? `checks/` has them; here is how one is registered, refused, measured and told."""

from bot.check.filling import VARIABLES
from bot.check.measuring import measure
from bot.check.outside import from_file, installed
from bot.check.plugin import Context, Plugin, check, completed, defaults, plugins
from bot.check.valid import validate

__all__ = [
    "VARIABLES",
    "Context",
    "Plugin",
    "check",
    "completed",
    "defaults",
    "from_file",
    "installed",
    "measure",
    "plugins",
    "validate",
]
