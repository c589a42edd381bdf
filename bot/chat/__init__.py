"""How does what is wanted in Slack come to stand in Slack?"""

from bot.chat.calls import make_client
from bot.chat.chat import SlackChat
from bot.chat.whispers import Whisper

__all__ = ["SlackChat", "Whisper", "make_client"]
