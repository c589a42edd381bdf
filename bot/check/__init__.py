"""What is a check? `checks/` has them; here is how one is registered, refused, measured and told."""

from bot.check.filling import VARIABLES, resolve
from bot.check.measuring import before, measure
from bot.check.outside import from_file, installed
from bot.check.plugin import Context, Intrusive, Plugin, Window, check, completed, defaults, plugins
from bot.check.valid import validate

__all__ = [
    "VARIABLES",
    "Context",
    "Intrusive",
    "Plugin",
    "Window",
    "before",
    "check",
    "completed",
    "defaults",
    "from_file",
    "installed",
    "measure",
    "plugins",
    "resolve",
    "validate",
]
