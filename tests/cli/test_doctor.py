"""The doctor, asked against the local workspace as Slack, with settings that are right and with each kind of wrong one."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import time_machine

from bot import app
from bot.doctor import doctor
from bot.manifest import manifest
from tests.cli.conftest import ROOT, program
from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN, SECRET, Running, start

pytestmark = pytest.mark.real

SCOPES = len(manifest()["oauth_config"]["scopes"]["bot"])
APP = """
include: services/*.yaml
defaults:
  roles:
    lead: {title: DevOps Lead, contact: ana@acme.example, backup: U0BEN}
  sign_off: {remind_after: 10 min, escalate_after: 15 min, valid_for: 8 h}
  announce_to: [releases]
  sections:
    before:
      title: Before
      owner: lead
      items: {plan: {title: Plan verified}}
  steps:
    deploying: {deploy: {title: Execute deploy script, script: deploy}}
    rolling_back: {rollback: {title: Execute rollback script, script: rollback}}
  verification: {title: Verification, owner: lead, items: {answers: {title: Answers well}}}
  criteria: {title: Criteria, owner: lead, items: {zero: {title: Zero downtime}}}
  follow_ups: {immediate: {title: Immediate, after: 2 h, remind_after: 1 h, escalate_after: 1 h, tasks: {flows: {title: Flows, owner: lead}}}}
  scripts:
    deploy: {title: Deploy script, run: [./deploy.sh, "${version}"]}
    rollback: {title: Rollback script, run: [python3, ./rollback.py]}
"""
SERVICE = "service: shop\nchannel: checkout\nenvironments: {production: {}, staging: {}}\n"


@pytest.fixture(scope="module")
def slack(tmp_path_factory) -> Iterator[Running]:
    """A workspace where the app may do exactly what its manifest asks for."""
    folder = tmp_path_factory.mktemp("doctor")
    (folder / "manifest.json").write_text(json.dumps(manifest()))
    one = start(folder / "data", "--manifest", str(folder / "manifest.json"))
    yield one
    one.process.terminate()
    one.process.wait(timeout=20)


@dataclass
class Patient:
    """What the doctor looks at; a test spoils one thing."""

    folder: Path
    around: app.Surroundings
    said: list[str] = field(default_factory=list)

    def edit(self, old: str, new: str, file: str = "app.yaml") -> None:
        path = self.folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    async def is_well(self, **given: str) -> bool:
        self.said.clear()
        http = given.pop("http", "") == "yes"
        return await doctor(replace(self.around, **given), self.said.append, http=http)

    @property
    def complaints(self) -> list[str]:
        """Each FAIL with the advice below it."""
        lines: list[str] = []
        for line in self.said[:-1]:
            if line.startswith("FAIL"):
                lines.append(line.removeprefix("FAIL").strip())
            elif line.startswith("      ") and lines:
                lines[-1] += f" | {line.strip()}"
        return lines


@pytest.fixture
async def patient(tmp_path: Path, slack: Running) -> AsyncIterator[Patient]:
    (tmp_path / "services").mkdir()
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "services" / "shop.yaml").write_text(SERVICE)
    (tmp_path / "deploy.sh").write_text("#!/bin/sh\n")
    (tmp_path / "deploy.sh").chmod(0o755)
    (tmp_path / "rollback.py").write_text("")
    environ = {
        "TMINUS_CONFIG": str(tmp_path / "app.yaml"),
        "TMINUS_HOME": str(tmp_path / "home"),
        "SLACK_API_URL": f"{slack.url}/api/",
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
    }
    with httpx.Client(base_url=f"{slack.url}/control", timeout=30, trust_env=False) as http:
        http.post("/reset", json={}).raise_for_status()
        http.post("/limits", json={"enabled": False}).raise_for_status()
        yield Patient(tmp_path, app.Surroundings.of(environ))
        http.post("/faults", json={"rules": []})


async def test_when_all_is_well_each_thing_is_said_once(patient: Patient):
    assert await patient.is_well()

    assert patient.said == [
        "ok    configuration: shop",
        "ok    scripts: each exists and can be run",
        "ok    database: 0 under way",
        "ok    SLACK_BOT_TOKEN: t-minus in Acme",
        f"ok    scopes: {SCOPES} of {SCOPES}",
        "ok    clock: as Slack's",
        "ok    SLACK_APP_TOKEN: Socket Mode may be used",
        "ok    channel #checkout",
        "ok    channel #releases",
        "ok    roster: DevOps Lead: Ana Ruiz",
        "ok    roster: DevOps Lead, backup: Ben Okafor",
        "All is well.",
    ]


async def test_the_program_ends_with_1_when_something_is_wrong_and_0_otherwise(patient: Patient):
    environ = dict(patient.around.environ)

    assert (await program("doctor", **environ)).code == 0
    wrong = await program("doctor", **environ | {"SLACK_APP_TOKEN": ""})

    assert wrong.code == 1
    assert "FAIL  SLACK_APP_TOKEN" in wrong.out
    assert not wrong.err


async def test_tokens_that_are_missing_are_told_and_the_rest_is_still_looked_at(patient: Patient):
    assert not await patient.is_well(bot_token="", app_token="xoxb-mixed-up")

    assert patient.complaints == [
        "SLACK_BOT_TOKEN | SLACK_BOT_TOKEN is not set. You find it in your Slack app's settings under OAuth & Permissions, Bot User OAuth Token.",
        "SLACK_APP_TOKEN | SLACK_APP_TOKEN does not begin with xapp-. You find the right one under Basic Information, App-Level Tokens (connections:write).",
    ]
    assert "ok    database: 0 under way" in patient.said


async def test_tokens_that_slack_does_not_know_are_told(patient: Patient):
    assert not await patient.is_well(bot_token="xoxb-old", app_token="xapp-old")

    assert patient.complaints == [
        "SLACK_BOT_TOKEN | Slack says invalid_auth to auth.test. Install the app again, and take the new token under OAuth & Permissions, Bot User OAuth Token.",
        "SLACK_APP_TOKEN | Slack says invalid_auth to apps.connections.open. Make a new one under Basic Information, App-Level Tokens (connections:write).",
    ]


async def test_in_http_mode_the_signing_secret_is_needed_and_no_app_token(patient: Patient):
    assert await patient.is_well(http="yes", app_token="")
    assert not await patient.is_well(http="yes", signing_secret="")

    assert patient.complaints == [
        "SLACK_SIGNING_SECRET | SLACK_SIGNING_SECRET is not set. You find it in your Slack app's settings under Basic Information, App Credentials."
    ]


async def test_missing_scopes_are_listed_with_what_they_are_for(patient: Patient, tmp_path: Path):
    poor = manifest()
    granted = poor["oauth_config"]["scopes"]["bot"]
    poor["oauth_config"]["scopes"]["bot"] = [one for one in granted if one not in {"files:write", "im:write"}]
    (tmp_path / "poor.json").write_text(json.dumps(poor))
    other = start(tmp_path / "poor", "--manifest", str(tmp_path / "poor.json"))
    try:
        assert not await patient.is_well(slack_url=f"{other.url}/api/")
    finally:
        other.process.terminate()
        other.process.wait(timeout=20)

    [told] = patient.complaints
    assert told.startswith(
        f"scopes: {SCOPES - 2} of {SCOPES} | Update the app with python -m bot manifest, and install it again."
    )
    assert "files:write: files.getUploadURLExternal" in told
    assert "im:write: conversations.open" in told


async def test_a_slack_that_does_not_answer_is_a_sentence(patient: Patient):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/"
        assert not await patient.is_well(slack_url=url)

    assert len(patient.complaints) == 2
    assert all(f"{url} does not answer" in one for one in patient.complaints)


async def test_channels_that_the_bot_is_not_in_or_cannot_see_are_told(patient: Patient):
    patient.edit("channel: checkout", "channel: random", "services/shop.yaml")
    patient.edit("[releases]", "[relaeses]")

    assert not await patient.is_well()

    assert patient.complaints == [
        "channel #random | Type /invite @T-Minus in #random.",
        "channel #relaeses | There is no channel #relaeses that T-Minus can see; if it is private, /invite @T-Minus there.",
    ]


async def test_people_that_slack_does_not_know_or_no_longer_has_are_told(patient: Patient, slack: Running):
    patient.edit("ana@acme.example", "nobody@acme.example")
    httpx.post(f"{slack.url}/control/user", json={"user": "U0BEN", "deleted": True}, trust_env=False).raise_for_status()

    assert not await patient.is_well()

    assert patient.complaints == [
        "roster: DevOps Lead: nobody@acme.example | Slack knows nobody as nobody@acme.example (users_not_found); name somebody of this workspace.",
        "roster: DevOps Lead, backup: U0BEN | U0BEN is deactivated in Slack; name another person.",
    ]


async def test_scripts_that_are_missing_or_cannot_be_run_are_told(patient: Patient):
    (patient.folder / "deploy.sh").chmod(0o644)
    (patient.folder / "rollback.py").unlink()

    assert not await patient.is_well()

    assert patient.complaints == [
        f"script of shop, deploy | {patient.folder}/deploy.sh is not executable; type chmod +x {patient.folder}/deploy.sh.",
        f"script of shop, rollback | {patient.folder}/rollback.py does not exist; correct `run` in the configuration, or add the file.",
    ]


async def test_interpreters_and_programs_that_are_not_installed_are_told(patient: Patient):
    (patient.folder / "deploy.sh").write_text("#!/opt/nowhere/zsh\n")
    patient.edit("[python3, ./rollback.py]", "[roll-it-back]")

    assert not await patient.is_well()

    assert patient.complaints == [
        f"script of shop, deploy | {patient.folder}/deploy.sh begins with #!/opt/nowhere/zsh, which is not on this machine; install it.",
        "script of shop, rollback | There is no program roll-it-back in PATH; install it, or write its whole path in `run`.",
    ]


async def test_a_wrong_configuration_is_told_and_the_tokens_are_still_looked_at(patient: Patient):
    patient.edit("after: 2 h", "after: soon")

    assert not await patient.is_well()

    [told] = patient.complaints
    assert told.startswith("configuration | ")
    assert "soon" in told
    assert "ok    SLACK_APP_TOKEN: Socket Mode may be used" in patient.said


async def test_a_database_that_cannot_be_used_is_told(patient: Patient):
    (patient.folder / "novel.db").write_text("It was a dark and stormy night." * 100)

    assert not await patient.is_well(database=f"sqlite+aiosqlite:///{patient.folder / 'novel.db'}")

    [told] = patient.complaints
    assert told.startswith("database | The database at ")


async def test_a_clock_that_is_not_slacks_is_told(patient: Patient):
    with time_machine.travel(timedelta(minutes=7), tick=True):
        assert not await patient.is_well()

    [told] = patient.complaints
    assert told.startswith("clock: 4")
    assert "NTP" in told


async def test_the_bot_refuses_tokens_that_slack_does_not_know_in_one_sentence(patient: Patient):
    environ = dict(patient.around.environ)

    for name, wrong in (("SLACK_BOT_TOKEN", "xoxb-old"), ("SLACK_APP_TOKEN", "xapp-old")):
        said = await program("run", **environ | {name: wrong})
        assert said.code == 2
        assert "Traceback" not in said.err
        assert "invalid_auth" in said.err.splitlines()[-1]
        assert "doctor" in said.err.splitlines()[-1]


async def test_while_slack_is_away_the_bot_runs_all_the_same_and_ends_when_asked(patient: Patient):
    """Whoever restarts it during an outage can carry on at the terminal."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        environ = dict(patient.around.environ) | {"SLACK_API_URL": f"http://127.0.0.1:{free.getsockname()[1]}/api/"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", cwd=ROOT, env={"PATH": os.environ["PATH"]} | environ,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        said: list[str] = []
        try:
            async with asyncio.timeout(120):
                while not said or '"t-minus is ready"' not in said[-1]:
                    said.append((await process.stderr.readline()).decode())
                    assert said[-1], said
                process.terminate()
                await process.stderr.read()
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    assert any('"slack is away"' in line for line in said)
