"""Does the manifest ask Slack for exactly what the code uses, in a form that Slack accepts?"""

import ast
import json
import re
from pathlib import Path

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot import manifest
from bot.views import ids
from bot.views.answers import COMMANDS
from handlers.bolt import Bolt
from handlers.commands import Commands
from tests.cli.conftest import ROOT, Type

PUBLISHED = ROOT / "sandbox" / "slack_api"

#: What Slack's descriptions leave open: of several scopes a method takes the one for the kind of channel that is meant.
#: The bot works in public and private channels and in direct messages, never in group direct messages, and opens nothing
#: but direct messages. It looks up channels only, so it needs no im:read.
NOT_OURS = {
    "conversations.history": {"mpim:history"},
    "conversations.replies": {"mpim:history"},
    "conversations.info": {"mpim:read", "im:read"},
    "conversations.list": {"mpim:read", "im:read"},
    "conversations.open": {"channels:manage", "groups:write", "mpim:write"},
}
#: What is received needs a scope, too.
OF_EVENTS = {"app_home_opened": set(), "app_mention": {"app_mentions:read"}, "message.im": {"im:history"}}


class Recording(AsyncApp):
    """A real app that remembers what was registered."""

    def __init__(self) -> None:
        super().__init__(authorize=self._nobody, signing_secret="s")
        self.registered: dict[str, list[str]] = {}

    async def _nobody(self, enterprise_id: str | None, team_id: str | None) -> None:
        """Nothing is dispatched here."""

    def _note(self, kind: str, name: str) -> None:
        self.registered.setdefault(kind, []).append(name)

    def action(self, constraints, *args, **more):
        self._note("action", constraints)
        return super().action(constraints, *args, **more)

    def view_submission(self, constraints, *args, **more):
        self._note("submission", constraints)
        return super().view_submission(constraints, *args, **more)

    def view_closed(self, constraints, *args, **more):
        self._note("closed", constraints)
        return super().view_closed(constraints, *args, **more)

    def command(self, command, *args, **more):
        self._note("command", command)
        return super().command(command, *args, **more)

    def global_shortcut(self, callback_id, *args, **more):
        self._note("shortcut", callback_id)
        return super().global_shortcut(callback_id, *args, **more)

    def event(self, event, *args, **more):
        self._note("event", event)
        return super().event(event, *args, **more)


def registered() -> dict[str, list[str]]:
    app = Recording()
    handlers.register(Bolt(app, None, None), None)
    return app.registered


def methods_called() -> set[str]:
    """Every method of the Web API that the code names to call it; a table's keys are no calls."""
    found: set[str] = set()
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")]:
        if path.name == "manifest.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        keys = {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
                named = node.value
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "_" in node.func.attr:
                named = _by_attribute(node.func.attr)
            else:
                continue
            if re.fullmatch(r"[a-z]+(\.[a-zA-Z]+)+", named) and hasattr(AsyncWebClient, named.replace(".", "_")):
                found.add(named)
    return found


def _by_attribute(attribute: str) -> str:
    """`client.apps_connections_open(…)` is a call of apps.connections.open."""
    names = {path.stem.replace(".", "_"): path.stem for path in PUBLISHED.glob("*.json")}
    return names.get(attribute, "")


def scopes_of(method: str) -> set[str]:
    described = json.loads((PUBLISHED / f"{method}.json").read_text(encoding="utf-8"))
    return set(described.get("scope", {}).get("bot", [])) - NOT_OURS.get(method, set())


def test_the_methods_that_are_called_are_found():
    assert {"chat.postMessage", "chat.update", "views.open", "auth.test", "apps.connections.open"} <= methods_called()
    assert "chat.scheduleMessage" not in methods_called()


def test_the_scopes_are_those_that_the_calls_and_the_events_need():
    needed = {scope for method in methods_called() for scope in scopes_of(method)}
    needed |= {scope for event in manifest.EVENTS for scope in OF_EVENTS[event]}
    assert set(manifest.SCOPES) == needed | {"commands"}


def test_each_scope_says_what_it_is_for():
    for scope, what in manifest.SCOPES.items():
        for method in re.findall(r"\b[a-z]+\.[a-z]+[A-Z]\w*|\b(?:chat|conversations|users|files)\.\w+", what):
            if (PUBLISHED / f"{method}.json").exists() and scopes_of(method):
                assert scope in scopes_of(method), (scope, method)


def test_the_commands_events_and_shortcuts_are_those_that_are_listened_to():
    app, listened = manifest.manifest(), registered()

    assert [one["command"] for one in app["features"]["slash_commands"]] == listened["command"]
    assert [one["callback_id"] for one in app["features"]["shortcuts"]] == listened["shortcut"]
    events = app["settings"]["event_subscriptions"]["bot_events"]
    assert sorted({event.split(".")[0] for event in events}) == sorted(listened["event"])


def test_the_words_that_are_listed_are_those_that_are_understood():
    assert [one.word for one in COMMANDS] == list(Commands(None, None).known)


def test_the_usage_hint_names_words_that_exist():
    hint = manifest.manifest()["features"]["slash_commands"][0]["usage_hint"]
    assert {part.split()[0] for part in hint.split("|")} <= {one.word for one in COMMANDS}


@pytest.mark.parametrize("http", ["", "https://bot.example.com", "https://bot.example.com/"])
def test_slack_accepts_it(http: str):
    """The limits that Slack publishes for manifests."""
    app = manifest.manifest(http)
    assert len(app["display_information"]["name"]) <= 35
    assert len(app["display_information"]["description"]) <= 140
    assert len(app["features"]["bot_user"]["display_name"]) <= 80
    assert len(app["oauth_config"]["scopes"]["bot"]) <= 255
    assert len(app["settings"]["event_subscriptions"]["bot_events"]) <= 100
    for one in app["features"]["slash_commands"]:
        assert re.fullmatch(r"/\S{1,31}", one["command"])
        assert len(one["description"]) <= 2000
        assert len(one["usage_hint"]) <= 1000
    assert len(app["features"]["shortcuts"]) <= 10
    for one in app["features"]["shortcuts"]:
        assert len(one["name"]) <= 24
        assert len(one["callback_id"]) <= 255
        assert len(one["description"]) <= 150


def test_in_http_mode_every_request_goes_to_the_one_address():
    app = manifest.manifest("https://bot.example.com/")
    urls = [
        app["features"]["slash_commands"][0]["url"],
        app["settings"]["event_subscriptions"]["request_url"],
        app["settings"]["interactivity"]["request_url"],
    ]
    assert urls == ["https://bot.example.com/slack/events"] * 3
    assert app["settings"]["socket_mode_enabled"] is False
    assert "request_url" not in json.dumps(manifest.manifest())
    assert manifest.manifest()["settings"]["socket_mode_enabled"] is True


@pytest.mark.parametrize("url", ["bot.example.com", "http://bot.example.com", "https://"])
async def test_an_address_that_slack_would_not_take_is_refused(types: Type, url: str):
    said = await types("manifest", "--http", url)

    assert said.code == 2
    assert said.err == f"{url} is not an address that Slack can call; write it as https://bot.example.com."


# ── Everything that can be pressed is listened to ────────────────────────────────────────────────────────────────────


def named_in(folder: Path) -> set[str]:
    """Which constants of bot.views.ids are named below a folder."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ids":
                found.add(node.attr)
    return {name for name in found if name.isupper()}


CONSTANTS = {name: value for name, value in vars(ids).items() if name.isupper()}


def test_ids_are_all_different():
    assert len(set(CONSTANTS.values())) == len(CONSTANTS)


def test_every_id_stands_in_a_view_and_has_one_handler():
    listened = registered()
    pressed = sorted(value for name, value in CONSTANTS.items() if not name.endswith(("_MODAL", "_SHORTCUT")))
    modals = sorted(value for name, value in CONSTANTS.items() if name.endswith("_MODAL"))

    assert sorted(listened["action"]) == pressed
    assert sorted(listened["submission"]) == modals
    assert set(listened["closed"]) <= set(modals)
    shown = named_in(ROOT / "bot" / "views") | {"START_SHORTCUT"}
    assert shown == set(CONSTANTS)
