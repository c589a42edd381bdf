"""What do dialogs ask for? One function per modal; the keys of its inputs are what the submission carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.errors import Refused
from bot.model import Deployment
from bot.plan import ItemPlan, ParameterPlan
from bot.text import duration, esc
from bot.views import ids, kit, parameters, signs
from bot.views.kit import Block


@dataclass(frozen=True, kw_only=True)
class StartForm:
    """What is known when somebody starts a deployment without saying everything."""

    services: Sequence[str] = ()
    environments: Sequence[str] = ()
    service: str = ""
    environment: str = ""
    version: str = ""
    #: Versions that the repository knows, newest first.
    versions: Sequence[str] = ()
    #: What the service asks for besides, and what was said of it.
    parameters: Sequence[ParameterPlan] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    channel: str = ""
    #: What would be in the way, in sentences as Slack shows them.
    warnings: Sequence[str] = ()


def loading(callback: str, title: str, carried: str = "") -> Block:
    """What opens at once, before anything is looked up: the trigger lives three seconds."""
    return kit.modal(callback, title, [kit.section("One moment…")], carried=carried)


def start(form: StartForm) -> Block:
    """Service, environment, version, parameters, window, notes; and what would be in the way, before submitting."""
    blocks = [kit.section(f"⚠️ {warning}") for warning in form.warnings]
    service = kit.select([(one, one) for one in form.services], chosen=form.service, placeholder="Choose a service")
    blocks.append(kit.field(ids.CHOOSE_SERVICE, "Service", service, dispatch=True))
    environments = [(one, one) for one in form.environments] or [("production", "production")]
    chosen = form.environment or environments[0][0]
    where = kit.select(environments, chosen=chosen)
    blocks.append(kit.field(ids.CHOOSE_ENVIRONMENT, "Environment", where, dispatch=True))
    hint = f"Known: {', '.join(form.versions[:6])}" if form.versions else ""
    version = kit.text_input(initial=form.version, placeholder="1.4.2", most=80)
    blocks.append(kit.field("version", "Version", version, hint=hint))
    blocks += parameters.fields(form.parameters, form.said, form.service, form.environment)
    blocks.append(kit.field("window_from", "Window opens", kit.date_time(), optional=True))
    blocks.append(kit.field("window_to", "Window closes", kit.date_time(), optional=True))
    notes = kit.text_input(lines=True, placeholder="What the people who sign should know", most=500)
    blocks.append(kit.field("notes", "Notes", notes, optional=True))
    return kit.modal(ids.START_MODAL, "Start a deployment", blocks, submit="Open the thread", carried=form.channel)


def _reason(callback: str, title: str, intro: str, submit: str, carried: str, placeholder: str) -> Block:
    ask = kit.field("reason", "Why?", kit.text_input(lines=True, placeholder=placeholder))
    return kit.modal(callback, title, [kit.section(intro), ask], submit=submit, carried=carried)


def no_go(deployment: Deployment, role: str) -> Block:
    intro = f"*{esc(signs.name(deployment))}* as *{esc(signs.owner(deployment, role))}*. It cannot start until you change your mind."
    carried = ids.value(deployment.id, role)
    return _reason(ids.NO_GO_MODAL, "No-go", intro, "No-go", carried, "The old API key still works")


def hold(deployment: Deployment) -> Block:
    intro = f"*{esc(signs.name(deployment))}* stands still until you or somebody of the roster resumes it. A script that runs is not touched."
    return _reason(ids.HOLD_MODAL, "Hold", intro, "Hold", ids.value(deployment.id), "The queue is draining")


def abort(deployment: Deployment) -> Block:
    intro = f"*{esc(signs.name(deployment))}* ends here. Production stays as it is; what was prepared is undone."
    return _reason(ids.ABORT_MODAL, "Abort", intro, "Abort", ids.value(deployment.id), "The supplier's API is down")


def accept(deployment: Deployment) -> Block:
    open_alarms = [alarm for alarm in deployment.alarms if alarm.settled_at is None]
    if not open_alarms:
        raise Refused(f"{deployment.id} has moved on; there is nothing to accept any more.")
    what = "\n".join(f"• {esc(alarm.title)}: {esc(alarm.detail)}" for alarm in open_alarms)
    intro = f"*{esc(signs.name(deployment))}* goes on in spite of:\n{what}"
    return _reason(ids.ACCEPT_MODAL, "Accept", intro, "Accept", ids.value(deployment.id), "A known outlier, see INC-12")


def skip(deployment: Deployment, step: str, title: str) -> Block:
    intro = f"*{esc(title)}* is skipped for {esc(signs.name(deployment))}."
    return _reason(
        ids.SKIP_MODAL, "Skip a step", intro, "Skip", ids.value(deployment.id, step), "Done by hand at 14:02"
    )


def evidence(deployment: Deployment, item: ItemPlan) -> Block:
    """A tick that needs evidence."""
    blocks = [kit.section(f"*{esc(item.title)}*")]
    if item.why:
        blocks.append(kit.context(esc(item.why)))
    link = kit.text_input(placeholder="https://…", most=1000)
    needed, hint = _wanted(deployment, item)
    blocks.append(kit.field("link", "Link to the evidence", link, optional=not needed, hint=hint))
    blocks.append(
        kit.field("note", "Note", kit.text_input(lines=True, placeholder="What you saw, and where"), optional=True)
    )
    carried = ids.value(deployment.id, item.key)
    return kit.modal(ids.EVIDENCE_MODAL, "Evidence", blocks, submit="Tick", carried=carried, notify_on_close=True)


_ONE_OF_TWO = "One of the two is enough: a link here, or a note below."


def _wanted(deployment: Deployment, item: ItemPlan) -> tuple[bool, str]:
    """Whether it has to be a link, and what becomes of it."""
    if not item.signoff:
        return False, _ONE_OF_TWO
    check = deployment.plan.checks[item.signoff]
    hosts = check.with_.get("hosts", [])
    where = f" on {' or '.join(hosts)}" if hosts else ""
    holds = f"A tick holds for this deployment, for {duration(check.valid_for_s)} at most."
    if check.with_.get("link") == "required":
        return True, f"A page{where} that I can open. {holds}"
    return False, f"{_ONE_OF_TWO} I open the link: it has to be a page{where} that answers. {holds}"


def not_applicable(deployment: Deployment, items: Sequence[ItemPlan]) -> Block:
    """One item of a list, or the one that was pressed on."""
    choice = kit.select([(item.title, item.key) for item in items], chosen=items[0].key if len(items) == 1 else "")
    ask = kit.text_input(lines=True, placeholder="No schema change in this version")
    blocks = [kit.field("item", "Item", choice), kit.field("reason", "Why is it not applicable?", ask)]
    return kit.modal(
        ids.NOT_APPLICABLE_MODAL, "Not applicable", blocks, submit="Save", carried=ids.value(deployment.id)
    )


def waive(deployment: Deployment, item: ItemPlan, said: str, now: datetime) -> Block:
    """A role accepts a fail or an unknown, until a date."""
    until = int((now + timedelta(days=1)).timestamp())
    blocks = [
        kit.section(f"*{esc(item.title)}*\n{esc(said)}"),
        kit.field("reason", "Why may this be accepted?", kit.text_input(lines=True)),
        kit.field("until", "Until", kit.date_time(until)),
    ]
    return kit.modal(ids.WAIVE_MODAL, "Waive", blocks, submit="Waive", carried=ids.value(deployment.id, item.key))


def text(title: str, blocks: Sequence[Block]) -> Block:
    """Something to read."""
    return kit.modal("read", title, blocks)
