"""What should stand in Slack, and what does stand there?"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One message as it should be. Which message it is, is said by its key, for ever."""

    key: str
    #: A channel (C…, G…) or, for a direct message, a user (U…).
    to: str
    #: A reply to the message `card` of the same deployment.
    in_thread: bool
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    #: A file that goes with it, once: the path of a finished run's log. Then `text` is its comment and `title` its name.
    file: str = ""
    title: str = ""
    #: It decides something, or somebody waits for it: it jumps the queue.
    urgent: bool = False


class MessageState(StrEnum):
    WANTED = "wanted"
    #: Committed before Slack is called: from here on Slack may have it.
    SENDING = "sending"
    SHOWN = "shown"


@dataclass(frozen=True, kw_only=True)
class Owed:
    """A message whose wanted and shown forms differ, as the store knows it."""

    deployment: str
    key: str
    to: str
    in_thread: bool
    file: bool
    urgent: bool
    state: MessageState
    #: How often it was claimed for sending: whoever looks a claim up undoes that one only, never a newer one.
    claim: int = 0
    #: Where it stands in Slack, once known.
    channel: str = ""
    ts: str = ""
    wanted_hash: str = ""
    shown_hash: str = ""
    #: Since when it differs; the oldest is sent first.
    dirty_at: datetime | None = None


class Outbox(Protocol):
    """What `bot.chat` asks of the store. Each call is one committed transaction."""

    async def owed(self) -> list[Owed]:
        """Everything that differs or is in `sending`; the urgent first, then the oldest."""
        ...

    async def thread(self, deployment: str) -> tuple[str, str] | None:
        """Channel and ts of the deployment's card, once it is shown."""
        ...

    async def sending(self, owed: Owed) -> bool:
        """Claim a new message for sending; False when somebody else did, or it is not wanted any more."""
        ...

    async def shown(self, owed: Owed, *, channel: str, ts: str, shown_hash: str) -> None:
        """It stands in Slack in the form of this hash."""
        ...

    async def wanted_again(self, owed: Owed) -> None:
        """This claim was looked up and is provably not in Slack, or what was shown there is gone."""
        ...

    async def undeliverable(self, owed: Owed, why: str) -> None:
        """Slack will never take it in this form (channel archived, invalid blocks): not tried again until it changes."""
        ...


@dataclass(frozen=True, kw_only=True)
class Projection:
    """What follows from a record: computed by pure functions, stored with it in the same transaction."""

    messages: tuple[Wanted, ...]
    #: When the engine has to look at this deployment again; None: never by itself.
    wake_at: datetime | None
