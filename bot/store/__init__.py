"""The record: what is known, what is wanted of Slack, and the story of how it came to be so."""

from bot.store.around import EVERY, Freeze
from bot.store.messages import Messages
from bot.store.snapshot import hash_of
from bot.store.store import Store, Taken

__all__ = ["EVERY", "Freeze", "Messages", "Store", "Taken", "hash_of"]
