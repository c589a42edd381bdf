"""The use-cases: what people, machines and time ask for is decided, saved, and then made true."""

from bot.engine.directory import Remembering
from bot.engine.engine import Engine, Start
from bot.engine.measuring import Measuring
from bot.engine.reconciler import Reconciler

__all__ = ["Engine", "Measuring", "Reconciler", "Remembering", "Start"]
