"""What do the methods about people, groups, the team and the app itself do?"""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.api import method
from sandbox.box import Sandbox
from sandbox.call import Call
from sandbox.refusal import Refusal
from sandbox.rooms import gone, limit, must_be_here, page
from sandbox.world import User, UserGroup


def described(box: Sandbox, user: User) -> dict[str, Any]:
    """A person as Slack describes them; the email only with the scope for it."""
    app, team = box.world.app, box.world.team.id
    try:
        moment = box.clock.now().astimezone(ZoneInfo(user.tz))
        offset, label = moment.utcoffset() or timedelta(0), moment.tzname() or user.tz
    except (ZoneInfoNotFoundError, ValueError):
        offset, label = timedelta(0), user.tz
    profile: dict[str, Any] = {
        "real_name": user.real_name, "real_name_normalized": user.real_name, "display_name": user.name,
        "display_name_normalized": user.name, "title": user.title, "status_text": "", "status_emoji": "", "team": team,
        "image_24": f"{box.url}/avatars/{user.id}.svg", "image_72": f"{box.url}/avatars/{user.id}.svg",
    }  # fmt: skip
    if app.scopes is None or "users:read.email" in app.scopes:
        profile["email"] = user.email
    absent = gone(box, user)
    told: dict[str, Any] = {
        "id": user.id, "team_id": team, "name": user.name, "deleted": absent, "profile": profile, "is_bot": user.is_bot,
        "updated": 0, "is_app_user": user.is_bot,
    }  # fmt: skip
    if absent:
        return told
    if user.is_bot:
        profile |= {"api_app_id": app.id, "bot_id": app.bot_id}
    return told | {
        "color": user.color.lstrip("#"), "real_name": user.real_name, "tz": user.tz, "tz_label": label,
        "tz_offset": int(offset.total_seconds()), "is_admin": user.is_admin, "is_owner": False,
        "is_primary_owner": False, "is_restricted": False, "is_ultra_restricted": False,
    }  # fmt: skip


@method("users.info")
def users_info(box: Sandbox, call: Call) -> dict[str, Any]:
    user = box.workspace.users.get(call.text("user"))
    if user is None:
        raise Refusal("user_not_found")
    return {"user": described(box, user)}


@method("users.list")
def users_list(box: Sandbox, call: Call) -> dict[str, Any]:
    # Without a limit, or with 0, Slack tries to give them all.
    size = limit(call, 0, least=0) or len(box.workspace.users)
    users, cursor = page(list(box.workspace.users.values()), call.text("cursor"), size, "users")
    return {
        "members": [described(box, user) for user in users],
        "cache_ts": int(box.clock.now().timestamp()),
        "response_metadata": {"next_cursor": cursor},
    }


@method("users.lookupByEmail")
def users_lookup(box: Sandbox, call: Call) -> dict[str, Any]:
    wanted = call.text("email").lower()
    for user in box.workspace.users.values():
        if user.email and user.email.lower() == wanted:
            must_be_here(box, user, "users_not_found")
            return {"user": described(box, user)}
    raise Refusal("users_not_found")


@method("users.getPresence")
def presence(box: Sandbox, call: Call) -> dict[str, Any]:
    user = call.text("user") or box.workspace.bot
    if user not in box.workspace.users:
        raise Refusal("user_not_found")
    return {"presence": box.workspace.presence.get(user, "active")}


@method("dnd.info")
def dnd(box: Sandbox, call: Call) -> dict[str, Any]:
    user = call.text("user") or box.workspace.bot
    if user not in box.workspace.users:
        raise Refusal("user_not_found")
    until = box.workspace.snoozed.get(user, 0.0)
    now = box.clock.now().timestamp()
    if until <= now:
        return {"dnd_enabled": False, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1, "snooze_enabled": False}
    return {
        "dnd_enabled": True, "next_dnd_start_ts": int(now), "next_dnd_end_ts": int(until), "snooze_enabled": True,
        "snooze_endtime": int(until), "snooze_remaining": int(until - now), "snooze_is_indefinite": False,
    }  # fmt: skip


def _active(box: Sandbox, group: UserGroup) -> list[str]:
    """Whoever is deactivated leaves all groups."""
    return [user for user in group.users if user in box.workspace.users and not gone(box, box.workspace.users[user])]


def _group(box: Sandbox, group: UserGroup, call: Call) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": group.id, "team_id": box.world.team.id, "is_usergroup": True, "is_subteam": True, "name": group.name,
        "description": "", "handle": group.handle, "is_external": False, "date_create": 0, "date_update": 0,
        "date_delete": 0, "auto_type": None, "created_by": "USLACKBOT", "updated_by": "USLACKBOT", "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }  # fmt: skip
    if call.get("include_count") is True:
        told["user_count"] = str(len(_active(box, group)))
    if call.get("include_users") is True:
        told["users"] = _active(box, group)
    return told


@method("usergroups.list")
def groups(box: Sandbox, call: Call) -> dict[str, Any]:
    return {"usergroups": [_group(box, group, call) for group in box.workspace.groups.values()]}


@method("usergroups.users.list")
def group_users(box: Sandbox, call: Call) -> dict[str, Any]:
    group = box.workspace.groups.get(call.text("usergroup"))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": _active(box, group)}


@method("team.info")
def team(box: Sandbox, _call: Call) -> dict[str, Any]:
    about = box.world.team
    return {
        "team": {
            "id": about.id, "name": about.name, "domain": about.domain, "email_domain": f"{about.domain}.example",
            "url": f"{box.url}/", "icon": {"image_default": True},
        }
    }  # fmt: skip


@method("bots.info")
def bots(box: Sandbox, call: Call) -> dict[str, Any]:
    app = box.world.app
    if call.text("bot") not in ("", app.bot_id):
        raise Refusal("bot_not_found")
    return {
        "bot": {
            "id": app.bot_id, "deleted": False, "name": app.name, "updated": 0, "app_id": app.id,
            "user_id": app.bot_user_id, "icons": {},
        }
    }  # fmt: skip


@method("api.test")
def api_test(_box: Sandbox, call: Call) -> dict[str, Any]:
    if call.text("error"):
        raise Refusal(call.text("error"), args=call.args)
    return {"args": call.args}


@method("auth.test")
def auth_test(box: Sandbox, _call: Call) -> dict[str, Any]:
    app, about = box.world.app, box.world.team
    return {
        "url": f"{box.url}/", "team": about.name, "user": box.workspace.users[app.bot_user_id].name,
        "team_id": about.id, "user_id": app.bot_user_id, "bot_id": app.bot_id, "is_enterprise_install": False,
    }  # fmt: skip


@method("apps.connections.open")
def connections(box: Sandbox, _call: Call) -> dict[str, Any]:
    if not box.world.app.socket_mode:
        raise Refusal("socket_mode_not_enabled")
    return {"url": f"{box.url.replace('http', 'ws', 1)}/link/?ticket={box.sockets.ticket()}&app_id={box.world.app.id}"}
