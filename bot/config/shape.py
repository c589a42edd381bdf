"""What may stand in the configuration, key by key, and what does each key mean?

The descriptions are what editors show while somebody types, through the JSON Schema that is made of these classes.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from bot.config import units
from bot.plan import Json

Duration = Annotated[
    float,
    BeforeValidator(units.duration),
    WithJsonSchema({"type": "string", "pattern": units.DURATION, "examples": ["15 min", "2 h", "7 d", "500 ms"]}),
]
Size = Annotated[
    int,
    BeforeValidator(units.size),
    WithJsonSchema({"type": "string", "pattern": units.SIZE, "examples": ["100 MB"]}),
]
Rate = Annotated[
    float,
    BeforeValidator(units.rate),
    WithJsonSchema({"type": "string", "pattern": units.RATE, "examples": ["20/s"]}),
]
Names = Annotated[
    list[str],
    BeforeValidator(units.listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Text = Annotated[str, Field(min_length=1)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False, use_attribute_docstrings=True)


class Part(Shape):
    """What can be left out, with a reason."""

    title: Text
    """The words that people read."""
    enabled: bool = True
    """`false` leaves this one out; then `because` is needed."""
    because: str = ""
    """Why this one is left out. Shown by `check-config`."""


class Entry(Part):
    """One of a list, which can be moved too."""

    after: str = ""
    """Key of the entry of the same list behind which this one stands. Without it: where it was defined, or at the end."""


class Role(Shape):
    title: Text
    """The role in the words of the contact table."""
    contact: Text
    """E-mail address or Slack user id of the person who fills the role."""
    backup: Text
    """E-mail address or Slack user id of the person who stands in; not the same person."""


class Item(Entry):
    owner: str = ""
    """Key of the role that ticks it, and that clears it when it fails."""
    check: Names = []
    """Name of the check that measures it, or a list of them, the worst of which decides; `none` for an item that a person vouches for."""
    confirm: bool = False
    """Where it is measured, a person of the owner's role has to confirm it all the same."""
    evidence: bool = False
    """A tick needs a link or a note."""
    why: str = ""
    """One sentence: why this matters."""
    fix: str = ""
    """One sentence: how to clear it when it fails."""


class Section(Part):
    owner: str = ""
    """Key of the role that the section belongs to; items without an owner of their own inherit it."""
    items: dict[str, Item]
    """The lines of the section, by key."""


class Step(Entry):
    about: str = ""
    """What the step does, in one sentence."""
    script: str = ""
    """Key of the script that the step runs."""
    checks: list[str] = []
    """Names of the checks that the step measures; it passes when each passes or warns. With a script: once it has ended well."""
    announce: Literal["", "planned", "done", "rolled_back", "called_off"] = ""
    """The announcement that the step makes."""
    confirm: str = ""
    """Key of the role that confirms that this was done."""
    approved_by: str = ""
    """Key of the role that must approve before the script runs."""
    only_if: Literal["", "schema_changed"] = ""
    """Run the step only when this holds."""
    undo: str = ""
    """Key of the aborting step that takes this one back."""
    no_return: bool = False
    """After this step there is no way back without loss of data; told to those who sign."""
    sees: Literal["", "version", "previous"] = ""
    """The version that the service's addresses must show after the step: the new one, or the previous one."""


class Steps(Shape):
    preparing: dict[str, Step] = {}
    """Before the deploy script: freeze, final tests, backup, notify, scale."""
    deploying: dict[str, Step] = {}
    """The deploy script itself, and what is looked at while it runs."""
    verifying: dict[str, Step] = {}
    """After the deploy script: is the new version well?"""
    rolling_back: dict[str, Step] = {}
    """The way back to the previous version."""
    aborting: dict[str, Step] = {}
    """What takes the preparing steps back when the deployment is called off; only those whose step ran."""


class Baseline(Shape):
    of: Literal["last_passed", "window"]
    """`last_passed`: earlier deployments' findings of this check; `window`: what was measured before the deploy."""
    n: Annotated[int, Field(ge=1)] = 1
    """How many earlier findings."""
    aggregate: Literal["median", "mean", "min", "max"] = "median"
    """How several become one."""
    last: Duration = 1800.0
    """Length of the window before the deploy."""


class Check(Shape):
    uses: Text
    """The plugin that measures; `python -m bot checks list` names them."""
    with_: Annotated[dict[str, Json], Field(alias="with")] = {}
    """What to measure: the parameters of the plugin."""
    require: list[Text] = []
    """Rules without which nothing can be said; one that does not hold means unknown, not fail."""
    pass_: Annotated[list[Text], Field(alias="pass")] = []
    """Rules that must all hold for a pass, such as "days_left >= 21"."""
    warn: list[Text] = []
    """Rules that must all hold for a warning when it is not a pass."""
    baseline: Baseline | None = None
    """What rules such as "size <= baseline +50%" compare with."""
    timeout: Duration | None = None
    """How long one measurement may take."""
    attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    """How often to try when nothing could be measured. A measured fail is never tried again."""
    retry_after: Duration | None = None
    """How long to wait before trying again."""
    valid_for: Duration | None = None
    """How long a finding holds before it is measured again."""
    intrusive: bool = False
    """Measured by itself, not beside the others. Where it may be measured at all is said by `allow_on` under `with`."""
    why: str = ""
    """One sentence: why this matters. Empty: the item says it."""
    fix: str = ""
    """One sentence: how to clear it. Empty: the item says it."""


class Measuring(Shape):
    timeout: Duration = 15.0
    """How long one measurement may take."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    """How often to try when nothing could be measured."""
    retry_after: Duration = 5.0
    """How long to wait before trying again."""
    valid_for: Duration = 1800.0
    """How long a finding holds before it is measured again."""


class Script(Shape):
    title: Text
    """What the script is called in the thread."""
    run: Annotated[list[Text], Field(min_length=1)]
    """The program and its arguments, one each; never through a shell. `${version}`, `${parameters.KEY}` and the like are replaced."""
    cwd: str = "."
    """Folder to run in, seen from the folder of `app.yaml`."""
    environment: list[Text] = []
    """Names of the environment variables that the script may see."""
    secrets: list[Text] = []
    """Names of environment variables that it may see and whose values are hidden in its output."""
    deadline: Duration = 600.0
    """After this it is ended."""
    log_limit: Size = 100_000_000
    """More output than this is not kept."""
    warning_codes: list[Annotated[int, Field(ge=1, le=255)]] = []
    """Exit codes that mean well enough, with a warning, as 1 of a Nagios plugin: the step passes and says so."""
    by_hand: bool = False
    """People may start it with `/deploy run`."""


class Parameter(Shape):
    title: Text
    """What the form asks for, and what the card calls it."""
    about: str = ""
    """What it is for, in one sentence; stands below its field in the form."""
    type: Literal["text", "choice", "number", "yes_no"]
    """A text, one of several, a whole number, or yes or no."""
    pattern: str = ""
    """What a text looks like, as a regular expression; the whole text has to match it."""
    example: str = ""
    """A text that matches the pattern, for people who do not read patterns."""
    choices: list[Text] = []
    """What can be chosen."""
    at_least: int | None = None
    """The smallest number."""
    at_most: int | None = None
    """The largest number."""
    default: Annotated[Json, WithJsonSchema({"type": ["string", "integer", "boolean"]})] = None
    """What holds when nothing is said."""
    required: bool = False
    """Nothing starts without it."""


class Watch(Shape):
    url: Text
    """What is asked for, over and over."""
    addresses: list[Text] = []
    """`host:port` pairs to connect to under the name in the URL; without them the name is looked up."""
    ca_file: str = ""
    """Certificate authority to trust besides the usual ones."""
    rate: Rate = 20.0
    """Probes a second during the deployment."""
    timeout: Duration = 1.0
    """A probe without an answer after this is lost."""
    live_rate: Rate = 1.0
    """Probes a second once the deployment is live."""
    baseline: Duration = 60.0
    """Measured for at least so long before the deploy script may start; all of the preparations belong to it."""


class Trigger(Entry):
    check: str = ""
    """Name of the check that is judged again and again; without it a person says so with `/deploy rollback`."""
    every: Duration = 5.0
    """How often."""
    fail_after: Annotated[int, Field(ge=1)] = 3
    """So many fails …"""
    of: Annotated[int, Field(ge=1)] = 4
    """… of so many last samples trip it."""
    unknown_after: Annotated[int, Field(ge=1)] = 4
    """So many samples in a row in which nothing could be measured, and half a minute of them, and the captain is told that nobody can see it."""
    auto: bool = False
    """Roll back without a person's yes, two minutes after it tripped, unless somebody stops it."""


class FollowUp(Part):
    after: Duration
    """Due so long after the deployment went live."""
    remind_after: Duration = 3600.0
    """Reminded so long after it was due."""
    escalate_after: Duration = 7200.0
    """The backup is asked so long after it was due, and the captain when as long again has passed."""
    tasks: dict[str, Item]
    """What is to be done, by key."""


class Release(Shape):
    repository: str = ""
    """Folder or URL of the git repository of the service."""
    tag: str = "v${version}"
    """How tags are written."""
    compare_url: str = ""
    """Link to the changes; `${previous}` and `${version}` are replaced."""
    seen: str = ""
    """Name of the check (`uses: http`) that sees which version answers, at every address."""
    version_pattern: str = r"[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.-]+)?"
    """What a version looks like; anything else is refused."""
    schema_path: str = ""
    """Path in the repository; when it changes between two versions, the schema of the database has changed."""


class SignOff(Shape):
    roles: list[str] | None = None
    """Keys of the roles whose go is needed; all of the roster if not given."""
    remind_after: Duration = 600.0
    """A role that has not answered is reminded after this."""
    escalate_after: Duration = 900.0
    """Its backup is asked after this."""
    valid_for: Duration = 28_800.0
    """A go holds for so long."""


class Layer(Shape):
    """What defaults, a service and an environment may each say; the later one wins, key by key."""

    channel: Text
    """Slack channel in which the threads open: its name or its id."""
    announce_to: list[Text] = []
    """Channels that are told when a deployment is planned, done, rolled back or called off."""
    admins: list[Text] = []
    """E-mail addresses or Slack user ids of those who may help out when the roster cannot."""
    roles: dict[str, Role]
    """The roster: who answers for what."""
    sign_off: SignOff = SignOff()
    """How sign-offs are asked for."""
    release: Release = Release()
    """Where facts about a version come from."""
    parameters: dict[str, Parameter] = {}
    """What a start may say besides its version; scripts get it once it has been found right."""
    watch: Watch | None = None
    """What is probed from just before the deploy script until the last follow-up."""
    sections: dict[str, Section] = {}
    """The checklist before the deployment."""
    steps: Steps = Steps()
    """What is done, in order."""
    verification: Section
    """The list after the deployment."""
    criteria: Section
    """The success criteria."""
    triggers: dict[str, Trigger] = {}
    """What proposes a rollback."""
    follow_ups: dict[str, FollowUp] = {}
    """What is to be done once it is live."""
    artifacts: dict[str, Item] = {}
    """The files that a deployment needs."""
    checks: dict[str, Check] = {}
    """How things are measured, and what passes. Those that nothing uses are left out."""
    scripts: dict[str, Script] = {}
    """The programs that may be run."""
    measuring: Measuring = Measuring()
    """What holds for every check that does not say otherwise."""
