"""What does somebody read who asked a question? Text and blocks of ephemeral answers; the terminal prints the same text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import gates
from bot.judge import describe, named
from bot.machine import words
from bot.model import Deployment, Finding, Row, Seat, StoryLine
from bot.plan import CheckPlan, ItemPlan
from bot.text import clip, code, duration, esc, moment, plural, several
from bot.views import card, kit, parameters, signs
from bot.views.kit import Block


@dataclass(frozen=True, kw_only=True)
class Answer:
    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Command:
    """One word after `/deploy`."""

    word: str
    arguments: str
    says: str
    #: Among the five that `/deploy` alone shows.
    common: bool = False


#: As `/deploy help` lists them, under what people want.
GROUPS = {
    "Start and look": (
        Command(
            word="start",
            arguments="[service] [version] [environment] [name=value]",
            says="open a deployment and its thread",
            common=True,
        ),
        Command(word="status", arguments="[id]", says="where a deployment is", common=True),
        Command(word="why", arguments="[id]", says="what is in the way, and who clears it", common=True),
    ),
    "Sign": (
        Command(word="go", arguments="[role]", says="sign for your role", common=True),
        Command(word="no-go", arguments="[reason]", says="say no for your role"),
    ),
    "Measure and run": (
        Command(word="check", arguments="[name]", says="measure again, everything or one check"),
        Command(word="run", arguments="health | smoke | NAME", says="run one of the scripts that may be run by hand"),
    ),
    "Stop, or go back": (
        Command(word="hold", arguments="reason", says="stop the clock"),
        Command(word="resume", arguments="", says="release a hold: whoever set it, or the roster"),
        Command(
            word="rollback",
            arguments="[reason]",
            says="ask whether to go back; the roster or the captain decides",
            common=True,
        ),
        Command(word="abort", arguments="reason", says="call it off before production has changed"),
        Command(word="freeze", arguments="[service] reason", says="nothing may start until unfreeze"),
        Command(word="unfreeze", arguments="[service]", says="end a change freeze"),
    ),
    "Look up": (
        Command(word="contacts", arguments="[id or service]", says="the roster: each role, its contact and backup"),
        Command(word="followups", arguments="", says="what is due after a deployment went live"),
        Command(
            word="history", arguments="[id]", says="who did what, when and why; with nothing under way of the newest"
        ),
        Command(word="record", arguments="[id]", says="the whole story as a file that can be verified"),
        Command(word="help", arguments="", says="this list"),
    ),
}
COMMANDS = tuple(one for group in GROUPS.values() for one in group)


#: A modal takes no more.
_MOST_BLOCKS = 100


def _answer(*blocks: Block, text: str) -> Answer:
    return Answer(text=text, blocks=blocks)


def said(text: str) -> Answer:
    """One sentence or a few lines."""
    return _answer(kit.section(text), text=text)


def found(names: Sequence[str]) -> str:
    """What will be shown of what is being measured."""
    return "what it finds" if len(names) == 1 else "each as it comes"


def help_text() -> Answer:
    told = [f"*{title}*\n{_listed(group)}" for title, group in GROUPS.items()]
    note = "In a thread, mention me with the same words: `@T-Minus why`. Where several deployments are active, add the id: `/deploy why checkout-12`."
    return _answer(*map(kit.section, told), kit.context(note), text="\n".join(told))


def _listed(commands: Iterable[Command]) -> str:
    return "\n".join(f"`/deploy {' '.join((one.word, esc(one.arguments))).strip()}`  {one.says}" for one in commands)


def overview(live: Sequence[Deployment], now: datetime, frozen: Sequence[str] = ()) -> Answer:
    """`/deploy` alone: what is under way here, and the commonest commands."""
    lines = [f"• *{esc(one.id)}*  {card.summary(one, now)}" for one in live] or ["Nothing is being deployed here."]
    lines += [f"⏸️ {esc(one[:1].upper() + one[1:])}." for one in frozen]
    common = _listed(one for one in COMMANDS if one.common)
    return _answer(kit.section("\n".join(lines)), kit.section(common), text="\n".join(lines))


def why(deployment: Deployment, now: datetime) -> Answer:
    """Everything in the way, in the order people should clear it, with the role that can."""
    waiting = list(gates.blockers(deployment, now))
    title = f"*{esc(signs.name(deployment))}* ({esc(deployment.id)})"
    if deployment.over:
        return said(f"{title} is over: {signs.TITLES[deployment.phase].lower()}. Nothing is in the way.")
    if not waiting:
        return said(f"{title}: nothing is in the way. {_what_next(deployment)}")
    lines = [card.blocker_line(deployment, index, blocker) for index, blocker in enumerate(waiting, start=1)]
    head = f"{title}: {plural(len(waiting), 'thing')} in the way"
    pages = ["\n".join(lines[start : start + 10]) for start in range(0, len(lines), 10)]
    return _answer(kit.section(head), *(kit.section(page) for page in pages[:40]), text="\n".join([head, *lines]))


def _what_next(deployment: Deployment) -> str:
    if deployment.phase.value == "preflight":
        return "Press Start on the card."
    return "The next step runs, or time has to pass; the card says which."


def status(deployment: Deployment, now: datetime, frozen: Sequence[str] = ()) -> Answer:
    lines = [f"*{card.summary(deployment, now)}* ({esc(deployment.id)})", card.journey(deployment)]
    state = card.state_line(deployment)
    if state:
        lines.append(state)
    if deployment.parameters:
        lines.append(parameters.shown(deployment))
    if deployment.phase.value == "preflight":
        lines.append(card.board(deployment, now))
    lines += [f"⏸️ {esc(one[:1].upper() + one[1:])}." for one in frozen]
    if deployment.thread:
        lines.append(f"<{signs.link_target(deployment.thread)}|the thread>")
    return _answer(kit.section("\n".join(lines)), text="\n".join(lines))


def contacts(deployment: Deployment) -> Answer:
    lines = [f"*Contacts of {esc(deployment.id)}*", *map(_seat, deployment.roster)]
    lines.append(f"*Captain*  {esc(deployment.captain.name)}")
    return said("\n".join(lines))


def rosters(of: Iterable[tuple[str, str, Sequence[Seat]]]) -> Answer:
    """Who fills each role, by service and environment; environments that have the same people are told of once."""
    same: dict[str, dict[tuple[Seat, ...], list[str]]] = {}
    for service, environment, seats in of:
        same.setdefault(service, {}).setdefault(tuple(seats), []).append(environment)
    told: list[str] = []
    for service, rosters_ in same.items():
        for seats, environments in rosters_.items():
            where = f" in {several(environments)}" if len(rosters_) > 1 else ""
            told.append("\n".join([f"*Contacts of {esc(service)}{esc(where)}*", *map(_seat, seats)]))
    note = "As the configuration names them; a deployment under way has its captain, too."
    return _answer(*map(kit.section, told), kit.context(note), text="\n".join([*told, note]))


def _seat(seat: Seat) -> str:
    return f"*{esc(seat.title)}*  {esc(seat.contact.name)}, backup {esc(seat.backup.name)}"


def follow_ups(deployments: Sequence[Deployment], now: datetime) -> Answer:
    lines: list[str] = []
    for one in deployments:
        for plan in one.plan.follow_ups:
            record = one.follow_ups.get(plan.key)
            if record is None or record.done_at is not None or one.over:
                continue
            done, of = gates.progress(one, plan.tasks, now)
            when = (
                f"open since {moment(record.opened_at, 'date_time')}"
                if record.opened_at
                else f"due {moment(record.due_at, 'date_time')}"
            )
            lines.append(f"• *{esc(plan.title)}* of {esc(one.id)}: {done} of {of} done, {when}")
    return said("\n".join(lines) or "No follow-up is due. They begin when a deployment goes live.")


def history(deployment: Deployment, story: Sequence[StoryLine], broken: str | None) -> Answer:
    """The newest lines of the story; whether its hashes hold."""
    shown = story[-25:]
    lines = [
        f"{line.number}  {moment(line.at, 'date_time')}  {esc(line.by)}: {esc(clip(line.what, 120))}"
        + (f" “{esc(clip(line.why, 120))}”" if line.why else "")
        for line in shown
    ]
    head = f"*History of {esc(deployment.id)}* ({_stands(deployment)}): {plural(len(story), 'line')}"
    if len(shown) < len(story):
        head += f", the newest {len(shown)}"
    state = f"❌ {esc(broken)}" if broken else f"✅ every hash holds, head `{deployment.head[:12]}`"
    pages = ["\n".join(lines[start : start + 12]) for start in range(0, len(lines), 12)]
    return _answer(
        kit.section(head), *map(kit.section, pages), kit.context(state), text="\n".join([head, *lines, state])
    )


def _stands(deployment: Deployment) -> str:
    """Which one it is, and whether it is over: `1.4.2 → production, closed`."""
    return esc(f"{deployment.version} → {deployment.environment}, {words(deployment.phase)}")


def record_given(deployment: Deployment) -> Answer:
    """Where the record went, and what it is compared with."""
    return said(
        f"The record of *{esc(deployment.id)}* ({_stands(deployment)}) is on its way to your messages with me, up to `{deployment.head[:12]}`; the card shows how far"
        f" it is now. `python -m bot verify FILE` says whether every hash holds."
    )


def why_items(deployment: Deployment, items: Sequence[ItemPlan], now: datetime) -> Answer:
    """The same for each line of a list that waits for somebody; for all of them when none does."""
    waiting = [one for one in items if gates.standing(deployment, one, now) not in gates.DONE]
    told = [why_item(deployment, one, now) for one in waiting or items]
    blocks = [block for one in told for block in one.blocks]
    return _answer(*blocks[:_MOST_BLOCKS], text="\n".join(one.text for one in told))


def checks_of(deployment: Deployment, item: ItemPlan) -> list[CheckPlan]:
    """What decides an item: what measures it, and what opens the page that it is signed with."""
    return [deployment.plan.checks[name] for name in (*item.checks, item.signoff) if name]


def why_item(deployment: Deployment, item: ItemPlan, now: datetime, explained: Sequence[str] = ()) -> Answer:
    """Why an item matters, how to clear it, and who can; then what decides it, as `checks explain` tells it."""
    checks = checks_of(deployment, item)
    reason = item.why or next((one.why for one in checks if one.why), "")
    clear = item.fix or next((one.fix for one in checks if one.fix), "")
    blocks = [kit.section(signs.item_line(deployment, item, now))]
    blocks.append(kit.section(f"*Why it matters*\n{esc(reason or 'Nothing is written about it yet.')}"))
    if clear:
        blocks.append(kit.section(f"*How to clear it*\n{esc(clear)}"))
    who = signs.owner(deployment, item.role) if item.role else "somebody of the roster"
    blocks.append(kit.context(f"{esc(who)} clears it."))
    blocks += [kit.section(f"*Decided by* `{esc(one.name)}`\n{_rules(one)}") for one in checks]
    blocks += [block for text in explained for block in _explained(text)]
    return _answer(*blocks[:_MOST_BLOCKS], text=f"{esc(item.title)}: {esc(reason)}")


def _rules(check: CheckPlan) -> str:
    """The rules that this deployment is held to."""
    ladders = (("require", check.require), ("pass", check.pass_), ("warn", check.warn))
    told = [f"{name}: {', '.join(f'`{esc(rule)}`' for rule in rules)}" for name, rules in ladders if rules]
    return "\n".join(told) or "by the rules that it has by default, which stand below"


def _explained(text: str) -> Iterator[Block]:
    """What `checks explain` prints, as Slack shows text: its paragraphs, and its tables as lists."""
    yield kit.divider()
    question, *paragraphs = text.split("\n\n")
    yield kit.section(f"*{esc(question)}*")
    for paragraph in paragraphs:
        lines = paragraph.splitlines()
        prose = _prose(" ".join(line for line in lines if not line.startswith("  ")))
        listed = [_entry(line.strip()) for line in lines if line.startswith("  ")]
        yield from map(kit.section, _pages([f"*{prose}*" if listed else prose, *listed]))


def _entry(line: str) -> str:
    """`missing   how many are absent`: a name and what it means; a rule has no more than itself."""
    name, _, told = line.partition("  ")
    return f"• {code(name)}" + (f"  {_prose(told.strip())}" if told else "")


def _prose(text: str) -> str:
    """What stands between backticks is to be read as it is written."""
    return "".join(code(part) if index % 2 else esc(part) for index, part in enumerate(text.split("`")))


def _pages(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a long text, as many at a time as one block takes."""
    page = ""
    for line in lines:
        if page and len(page) + 1 + len(line) > kit.TEXT:
            yield page
            page = ""
        page = f"{page}\n{line}" if page else line
    yield page


def evidence(deployment: Deployment, item: ItemPlan, now: datetime) -> Answer:
    """Everything that was measured for an item, check by check: each condition, each row."""
    found = [known for name in item.checks if (known := gates.finding(deployment, name, now)) is not None]
    if not found:
        return said(f"{esc(item.title)}: nothing has been measured yet.")
    blocks = [kit.section(signs.item_line(deployment, item, now))]
    for known in found:
        blocks += _evidence_of(known)
    return _answer(*blocks[:_MOST_BLOCKS], text=f"{esc(item.title)}: {esc('; '.join(one.summary for one in found))}")


def _evidence_of(known: Finding) -> list[Block]:
    blocks: list[Block] = []
    judged = [f"{_mark(one.held)} {esc(describe(one))}" for one in known.conditions]
    if judged:
        blocks.append(kit.section("*Conditions*\n" + "\n".join(judged[:25])))
    if known.baseline:
        before = ", ".join(named(name, value) for name, value in known.baseline.items())
        blocks.append(kit.section(f"*Compared with*\n{esc(before)}"))
    rows = [_row(row) for row in known.rows]
    blocks += [kit.section("\n".join(rows[start : start + 12])) for start in range(0, min(len(rows), 60), 12)]
    return [*blocks, kit.context(_when(known))]


def _mark(held: bool | None) -> str:
    return "❔" if held is None else "✅" if held else "❌"


def _row(row: Row) -> str:
    values = ", ".join(named(name, value) for name, value in row.values.items())
    return f"{code(clip(row.subject, 80))} {esc(clip(row.note or values, 300))}"


def _when(known: Finding) -> str:
    return f"check {code(known.check)} · measured {moment(known.measured_at, 'date_time')} in {duration(known.duration_s)} · holds until {moment(known.expires_at, 'date_time')}"
