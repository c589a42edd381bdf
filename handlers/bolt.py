"""Where does Slack meet the product? The one place that acknowledges, parses, catches and answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.chat import Whisper
from bot.errors import ConfigError, Refused, Unreachable
from bot.model import Person
from bot.terminal import plain
from bot.text import clip, esc
from bot.views import ids, kit, modals
from bot.views.answers import Answer
from bot.views.kit import Block

log = logging.getLogger(__name__)

#: Slack waits three seconds for an answer. A decision that takes longer goes on and reports later.
ACK_WITHIN_S = 2.5

SORRY = "That did not work, and it is our fault; nothing was changed. Try again, and tell whoever runs T-Minus if it stays so."


class Speaker(Protocol):
    """What handlers need of the chat."""

    def whisper(self, to: Whisper, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None: ...

    def pressed(self, channel: str, ts: str) -> None:
        """Somebody pressed something in this message, or in the Home of this person (no ts), and waits for what it says next."""
        ...

    async def open_view(self, trigger_id: str, view: dict[str, Any], to: Whisper | None = None) -> str | None:
        """The view's id; None when it did not open, and the person was told."""
        ...

    async def update_view(self, view_id: str, view: dict[str, Any]) -> None: ...

    async def give(self, user: str, name: str, content: bytes, comment: str) -> None: ...


class People(Protocol):
    async def person(self, who: str) -> Person: ...


@dataclass(frozen=True, kw_only=True)
class Said:
    """Somebody pressed, typed or submitted something."""

    by: Person
    to: Whisper
    trigger: str = ""


@dataclass(frozen=True, kw_only=True)
class Press(Said):
    """Something in a message, in Home or in a modal was pressed."""

    deployment: str = ""
    about: str = ""
    #: Whether a box is ticked now.
    ticked: bool = False
    #: The modal that it was pressed in, and what its inputs hold.
    view: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Submission(Said):
    """A modal was submitted: what it carried, and the values of its inputs by key."""

    carried: str
    values: Mapping[str, Any]

    def text(self, key: str) -> str:
        value = self.values.get(key)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, kw_only=True)
class Words(Said):
    """`/deploy` and what follows it, or the same words after a mention."""

    text: str
    channel: str
    #: Root of the thread that the mention stands in.
    thread: str = ""
    #: The same delivery again carries the same key.
    once: str = ""


class Bolt:
    """Registers listeners with slack-bolt. No listener raises, and every acknowledgement follows the commit."""

    def __init__(self, app: AsyncApp, speaker: Speaker, people: People) -> None:
        self._app = app
        self._speaker = speaker
        self._people = people
        self._tasks: set[asyncio.Task[Any]] = set()

    # ── Registering ──────────────────────────────────────────────────────────────────────────────────────────────────

    def button(self, action_id: str) -> Callable[[Callable[[Press], Awaitable[None]]], None]:
        """A button, a box, a menu or an input that is listened to."""

        def register(handle: Callable[[Press], Awaitable[None]]) -> None:
            async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
                async def decide() -> None:
                    await handle(await self._press(body))

                await self._answer(decide, body)
                await ack()

            self._app.action(action_id)(listener)

        return register

    def modal(self, callback_id: str, *, wrong: str) -> Callable[[Callable[[Submission], Awaitable[None]]], None]:
        """A submitted modal; a refusal that names no input is shown at `wrong`, and the modal stays open."""

        def register(handle: Callable[[Submission], Awaitable[None]]) -> None:
            async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
                async def decide() -> None:
                    await handle(await self._submission(body))

                decision = self._task(decide())
                await asyncio.wait({decision}, timeout=ACK_WITHIN_S)
                if not decision.done():
                    self._task(self._report_late(decision, body))
                    await ack()
                    return
                sentence = self._sentence(decision.exception())
                if sentence:
                    # Beside an input Slack reads no marks.
                    errors = {_input(decision.exception()) or wrong: plain(sentence)}
                    await ack(response_action="errors", errors=errors)
                else:
                    await ack()

            self._app.view_submission(callback_id)(listener)

        return register

    def closed(self, callback_id: str) -> Callable[[Callable[[Submission], Awaitable[None]]], None]:
        """A modal was closed without submitting."""

        def register(handle: Callable[[Submission], Awaitable[None]]) -> None:
            async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
                async def decide() -> None:
                    await handle(await self._submission(body))

                await self._answer(decide, body)
                await ack()

            self._app.view_closed(callback_id)(listener)

        return register

    def command(self, name: str, handle: Callable[[Words], Awaitable[None]]) -> None:
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            async def decide() -> None:
                await handle(
                    Words(
                        by=await self._people.person(body["user_id"]),
                        to=_whisper(body),
                        trigger=body.get("trigger_id", ""),
                        text=body.get("text", ""),
                        channel=body.get("channel_id", ""),
                    )
                )

            await self._answer(decide, body)
            await ack()

        self._app.command(name)(listener)

    def shortcut(self, callback_id: str, handle: Callable[[Said], Awaitable[None]]) -> None:
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            async def decide() -> None:
                person = await self._people.person(body["user"]["id"])
                await handle(Said(by=person, to=_whisper(body), trigger=body.get("trigger_id", "")))

            await self._answer(decide, body)
            await ack()

        self._app.global_shortcut(callback_id)(listener)

    def event(self, name: str, handle: Callable[[dict[str, Any], str], Awaitable[None]]) -> None:
        """An event, with its delivery's key; Slack delivers it again when it is not acknowledged."""

        async def listener(body: dict[str, Any]) -> None:
            event: dict[str, Any] = body.get("event", {})

            async def decide() -> None:
                await handle(event, f"event:{body.get('event_id', '')}")

            await self._answer(decide, event)

        self._app.event(name)(listener)

    # ── Answering ────────────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, to: Whisper, answer: Answer) -> None:
        self._speaker.whisper(to, answer.text, answer.blocks)

    def give(self, to: Whisper, name: str, content: str, comment: str) -> None:
        """A file in somebody's direct messages. It may take long, so nobody waits for it; whoever asked hears when it fails."""

        async def hand_over() -> None:
            try:
                await self._speaker.give(to.user, name, content.encode(), comment)
            # The boundary around one errand: whatever happens, the person reads a sentence.
            except Exception as problem:  # noqa: BLE001
                self._speaker.whisper(to, self._sentence(problem))

        self._task(hand_over())

    def to_event(self, event: Mapping[str, Any]) -> Whisper:
        """Where to answer somebody who wrote a message."""
        return _whisper(event)

    async def show(self, said: Said, title: str, view: Callable[[], Awaitable[Block]]) -> None:
        """Open a modal at once, then fill it: the trigger lives three seconds, looking things up may take longer."""
        opened = await self._speaker.open_view(said.trigger, modals.loading("read", title), said.to)
        if opened is None:
            return
        try:
            filled = await view()
        except Refused as refusal:
            filled = modals.text(title, [kit.section(str(refusal))])
        await self._speaker.update_view(opened, filled)

    async def redraw(self, view_id: str, view: Block) -> None:
        await self._speaker.update_view(view_id, view)

    async def drain(self) -> None:
        """Wait for decisions under way; there are no timeouts around a commit."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _answer(self, decide: Callable[[], Awaitable[None]], body: dict[str, Any]) -> None:
        """Decide, and whisper what went wrong; return when it is decided, or when Slack has waited long enough."""

        async def guarded() -> None:
            try:
                await decide()
            # The boundary where a listener meets Bolt: whatever happens, the person reads a sentence.
            except Exception as problem:  # noqa: BLE001
                self._speaker.whisper(_whisper(body), self._sentence(problem))

        decision = self._task(guarded())
        await asyncio.wait({decision}, timeout=ACK_WITHIN_S)

    async def _report_late(self, decision: "asyncio.Task[None]", body: dict[str, Any]) -> None:
        await asyncio.wait({decision})
        sentence = self._sentence(decision.exception())
        if sentence:
            # The form has closed, and what was written in it would be gone with it.
            written = "\n".join(f"You wrote: “{esc(clip(text, 1000))}”" for text in _written(body["view"]))
            self._speaker.whisper(_whisper(body), f"{sentence}\n{written}".strip())

    def _sentence(self, problem: BaseException | None) -> str:
        if problem is None:
            return ""
        if isinstance(problem, Refused | Unreachable | ConfigError):
            return str(problem)
        log.error("a listener failed", exc_info=problem)
        return SORRY

    def _task(self, work: "Awaitable[None]") -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)  # noqa: S101 - a coroutine always becomes a task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # ── Parsing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _press(self, body: dict[str, Any]) -> Press:
        action: dict[str, Any] = body["actions"][0]
        carried, ticked = _carried(action, body)
        deployment, about = ids.parse(carried) if carried else ("", "")
        container: Mapping[str, Any] = body.get("container") or {}
        if message_ts := container.get("message_ts", ""):
            self._speaker.pressed(container.get("channel_id", ""), message_ts)
        elif (body.get("view") or {}).get("type") == "home":
            self._speaker.pressed(body["user"]["id"], "")
        return Press(
            by=await self._people.person(body["user"]["id"]),
            to=_whisper(body),
            trigger=body.get("trigger_id", ""),
            deployment=deployment,
            about=about,
            ticked=ticked,
            view=body.get("view") or {},
        )

    async def _submission(self, body: dict[str, Any]) -> Submission:
        view: dict[str, Any] = body["view"]
        # The form may have been opened at home, and nothing in it says so.
        self._speaker.pressed(body["user"]["id"], "")
        return Submission(
            by=await self._people.person(body["user"]["id"]),
            to=_whisper(body),
            trigger=body.get("trigger_id", ""),
            carried=view.get("private_metadata", ""),
            values=inputs(view),
        )


def inputs(view: Mapping[str, Any]) -> dict[str, Any]:
    """What the inputs of a modal hold, by key: text, the value of the chosen option, or seconds."""
    values: dict[str, Any] = {}
    for key, block in view.get("state", {}).get("values", {}).items():
        for element in block.values():
            chosen = element.get("selected_option") or {}
            values[key] = element.get("value") or chosen.get("value") or element.get("selected_date_time")
    return values


def _written(view: Mapping[str, Any]) -> list[str]:
    """What somebody wrote into a modal in their own words."""
    blocks: Mapping[str, Mapping[str, Mapping[str, Any]]] = view.get("state", {}).get("values", {})
    fields = [element for block in blocks.values() for element in block.values()]
    return [
        str(one["value"])
        for one in fields
        if one.get("type") in {"plain_text_input", "number_input"} and one.get("value")
    ]


def _carried(action: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[str, bool]:
    """What the pressed thing carries, and whether it is ticked."""
    match action.get("type"):
        case "checkboxes":
            chosen = action.get("selected_options") or []
            return (chosen[0]["value"], True) if chosen else (_only_option(action, body), False)
        case "overflow":
            return action.get("selected_option", {}).get("value", ""), False
        case "button":
            return action.get("value", ""), False
        case _:
            return "", False


def _only_option(action: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """An unticked box carries nothing, so its value is read from the message that it stands in."""
    blocks = (body.get("message") or body.get("view") or {}).get("blocks", [])
    for block in blocks:
        accessory = block.get("accessory", {})
        if block.get("block_id") == action.get("block_id") and accessory.get("options"):
            return str(accessory["options"][0]["value"])
    raise Refused("This box is from a version that no longer exists. Use `/deploy status`.")


def _input(problem: BaseException | None) -> str:
    """The input of the modal that mends it, where the refusal names one."""
    return problem.at if isinstance(problem, Refused) else ""


def _whisper(body: Mapping[str, Any]) -> Whisper:
    """Where the person is looking, from any of Slack's payloads."""
    user: Any = body.get("user")
    container: Mapping[str, Any] = body.get("container") or {}
    channel: Any = body.get("channel")
    return Whisper(
        user=body.get("user_id") or (user.get("id", "") if isinstance(user, dict) else str(user or "")),
        channel=body.get("channel_id") or (channel.get("id", "") if isinstance(channel, dict) else str(channel or "")),
        thread_ts=container.get("thread_ts") or body.get("thread_ts") or "",
        response_url=body.get("response_url") or "",
    )
