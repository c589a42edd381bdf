"""Which event is it to a subscription, and which scopes does Slack want for it?"""

from typing import Any

MESSAGES = {"channel": "channels", "group": "groups", "im": "im"}
SCOPES = {
    "app_mention": ("app_mentions:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
}
ROOMS = {"C": "channels:read", "G": "groups:read"}


def kind_of(event: dict[str, Any]) -> str:
    """The name by which an app subscribes to it."""
    if event["type"] != "message":
        return event["type"]
    return f"message.{MESSAGES[event['channel_type']]}"


def scopes_for(event: dict[str, Any]) -> set[str]:
    """All of these have to be granted; an event that nobody describes here needs none."""
    if event["type"] == "message":
        return {f"{MESSAGES[event['channel_type']]}:history"}
    if event["type"] == "member_joined_channel":
        return {ROOMS.get(event["channel_type"], "im:read")}
    return set(SCOPES.get(event["type"], ()))
