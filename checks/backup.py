"""Is there a recent backup, is it whole, and has it been restored?"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from bot.check import Context, check
from bot.errors import Cannot
from bot.judge import duration
from bot.judge import size as shown_size
from bot.model import Measured, Row, Value
from bot.net import words
from checks.backup_tools import TOOLS
from checks.exec import run
from checks.pick import checked, pick, read

#: Where a manifest says what; `fields` in app.yaml replaces single ones.
FIELDS: Mapping[str, str] = {
    "age": "finished_at as age",
    "size": "size_bytes",
    "file": "file",
    "sha256": "sha256",
    "restore_age": "restore_test.at as age",
    "restored": "restore_test.ok",
    "restore_duration": "restore_test.duration_s",
}


class Params(BaseModel, extra="forbid"):
    """Where the newest backup is described."""

    manifest: str = Field(default="", description="A JSON file that the backup script writes.")
    command: list[str] = Field(
        default=[], description="A program that prints such JSON: `[pgbackrest, info, --output=json]`."
    )
    tool: Literal["", "pgbackrest", "restic"] = Field(
        default="", description="Whose JSON it is; empty: `fields` says where in it everything stands."
    )
    stanza: str = Field(default="", description="pgBackRest's stanza, or restic's host, where there are several.")
    fields: dict[str, Annotated[str, AfterValidator(checked)]] = Field(
        default={}, description=f"Paths in the JSON, where they are not: {', '.join(FIELDS.values())}."
    )
    environment: list[str] = Field(
        default=[], description="Names of variables that the programs may see; their values are hidden in what is kept."
    )
    drill: list[str] = Field(
        default=[], description="A program that restores the backup somewhere harmless and exits 0 if it is right."
    )

    @model_validator(mode="after")
    def _one_source(self) -> "Params":
        if bool(self.manifest) == bool(self.command):
            raise ValueError("name a 'manifest' or a 'command', one of them")
        return self


def _names(params: Params) -> list[str]:
    return list(params.fields)


@check(
    "backup",
    needs={"programs"},
    values={
        "age": "seconds since the backup was finished",
        "size": "bytes of the backup",
        "intact": "the file is there and has the size and sha256 that the manifest says; the tool finds no fault; the drill was right",
        "restored": "the last restore test was right",
        "restore_age": "seconds since the last restore test",
        "restore_duration": "seconds that restoring took",
        "size_change": "by which share it differs from the median of the five before; pgBackRest and restic",
        "wal_archived": "the log that was written during the backup is there, too; pgBackRest",
    },
    names=_names,
    pass_=["age <= 26h", "intact == true", "restored == true", "restore_age <= 30d"],
    warn=["age <= 50h", "intact == true", "restored == true", "restore_age <= 90d"],
)
async def backup(params: Params, ctx: Context) -> Measured:
    """Read what the backup's manifest says, look at the file itself, and run the restore drill where one is named.

    Why: A backup that was never restored is a hope, and one from last week loses a week.
    Fix: Run the backup script; it restores what it wrote into a scratch place and notes that in the manifest.
    """
    document = await _document(params, ctx)
    now = ctx.clock.now()
    label = ""
    known: dict[str, Value] = {}
    if params.tool:
        known, label = TOOLS[params.tool](document, params.stanza, now)
    paths = params.fields if params.tool else {**FIELDS, **params.fields}
    picked = {name: pick(document, path, now) for name, path in paths.items()}
    known |= {name: value for name, value in picked.items() if value is not None}
    note = ""
    if isinstance(file := known.pop("file", None), str):
        known["intact"], note = _intact(Path(file), known)
    known.pop("sha256", None)
    if params.drill:
        ended = await run(params.drill, environment=_environment(params, ctx), limit=ctx.left())
        known |= {"restored": ended.code == 0, "restore_age": 0.0, "restore_duration": ended.seconds}
        # What was restored and is right was whole.
        known.setdefault("intact", ended.code == 0)
        if ended.code:
            last = (ended.err or ended.out).strip().splitlines()[-1:]
            note = f"the drill exited {ended.code}: {' '.join(last)}"
    if not known:
        raise Cannot(
            f"{params.manifest or params.command[0]} says nothing about a backup; 'fields' names where it does."
        )
    subject = label or (file if isinstance(file, str) else params.manifest or " ".join(params.command))
    return Measured(values=known, rows=(Row(subject=subject, values=known, note=note),), summary=_summary(known, note))


async def _document(params: Params, ctx: Context) -> object:
    if params.manifest:
        try:
            text = Path(params.manifest).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise Cannot(f"No backup is described in {params.manifest}: {words(error)}.") from error
        where = params.manifest
    else:
        ended = await run(params.command, environment=_environment(params, ctx), limit=ctx.left(), keep=10_000_000)
        if ended.code:
            last = (ended.err or ended.out).strip().splitlines()[-1:]
            raise Cannot(f"{params.command[0]} exited {ended.code}: {' '.join(last)}")
        text, where = ended.out, f"the output of {params.command[0]}"
    document = read(text)
    if document is None:
        raise Cannot(f"{where} is no whole JSON.")
    return document


def _intact(file: Path, said: Mapping[str, Value]) -> tuple[bool, str]:
    try:
        with file.open("rb") as content:
            length = os.fstat(content.fileno()).st_size
            digest = hashlib.file_digest(content, "sha256").hexdigest() if "sha256" in said else ""
    except OSError as error:
        return False, f"the file is not readable: {words(error)}"
    if "size" in said and said["size"] != length:
        return False, f"the file has {shown_size(length)}, the manifest says {said['size']} bytes"
    if digest and digest != said["sha256"]:
        return False, "the file is not the one that was backed up: its sha256 differs"
    return True, ""


def _environment(params: Params, ctx: Context) -> dict[str, str]:
    named = {name: ctx.environ[name] for name in params.environment if name in ctx.environ}
    return {"PATH": ctx.environ.get("PATH", os.defpath), "LC_ALL": "C", **named}


def _summary(known: Mapping[str, Value], note: str) -> str:
    def number(name: str) -> float | None:
        value = known.get(name)
        return float(value) if isinstance(value, int | float) else None

    age, length, restored = number("age"), number("size"), number("restore_age")
    facts = [
        f"last backup {duration(round(age))} ago" if age is not None else "",
        shown_size(length) if length is not None else "",
        note,
        f"restore tested {duration(round(restored))} ago" if restored is not None and known.get("restored") else "",
        "the restore test failed" if known.get("restored") is False and not note else "",
    ]
    return ", ".join(filter(None, facts))
