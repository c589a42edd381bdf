"""What does Slack have to know about the app? Kept equal by a test to what the code really uses."""

from typing import Any
from urllib.parse import urlsplit

from bot.errors import ConfigError
from bot.views import ids

COMMAND = "/deploy"
EVENTS = ("app_home_opened", "app_mention", "message.im")

#: Each scope, and the calls that need it.
SCOPES = {
    "app_mentions:read": "the words after @T-Minus",
    "channels:history": "conversations.history, conversations.replies: was a message posted whose answer was lost",
    "channels:read": "conversations.info, conversations.list: the channel of a service, and whether the bot is in it",
    "chat:write": "chat.postMessage, chat.update, chat.postEphemeral, chat.getPermalink",
    "commands": "/deploy and the shortcut",
    "dnd:read": "dnd.info: whether an emergency contact can be disturbed",
    "files:write": "files.getUploadURLExternal, files.completeUploadExternal: the log of a run",
    "groups:history": "the same as channels:history, in private channels",
    "groups:read": "the same as channels:read, for private channels",
    "im:history": "message.im, and lost answers in direct messages",
    "im:write": "conversations.open: direct messages to those who have to act",
    "users:read": "users.info, users.getPresence: names, time zones, and whether an emergency contact is there",
    "users:read.email": "users.lookupByEmail: the roster is written with e-mail addresses",
}


def manifest(http: str = "") -> dict[str, Any]:
    """For Socket Mode, or with the public URL of HTTP mode."""
    asked = urlsplit(http)
    if http and (asked.scheme != "https" or not asked.hostname):
        raise ConfigError(f"{http} is not an address that Slack can call; write it as https://bot.example.com.")
    url = f"{http.rstrip('/')}/slack/events" if http else ""
    command: dict[str, Any] = {
        "command": COMMAND,
        "description": "Carry a deployment through its checklist",
        "usage_hint": "start checkout 1.4.2 | status | why | go | rollback | help",
        "should_escape": False,
    }
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if url:
        command["url"] = url
        events["request_url"] = url
        interactivity["request_url"] = url
    return {
        "_metadata": {"major_version": 2},
        "display_information": {
            "name": "T-Minus",
            "description": "Carries production deployments through their checklist.",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "T-Minus", "always_online": True},
            "shortcuts": [
                {
                    "name": "Start a deployment",
                    "type": "global",
                    "callback_id": ids.START_SHORTCUT,
                    "description": "Open a deployment and its thread",
                }
            ],
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }
