"""Who lives in the workspace, which app is installed in it, and what may that app do?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

ACME = Path(__file__).with_name("acme.yaml")
EVERYONE = "everyone"


class BadWorld(Exception):
    """A world or manifest file that cannot be used, with the sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Team:
    id: str
    name: str
    domain: str


@dataclass(frozen=True, kw_only=True)
class User:
    id: str
    name: str
    real_name: str
    title: str = ""
    color: str = "#52606d"
    email: str = ""
    tz: str = "Etc/UTC"
    is_bot: bool = False
    deleted: bool = False
    is_admin: bool = False


@dataclass(frozen=True, kw_only=True)
class UserGroup:
    id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChannelSeed:
    id: str
    name: str
    kind: Literal["channel", "private"] = "channel"
    topic: str = ""
    members: tuple[str, ...] = ()
    archived: bool = False


@dataclass(frozen=True, kw_only=True)
class Command:
    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    name: str
    type: str
    callback_id: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class App:
    """The installed app: its ids and secrets, and what its manifest says."""

    id: str
    name: str
    bot_user_id: str
    bot_id: str
    bot_token: str
    app_token: str
    signing_secret: str
    client_id: str
    client_secret: str
    commands: tuple[Command, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    scopes: frozenset[str] | None = None  # None: no manifest says anything, so everything is allowed
    events: frozenset[str] | None = None
    socket_mode: bool = True
    interactivity: bool = True
    interactivity_url: str = ""
    options_url: str = ""
    events_url: str = ""
    home_tab: bool = True
    messages_tab: bool = True


@dataclass(frozen=True, kw_only=True)
class World:
    team: Team
    app: App
    users: tuple[User, ...]
    usergroups: tuple[UserGroup, ...]
    channels: tuple[ChannelSeed, ...]


def load_world(path: Path = ACME, manifest: Path | None = None, environment: Mapping[str, str] = os.environ) -> World:
    """Read the world file and the app's manifest; refuse what cannot be used with one sentence."""
    raw = _read(path)
    try:
        team = Team(**raw["team"])
        people = [_user(entry, team) for entry in raw["users"]]
        app = _app(raw["app"], _read(manifest) if manifest else raw["app"].get("manifest"), environment)
        bot = User(
            id=app.bot_user_id, name=app.name.lower(), real_name=app.name, title="App", color="#1d1c1d", is_bot=True
        )
        if not people:
            raise BadWorld(f"{path} has no people; a workspace needs at least one under `users`.")
        return World(
            team=team,
            app=app,
            users=(*people, bot),
            usergroups=tuple(_group(entry) for entry in raw.get("usergroups") or []),
            channels=tuple(_channel(entry, people, bot) for entry in raw.get("channels") or []),
        )
    except KeyError as missing:
        raise BadWorld(f"{path} has no {missing}; sandbox/acme.yaml shows every key.") from None
    except (TypeError, AttributeError) as wrong:
        raise BadWorld(
            f"{path} has an entry of the wrong shape ({wrong}); sandbox/acme.yaml shows the shape."
        ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise BadWorld(f"{path} cannot be read: {problem.strerror}.") from None
    except yaml.YAMLError as problem:
        raise BadWorld(f"{path} is neither YAML nor JSON: {str(problem).splitlines()[0]}.") from None
    if not isinstance(raw, dict):
        raise BadWorld(f"{path} has to hold one mapping.")
    return raw


def _user(entry: dict[str, Any], team: Team) -> User:
    filled: dict[str, Any] = {"email": f"{entry['name']}@{team.domain}.example"} | entry
    return User(**filled)


def _group(entry: dict[str, Any]) -> UserGroup:
    filled: dict[str, Any] = entry | {"users": tuple(entry.get("users") or ())}
    return UserGroup(**filled)


def _channel(entry: dict[str, Any], people: list[User], bot: User) -> ChannelSeed:
    members = entry.get("members") or []
    ids = [user.id for user in people] if members == EVERYONE else list(members)
    if entry.get("bot") and bot.id not in ids:
        ids.append(bot.id)
    rest = {key: value for key, value in entry.items() if key not in ("bot", "members")}
    return ChannelSeed(**rest, members=tuple(ids))


def _app(raw: dict[str, Any], manifest: dict[str, Any] | None, environment: Mapping[str, str]) -> App:
    manifest = manifest or {}
    features, settings = manifest.get("features") or {}, manifest.get("settings") or {}
    scopes = ((manifest.get("oauth_config") or {}).get("scopes") or {}).get("bot") if manifest else None
    subscriptions = settings.get("event_subscriptions") or {}
    interactivity = settings.get("interactivity") or {}
    home = features.get("app_home") or {}
    name = (
        (features.get("bot_user") or {}).get("display_name")
        or (manifest.get("display_information") or {}).get("name")
        or raw.get("name")
        or "App"
    )
    known = Command.__dataclass_fields__
    return App(
        id=raw["id"],
        name=name,
        bot_user_id=raw["bot_user_id"],
        bot_id=raw["bot_id"],
        bot_token=environment.get("SLACK_BOT_TOKEN") or raw["bot_token"],
        app_token=environment.get("SLACK_APP_TOKEN") or raw["app_token"],
        signing_secret=environment.get("SLACK_SIGNING_SECRET") or raw["signing_secret"],
        client_id=environment.get("SLACK_CLIENT_ID") or raw.get("client_id") or "sandbox-client-id",
        client_secret=environment.get("SLACK_CLIENT_SECRET") or raw.get("client_secret") or "sandbox-client-secret",
        commands=tuple(
            Command(**{key: value for key, value in entry.items() if key in known})
            for entry in features.get("slash_commands") or []
        ),
        shortcuts=tuple(Shortcut(**entry) for entry in features.get("shortcuts") or []),
        scopes=frozenset(scopes or ()) if manifest else None,
        events=frozenset(subscriptions.get("bot_events") or ()) if manifest else None,
        socket_mode=bool(settings.get("socket_mode_enabled", not subscriptions.get("request_url"))),
        interactivity=bool(interactivity.get("is_enabled", True)) if interactivity or not manifest else False,
        interactivity_url=interactivity.get("request_url") or "",
        options_url=interactivity.get("message_menu_options_url") or "",
        events_url=subscriptions.get("request_url") or "",
        home_tab=bool(home.get("home_tab_enabled", not manifest)),
        messages_tab=bool(home.get("messages_tab_enabled", True)),
    )
