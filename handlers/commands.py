"""What do the words after `/deploy`, or after a mention, mean?"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.engine import Engine, Start
from bot.errors import Refused
from bot.model import Deployment, Phase
from bot.text import code, esc, moment, nearest_word, several
from bot.views import answers
from bot.views.answers import Answer
from handlers import starting
from handlers.bolt import Bolt, Words
from handlers.journey import give_record

_ID = re.compile(r"[a-z0-9][a-z0-9-]*-\d+", re.IGNORECASE)
_VERSION = re.compile(r"v?\d+(\.\d+)+\S*")
#: `name=value`; what has spaces in it stands in quotes, which phones make round.
_PARAMETER = re.compile(r"""(?<!\S)([^\s="“”]+)=(?:["“”]([^"“”]*)["“”](?!\S)|(\S*))""")

#: So many deliveries are recognised when they come again; Slack repeats within minutes.
_HEARD = 1000


@dataclass(frozen=True, kw_only=True)
class Request:
    """One command: what was said with it, and which deployment it names."""

    words: Words
    rest: str
    named: str


Handle = Callable[[Request], Awaitable[Answer | None]]


def register(bolt: Bolt, engine: Engine) -> None:
    commands = Commands(bolt, engine)
    bolt.command("/deploy", commands.typed)
    bolt.event("app_mention", commands.mentioned)
    bolt.event("message", commands.written)


class Commands:
    """Every word that can be typed; the same ones in a command, a mention and a direct message."""

    def __init__(self, bolt: Bolt, engine: Engine) -> None:
        self._bolt = bolt
        self._engine = engine
        #: The deliveries that this process takes care of, the oldest first.
        self._heard: dict[str, None] = {}
        self.known: dict[str, Handle] = {
            "start": self._start,
            "status": self._status,
            "why": self._why,
            "go": self._go,
            "no-go": self._no_go,
            "check": self._check,
            "run": self._run,
            "hold": self._hold,
            "resume": self._resume,
            "rollback": self._rollback,
            "abort": self._abort,
            "freeze": self._freeze,
            "unfreeze": self._unfreeze,
            "contacts": self._contacts,
            "followups": self._follow_ups,
            "history": self._history,
            "record": self._record,
            "help": self._help,
        }

    async def typed(self, words: Words) -> None:
        first, _, rest = words.text.strip().partition(" ")
        if not first:
            live = await self._engine.under_way(words.channel)
            frozen = await self._engine.freezes.now()
            self._bolt.say(words.to, answers.overview(live, self._engine.clock.now(), frozen))
            return
        handle = self.known.get(first.lower())
        if handle is None:
            near = nearest_word(first, self.known)
            hint = f"Did you mean `{near}`? " if near else ""
            raise Refused(f"I do not know “{esc(first[:40])}”. {hint}`/deploy help` lists what I do.")
        named, rest = self._split(rest.strip())
        answer = await handle(Request(words=words, rest=rest, named=named or await self._of_thread(words)))
        if answer is not None:
            self._bolt.say(words.to, answer)

    async def mentioned(self, event: dict[str, Any], once: str) -> None:
        text = re.sub(r"<@[A-Z0-9_]+(\|[^>]*)?>", " ", event.get("text", ""), count=1).strip()
        await self._from_event(event, text, once)

    async def written(self, event: dict[str, Any], once: str) -> None:
        """A direct message: the same words. What programs write is not for us."""
        if event.get("channel_type") == "im" and not event.get("bot_id") and not event.get("subtype"):
            await self._from_event(event, event.get("text", ""), once)

    async def _from_event(self, event: dict[str, Any], text: str, once: str) -> None:
        """What is asked for is done once, whoever is killed: the change itself carries the delivery. A question may be answered twice."""
        if once in self._heard:
            return
        self._heard[once] = None
        if len(self._heard) > _HEARD:
            del self._heard[next(iter(self._heard))]
        person = await self._engine.directory.person(event["user"])
        channel = "" if event.get("channel_type") == "im" else event.get("channel", "")
        to = self._bolt.to_event(event)
        await self.typed(
            Words(by=person, to=to, text=text, channel=channel, thread=event.get("thread_ts", ""), once=once)
        )

    def _split(self, rest: str) -> tuple[str, str]:
        """The id that is named, and what remains."""
        for word in rest.split():
            if _ID.fullmatch(word) and word.rpartition("-")[0].lower() in self._engine.settings.services:
                return word, " ".join(rest.replace(word, " ", 1).split())
        return "", rest

    async def _of_thread(self, words: Words) -> str:
        return await self._engine.store.outbox.whose(words.channel, words.thread) if words.thread else ""

    async def _meant(self, request: Request) -> Deployment:
        return await self._engine.meant(request.named, request.words.channel)

    # ── Each word ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _start(self, request: Request) -> Answer | None:
        rest, said = _parameters(request.words.text.strip().partition(" ")[2])
        words = [word for word in rest.split() if word not in {"to", "→", "->"}]
        version = next((word for word in words if _VERSION.fullmatch(word)), "")
        others = [word for word in words if word != version]
        start = Start(service=next(iter(others), ""), version=version, environment=next(iter(others[1:]), ""))
        if not start.version and len(others) > 1 and others[1] not in self._known_environments(start.service):
            start = Start(service=others[0], version=others[1], environment=next(iter(others[2:]), ""))
        start = replace(start, parameters=said)
        missing = self._engine.is_missing(start) if start.service else True
        if start.version and (not missing or (start.service and not request.words.trigger)):
            opened = await self._engine.start_thread(start, by=request.words.by, once=request.words.once)
            return answers.said(f"Opened *{opened.id}*; its thread is in <#{opened.channel}>.")
        if not request.words.trigger:
            raise Refused("Say which service and version, as in: `start checkout 1.4.2`.")
        await starting.ask(self._bolt, self._engine, request.words, start, request.words.channel)
        return None

    def _known_environments(self, service: str) -> tuple[str, ...]:
        return tuple(self._engine.settings.environments(service)) if service in self._engine.settings.services else ()

    async def _status(self, request: Request) -> Answer:
        frozen = await self._engine.freezes.now()
        if not request.named and not await self._engine.under_way(request.words.channel):
            return answers.overview([], self._engine.clock.now(), frozen)
        return answers.status(await self._meant(request), self._engine.clock.now(), frozen)

    async def _why(self, request: Request) -> Answer:
        return answers.why(await self._meant(request), self._engine.clock.now())

    async def _go(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        await self._engine.sign(deployment.id, go=True, by=request.words.by, role=request.rest, once=request.words.once)
        return answers.said(f"Your go for *{deployment.id}* is noted. The card shows who is still missing.")

    async def _no_go(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        await self._engine.sign(
            deployment.id, go=False, by=request.words.by, reason=request.rest, once=request.words.once
        )
        return answers.said(f"Your no-go for *{deployment.id}* is noted. `/deploy go` takes it back.")

    async def _check(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        names = await self._engine.measure(deployment.id, by=request.words.by, name=request.rest)
        what = code(names[0]) if len(names) == 1 else f"all {len(names)} checks"
        return answers.said(f"Measuring {what} for *{deployment.id}*; its thread shows {answers.found(names)}.")

    async def _run(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        if not request.rest:
            known = ", ".join(sorted(key for key, one in deployment.plan.scripts.items() if one.by_hand))
            raise Refused(f"Which script? What can be run by hand: {known}. As in `/deploy run health`.")
        await self._engine.run_by_hand(deployment.id, request.rest, by=request.words.by, once=request.words.once)
        return answers.said(f"Running {esc(request.rest)} for *{deployment.id}*; its thread shows the output.")

    async def _hold(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        await self._engine.hold(deployment.id, reason=request.rest, by=request.words.by, once=request.words.once)
        return answers.said(f"*{deployment.id}* is on hold. `/deploy resume` releases it.")

    async def _resume(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        await self._engine.resume(deployment.id, by=request.words.by, once=request.words.once)
        return answers.said(f"*{deployment.id}* goes on.")

    async def _rollback(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        await self._engine.ask_roll_back(
            deployment.id, reason=request.rest, by=request.words.by, once=request.words.once
        )
        return answers.said(f"The thread of *{deployment.id}* asks whether to roll back; the button is there.")

    async def _abort(self, request: Request) -> Answer:
        deployment = await self._meant(request)
        await self._engine.abort(deployment.id, reason=request.rest, by=request.words.by, once=request.words.once)
        return answers.said(f"*{deployment.id}* is called off; what was prepared is being undone.")

    async def _only_names(self, request: Request) -> None:
        """Refuse words that name nothing here: whoever looks one thing up is not shown another."""
        if request.rest:
            newest = await self._engine.store.find(limit=1)
            known = f"the newest is {newest[0].id}" if newest else "none has been opened yet"
            raise Refused(f"“{esc(request.rest[:40])}” names no deployment; {known}.")

    async def _contacts(self, request: Request) -> Answer:
        service = request.rest if request.rest in self._engine.settings.services else ""
        if request.rest and not service:
            known = several(self._engine.settings.services)
            raise Refused(f"“{esc(request.rest[:40])}” names no deployment and no service; deployed are {known}.")
        if request.named or (not service and await self._engine.under_way(request.words.channel)):
            return answers.contacts(await self._meant(request))
        return await self._roster(service, request.words.channel)

    async def _roster(self, service: str, channel: str) -> Answer:
        """The people of a service as the configuration names them: with nothing under way they are needed as much."""
        every = list(self._engine.settings.plans.values())
        plans = [one for one in every if one.service == service] or await self._engine.deployed_in(channel) or every
        services = list(dict.fromkeys(one.service for one in plans))
        if len(services) > 1:
            known = ", ".join(services)
            raise Refused(f"Whose contacts? Deployed are {known}: `/deploy contacts {services[0]}`.")
        return answers.rosters([(one.service, one.environment, await self._engine.roster(one)) for one in plans])

    async def _follow_ups(self, request: Request) -> Answer:
        if request.named:
            return answers.follow_ups([await self._meant(request)], self._engine.clock.now())
        live = await self._engine.store.find(phases=[Phase.LIVE], channel=request.words.channel or None)
        return answers.follow_ups(live, self._engine.clock.now())

    async def _history(self, request: Request) -> Answer:
        await self._only_names(request)
        deployment = await self._engine.told_of(request.named, request.words.channel)
        return answers.history(*await self._engine.history(deployment.id))

    async def _record(self, request: Request) -> Answer:
        await self._only_names(request)
        deployment = await self._engine.told_of(request.named, request.words.channel)
        return await give_record(self._bolt, self._engine, deployment.id, request.words)

    async def _freeze(self, request: Request) -> Answer:
        service, reason = self._service(request.rest)
        freeze = await self._engine.freezes.begin(service=service, reason=reason, by=request.words.by)
        what = esc(freeze.service) if service else "Everything"
        ending = f"`/deploy unfreeze {service}`" if service else "`/deploy unfreeze`"
        return answers.said(f"{what} is frozen: nothing starts from {moment(freeze.from_at)} on. {ending} ends it.")

    async def _unfreeze(self, request: Request) -> Answer:
        service, _ = self._service(request.rest)
        await self._engine.freezes.end(service=service, by=request.words.by)
        return answers.said("The change freeze is over.")

    def _service(self, rest: str) -> tuple[str, str]:
        first, _, after = rest.partition(" ")
        return (first, after.strip()) if first in self._engine.settings.services else ("", rest)

    async def _help(self, request: Request) -> Answer:  # noqa: ARG002 - a word like the others
        return answers.help_text()


def _parameters(rest: str) -> tuple[str, dict[str, str]]:
    """What remains of the words, and what was said for each parameter."""
    said: dict[str, str] = {}
    for found in _PARAMETER.finditer(rest):
        key = _as_typed(found[1]).lower()
        if key in said:
            raise Refused(f"“{esc(key[:40])}” is said twice; say it once.")
        said[key] = _as_typed(found[2] if found[2] is not None else found[3])
    return _PARAMETER.sub(" ", rest), said


def _as_typed(text: str) -> str:
    """Slack writes three signs in another way, in commands and in mentions."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
