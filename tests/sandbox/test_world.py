"""A world, a manifest or a port that cannot be used is told in one sentence."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.world import BadWorld, load_world
from tests.sandbox.conftest import ROOT


def test_the_default_world_is_acme():
    world = load_world(environment={})
    assert {user.real_name for user in world.users} >= {"Mara Lind", "Chloé Martin", "T-Minus"}
    assert len({user.color for user in world.users}) == len(world.users)
    assert all(user.email.endswith("@acme.example") for user in world.users if not user.is_bot)
    members = {channel.name: world.app.bot_user_id in channel.members for channel in world.channels}
    assert members == {"checkout": True, "payments": True, "releases": True, "random": False}


def test_the_environment_may_bring_its_own_secrets():
    app = load_world(environment={"SLACK_BOT_TOKEN": "xoxb-mine", "SLACK_SIGNING_SECRET": "s"}).app
    assert (app.bot_token, app.app_token, app.signing_secret) == ("xoxb-mine", "xapp-sandbox-app-token", "s")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("- a list", "has to hold one mapping."),
        ("{", "is neither YAML nor JSON"),
        ("users: []", "has no 'team'"),
        ("team: {id: T1, name: A, domain: a}\nusers: []\napp: {id: A1}", "has no 'bot_user_id'"),
        (
            "team: {id: T1, name: A, domain: a}\napp: {id: A, bot_user_id: U, bot_id: B, bot_token: x, app_token: y, signing_secret: z}\nusers: []",
            "has no people",
        ),
        ("team: {id: T1, name: A, domain: a, size: 3}\nusers: []\napp: {}", "wrong shape"),
    ],
)
def test_a_world_that_cannot_be_used_is_refused_with_a_sentence(tmp_path: Path, content: str, sentence: str):
    path = tmp_path / "world.yaml"
    path.write_text(content)
    with pytest.raises(BadWorld, match=sentence):
        load_world(path, environment={})


async def run(*arguments: str) -> tuple[int | None, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLACK_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", *arguments, cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, problem = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, problem.decode().strip()


async def test_a_taken_port_is_told(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, problem = await run("--data", str(tmp_path), "--port", str(port))
    assert code == 2
    assert problem == f"Port {port} on 127.0.0.1 is taken; choose another with --port, or 0 for any."


async def test_a_manifest_that_is_not_there_is_told(tmp_path: Path):
    code, problem = await run("--data", str(tmp_path), "--manifest", str(tmp_path / "none.json"))
    assert code == 2
    assert problem == f"{tmp_path / 'none.json'} cannot be read: No such file or directory."


def test_a_manifest_decides_what_the_app_may_and_hears(tmp_path: Path):
    path = tmp_path / "manifest.json"
    path.write_text(
        json.dumps(
            {
                "display_information": {"name": "Long name"},
                "features": {"slash_commands": [{"command": "/x", "description": "d", "should_escape": True}]},
                "oauth_config": {"scopes": {"bot": ["chat:write"]}},
                "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}, "socket_mode_enabled": True},
            }
        )
    )
    app = load_world(manifest=path, environment={}).app
    assert (app.name, app.scopes, app.events) == ("Long name", frozenset({"chat:write"}), frozenset({"app_mention"}))
    assert (app.commands[0].command, app.commands[0].should_escape, app.interactivity) == ("/x", True, False)
