"""How does a file come into a thread once?

Its bytes go to Slack first, where nobody sees them; only the last call, which shares them, is guarded like a post. The
file's name carries the message's name, so that it can be looked up.
"""

import asyncio
import hashlib
import html
import re
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp

from bot.chat.answers import Fate, Trouble
from bot.chat.calls import Calls
from bot.errors import Unreachable
from bot.model import Owed, Wanted
from bot.text import clip

_COMMENT, _ALT = 3000, 1000
_TIMEOUT_S = 600.0
_OK = 200


def stem_of(owed: Owed) -> str:
    """The beginning of the file's name: readable, and another one for each message."""
    name = f"{owed.deployment}/{owed.key}"
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class Files:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        #: Handed over, not yet shared.
        self._staged: dict[str, str] = {}

    async def stage(self, owed: Owed, wanted: Wanted) -> str:
        """Hand the bytes over; nobody sees them yet. The file's id; empty when there is nothing in it."""
        if (staged := self._staged.get(stem_of(owed))) is not None:
            return staged
        path = Path(wanted.file)
        size = await asyncio.to_thread(_size, path)
        if size is None:
            raise Unreachable(f"{path.name} of {owed.deployment} is not on this machine; another one may have it.")
        if not size:
            # Slack takes no empty file: the comment goes alone.
            return ""
        name = stem_of(owed) + (path.suffix or ".txt")
        # A picture says for whoever does not see it what its message says.
        said = {"alt_txt": clip(html.unescape(f"{wanted.title}. {wanted.text}"), _ALT)} if path.suffix == ".png" else {}
        answer = await self._calls.repeatable("files.getUploadURLExternal", filename=name, length=size, **said)
        with await asyncio.to_thread(path.open, "rb") as content:
            await _hand_over(str(answer["upload_url"]), content, path.name)
        staged = self._staged[stem_of(owed)] = str(answer["file_id"])
        return staged

    async def give(self, channel: str, name: str, content: bytes, comment: str) -> None:
        """A file that somebody asked for, as a message of its own. Twice is better than never."""
        answer = await self._calls.repeatable("files.getUploadURLExternal", filename=name, length=len(content))
        await _hand_over(str(answer["upload_url"]), content, name)
        files = [{"id": str(answer["file_id"]), "title": name}]
        await self._calls.once(
            "files.completeUploadExternal", files=files, channel_id=channel, initial_comment=clip(comment, _COMMENT)
        )

    async def share(self, owed: Owed, wanted: Wanted, channel: str, thread_ts: str) -> str:
        """Make it visible. Slack often says only later where it stands; nothing needs that, for a file never changes."""
        title = wanted.title or Path(wanted.file).name
        staged = self._staged.pop(stem_of(owed))
        try:
            answer = await self._calls.once(
                "files.completeUploadExternal",
                files=[{"id": staged, "title": title}],
                channel_id=channel,
                **({"thread_ts": thread_ts} if thread_ts else {}),
                **({"initial_comment": clip(wanted.text, _COMMENT)} if wanted.text else {}),
            )
        except Trouble as trouble:
            if trouble.fate is Fate.NOT_NOW:
                self._staged[stem_of(owed)] = staged
            raise
        shares: dict[str, Any] = (answer["files"] or [{}])[0].get("shares") or {}
        places = [place for kind in shares.values() for place in kind.get(channel, [])]
        return str(places[0]["ts"]) if places else ""


async def _hand_over(url: str, content: BinaryIO | bytes, name: str) -> None:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.post(url, data=content) as answer,
        ):
            if answer.status != _OK:
                raise Unreachable(f"Slack did not take {name}: status {answer.status}.")
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        raise Unreachable(f"Slack did not take {name}: {type(problem).__name__}.") from problem


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
