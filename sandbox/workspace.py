"""What is there in the workspace: people, channels, messages, reactions, pins, and who has read what?"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.clock import Clock
from sandbox.feed import Feed
from sandbox.store import Store
from sandbox.world import User, UserGroup, World

Message = dict[str, Any]
MOST_EPHEMERALS = 50


@dataclass(kw_only=True)
class Room:
    """One channel, private channel or direct message with everything in it, oldest first."""

    id: str
    name: str
    kind: str  # channel, private, im
    members: list[str]
    topic: str = ""
    archived: bool = False
    partner: str = ""  # the person of a direct message with the app
    created: int = 0
    bookmarks: list[dict[str, Any]] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    threads: dict[str, list[str]] = field(default_factory=dict)

    def about(self) -> dict[str, Any]:
        """What is written down about the room itself."""
        return {
            "id": self.id, "name": self.name, "kind": self.kind, "members": self.members, "topic": self.topic,
            "archived": self.archived, "partner": self.partner, "created": self.created, "bookmarks": self.bookmarks,
        }  # fmt: skip

    def keep(self, message: Message) -> None:
        ts = message["ts"]
        if ts not in self.messages:
            self.order.append(ts)
            root = message.get("thread_ts")
            if root and root != ts:
                self.threads.setdefault(root, []).append(ts)
        self.messages[ts] = message

    def forget(self, ts: str) -> None:
        message = self.messages.pop(ts)
        self.order.remove(ts)
        replies = self.threads.get(message.get("thread_ts", ""), [])
        if ts in replies:
            replies.remove(ts)

    def roots(self) -> Iterable[Message]:
        """The messages of the channel itself, newest first: roots and broadcast replies."""
        for ts in reversed(self.order):
            if in_channel(self.messages[ts]):
                yield self.messages[ts]

    def thread(self, root: str) -> list[Message]:
        """The root and its replies, oldest first."""
        first = [self.messages[root]] if root in self.messages else []
        return first + [self.messages[ts] for ts in self.threads.get(root, [])]


def in_channel(message: Message) -> bool:
    root = message.get("thread_ts")
    return not root or root == message["ts"] or message.get("subtype") == "thread_broadcast"


Listener = Callable[[str, Room, Message], None]


class Workspace:
    """The state of the world file, changed by people and by the app; every change is written at once."""

    def __init__(self, world: World, store: Store, clock: Clock, feed: Feed) -> None:
        self.world = world
        self.store = store
        self.clock = clock
        self.feed = feed
        self.heard: list[Listener] = []  # who wants to know of each message: new, changed, deleted
        self.load()

    def load(self) -> None:
        """Take the world file, then everything that has happened since."""
        self.users: dict[str, User] = {user.id: user for user in self.world.users}
        self.groups: dict[str, UserGroup] = {group.id: group for group in self.world.usergroups}
        self.rooms: dict[str, Room] = {}
        self.ephemerals: dict[str, list[Message]] = {}
        self.presence: dict[str, str] = dict(self.store.all("presence"))
        self.snoozed: dict[str, float] = dict(self.store.all("snoozed"))
        born = int(self.clock.now().timestamp())
        for seed in self.world.channels:
            about = {key: value for key, value in asdict(seed).items() if key != "members"}
            self.rooms[seed.id] = Room(**about, members=list(seed.members), created=born)
        for user_id, changes in self.store.all("user"):
            if user_id in self.users:
                self.users[user_id] = replace(self.users[user_id], **changes)
        for _, about in self.store.all("room"):
            self.rooms[about["id"]] = Room(**about)
        for _, message in self.store.all("message"):
            if message["channel"] in self.rooms:
                self.rooms[message["channel"]].keep(message)
        self.read: dict[str, dict[str, str]] = {}
        for key, ts in self.store.all("read"):
            user, _, channel = key.partition(" ")
            self.read.setdefault(user, {})[channel] = ts

    # People and rooms.

    @property
    def bot(self) -> str:
        return self.world.app.bot_user_id

    def sees(self, user: str, room: Room) -> bool:
        return room.kind == "channel" or user in room.members

    def people(self) -> list[User]:
        return [user for user in self.users.values() if not user.is_bot]

    def change_user(self, user_id: str, **changes: Any) -> None:
        self.users[user_id] = replace(self.users[user_id], **changes)
        self.store.put("user", user_id, self.store.get("user", user_id, {}) | changes)
        self.feed.tell({"type": "state"})

    def keep_room(self, room: Room) -> None:
        self.rooms[room.id] = room
        self.store.put("room", room.id, room.about())
        self.feed.tell({"type": "state"})

    def by_name(self, name: str) -> Room | None:
        return next((room for room in self.rooms.values() if room.kind != "im" and room.name == name), None)

    def address(self, channel: str) -> str:
        """The one id of a conversation, however it is named: by id, by #name, or by the person it is with."""
        if channel in self.rooms:
            return channel
        if channel in self.users and channel != self.bot:
            return _direct_id(channel, self.bot)
        named = self.by_name(channel.removeprefix("#"))
        return named.id if named else channel

    def direct(self, user: str, other: str | None = None) -> Room:
        """The direct message of a person with the app or with somebody else, opened if need be."""
        other = other or self.bot
        pair = sorted((user, other))
        for room in self.rooms.values():
            if room.kind == "im" and sorted(room.members) == pair:
                return room
        partner = user if other == self.bot else other
        room = Room(
            id=_direct_id(user, other), name=partner, kind="im", members=pair, partner=partner,
            created=int(self.clock.now().timestamp()),
        )  # fmt: skip
        self.keep_room(room)
        return room

    # Messages.

    def find(self, channel: str, ts: str) -> Message | None:
        room = self.rooms.get(channel)
        return room.messages.get(ts) if room else None

    def post(self, room: Room, author: dict[str, Any], **content: Any) -> Message:
        """Put a message into a room; the feed and the listeners hear of it."""
        body = {key: value for key, value in content.items() if value is not None}
        message: Message = {"type": "message", "channel": room.id, "ts": self.clock.ts(), **author, **body}
        room.keep(message)
        self._write(message)
        self._tell("message", room, message)
        root = self.find(room.id, message.get("thread_ts", ""))
        if root is not None and root is not message:
            self._tell("message_changed", room, root)
        if not author.get("bot_id"):
            self.mark(author["user"], room.id, message["ts"])
        for hear in self.heard:
            hear("new", room, message)
        return message

    def change(self, message: Message, *, quiet: bool = False, **changes: Any) -> Message:
        """Change a message in place; a value of None takes the field away."""
        room = self.rooms[message["channel"]]
        before = dict(message)
        for key, value in changes.items():
            if value is None:
                message.pop(key, None)
            else:
                message[key] = value
        self._write(message)
        self._tell("message_changed", room, message)
        if not quiet:
            for hear in self.heard:
                hear("changed", room, {"message": dict(message), "previous_message": before})
        return message

    def delete(self, message: Message) -> None:
        """Take a message away; the root of a thread leaves a gravestone, as in Slack."""
        room = self.rooms[message["channel"]]
        if room.threads.get(message["ts"]):
            self.change(
                message, quiet=True, subtype="tombstone", text="This message was deleted.", deleted=True,
                blocks=None, attachments=None, files=None, metadata=None, reactions=None, user="USLACKBOT", bot_id=None,
            )  # fmt: skip
        else:
            room.forget(message["ts"])
            self.store.drop("message", f"{room.id} {message['ts']}")
            self.feed.tell(
                {"type": "message_deleted", "channel": room.id, "ts": message["ts"]}, lambda user: self.sees(user, room)
            )
            root = self.find(room.id, message.get("thread_ts", ""))
            if root is not None and root is not message:
                self._tell("message_changed", room, root)
        for hear in self.heard:
            hear("deleted", room, message)

    def whisper(self, user: str, room: Room, **content: Any) -> Message:
        """Show a message to one person only; it is not kept beyond the life of the sandbox, as in Slack."""
        body = {key: value for key, value in content.items() if value is not None}
        message: Message = {
            "type": "message", "channel": room.id, "ts": self.clock.ts(), "user": self.bot,
            "bot_id": self.world.app.bot_id, "ephemeral": True, "for": user, **body,
        }  # fmt: skip
        kept = self.ephemerals.setdefault(user, [])
        kept.append(message)
        del kept[:-MOST_EPHEMERALS]
        self.feed.tell({"type": "message", "message": self.shown(message)}, lambda viewer: viewer == user)
        return message

    def whispered(self, user: str, channel: str, ts: str) -> Message | None:
        kept = self.ephemerals.get(user, [])
        return next((m for m in kept if m["ts"] == ts and m["channel"] == channel), None)

    def rewhisper(self, message: Message, **changes: Any) -> None:
        for key, value in changes.items():
            if value is None:
                message.pop(key, None)
            else:
                message[key] = value
        event = {"type": "message_changed", "message": self.shown(message)}
        self.feed.tell(event, lambda viewer: viewer == message["for"])

    def unwhisper(self, message: Message) -> None:
        kept = self.ephemerals.get(message["for"], [])
        if message in kept:
            kept.remove(message)
        gone = {"type": "ephemeral_gone", "channel": message["channel"], "ts": message["ts"]}
        self.feed.tell(gone, lambda viewer: viewer == message["for"])

    def thread_facts(self, room: Room, message: Message) -> dict[str, Any]:
        """What a root knows about its replies."""
        replies = [room.messages[ts] for ts in room.threads.get(message["ts"], [])]
        if not replies:
            return {}
        authors = list(dict.fromkeys(reply["user"] for reply in replies))
        return {
            "thread_ts": message["ts"],
            "reply_count": len(replies),
            "reply_users_count": len(authors),
            "reply_users": authors[:5],
            "latest_reply": replies[-1]["ts"],
        }

    def shown(self, message: Message) -> Message:
        """A message as a page gets it."""
        room = self.rooms[message["channel"]]
        facts = self.thread_facts(room, message)
        if files := message.get("files"):
            facts["files"] = [file | {"url": f"/control/file?file={file['id']}"} for file in files]
        return {key: value for key, value in (message | facts).items() if key not in ("for", "type")}

    # Reading.

    def mark(self, user: str, channel: str, ts: str) -> None:
        self.read.setdefault(user, {})[channel] = ts
        self.store.put("read", f"{user} {channel}", ts)

    def unread(self, user: str, room: Room) -> tuple[int, int]:
        """How many messages the person has not read, and how many of them call for that person."""
        start = bisect_right(room.order, self.read.get(user, {}).get(room.id, ""))
        calls = [f"<@{user}>", "<!here>", "<!channel>", "<!everyone>"]
        calls += [f"<!subteam^{group.id}" for group in self.groups.values() if user in group.users]
        unread = mentions = 0
        for ts in room.order[start:]:
            message = room.messages[ts]
            if message["user"] == user or user not in room.members:
                continue
            unread += in_channel(message)
            said = _everything_said(message)
            mentions += room.kind == "im" or user in said.split() or any(call in said for call in calls)
        return unread, mentions

    def _write(self, message: Message) -> None:
        self.store.put("message", f"{message['channel']} {message['ts']}", message)

    def _tell(self, kind: str, room: Room, message: Message) -> None:
        self.feed.tell({"type": kind, "message": self.shown(message)}, lambda user: self.sees(user, room))


def _direct_id(user: str, other: str) -> str:
    return f"D{hashlib.sha256(' '.join(sorted((user, other))).encode()).hexdigest()[:9].upper()}"


def _everything_said(message: Message) -> str:
    return message.get("text", "") + " " + " ".join(_strings(message.get("blocks") or []))


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
