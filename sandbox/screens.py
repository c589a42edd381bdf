"""Which modals and which Home tab does each person have in front of them?"""

import copy
import json
import secrets
import time
from typing import Any

from sandbox import blocks as table
from sandbox import forms
from sandbox.feed import Feed
from sandbox.inside import elements_of, every_block, has_action
from sandbox.refusal import Refusal
from sandbox.store import Store
from sandbox.validation import check_view, view_bytes
from sandbox.world import App, Team

View = dict[str, Any]


def short_id(prefix: str) -> str:
    return prefix + secrets.token_hex(5).upper()


def with_ids(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A copy in which every block and every interactive element has an id, as Slack gives them."""
    named = copy.deepcopy(blocks)
    for block, _ in every_block(named):
        block.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        for element, _ in elements_of(block):
            if has_action(element):
                element.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    return named


class Screens:
    """Views by id, the modal stack and the Home tab of each person."""

    def __init__(self, team: Team, app: App, store: Store, feed: Feed) -> None:
        self._team = team
        self._app = app
        self._store = store
        self._feed = feed
        self.load()

    def load(self) -> None:
        self.views: dict[str, View] = dict(self._store.all("view"))
        self._stacks: dict[str, list[str]] = dict(self._store.all("stack"))
        self._homes: dict[str, str] = dict(self._store.all("home"))

    def stack(self, user: str) -> list[View]:
        return [self.views[view_id] for view_id in self._stacks.get(user, []) if view_id in self.views]

    def home(self, user: str) -> View | None:
        return self.views.get(self._homes.get(user, ""))

    def owner(self, view_id: str) -> str | None:
        """Whose screen the view is on."""
        for user, stack in self._stacks.items():
            if view_id in stack:
                return user
        return next((user for user, home in self._homes.items() if home == view_id), None)

    def check(self, view: Any, kinds: tuple[str, ...]) -> None:
        """Refuse a view that Slack would refuse, with Slack's words."""
        if isinstance(view, dict) and view_bytes(view) > table.MOST_VIEW_BYTES:
            raise Refusal("view_too_large")
        issues = check_view(view)
        if not issues and view["type"] not in kinds:
            raise Refusal(
                "invalid_arguments", messages=[f"[ERROR] unsupported type: {view['type']} [json-pointer:/view/type]"]
            )
        if issues:
            raise Refusal("invalid_arguments", messages=[f"[ERROR] {issue.line()}" for issue in issues])

    def open(self, user: str, view: View) -> View:
        """A new stack with one modal; what was open before is gone."""
        self._clear(user)
        return self._show(user, self._make(view, previous=None, root=None))

    def push(self, user: str, view: View) -> View:
        stack = self.stack(user)
        if not stack:
            raise Refusal("not_found")
        if len(stack) >= table.DEEPEST_STACK:
            raise Refusal("push_limit_reached")
        return self._show(user, self._make(view, previous=stack[-1], root=stack[0]))

    def update(self, old: View, view: View, given_hash: str | None = None) -> View:
        """Replace a view in place; what people have filled in stays where the element stays."""
        if given_hash and given_hash != old["hash"]:
            raise Refusal("hash_conflict")
        new = self._make(view, previous=None, root=None, known=old["state"]["values"], view_id=old["id"])
        new |= {"root_view_id": old["root_view_id"], "previous_view_id": old["previous_view_id"]}
        self._keep(new)
        owner = self.owner(old["id"])
        if owner is not None:
            self._tell(owner, new)
        return new

    def publish(self, user: str, view: View, given_hash: str | None) -> View:
        old = self.home(user)
        if old is not None:
            return self.update(old, view, given_hash)
        new = self._make(view, previous=None, root=None)
        self._keep(new)
        self._homes[user] = new["id"]
        self._store.put("home", user, new["id"])
        self._tell(user, new)
        return new

    def remember(self, view: View, state: forms.Values) -> None:
        view["state"] = {"values": state}
        self._keep(view)

    def close(self, user: str, view_id: str) -> None:
        """Take one modal off the stack."""
        self._restack(user, [each for each in self._stacks.get(user, []) if each != view_id])

    def close_all(self, user: str) -> list[View]:
        gone = self.stack(user)
        self._clear(user)
        self._tell_stack(user)
        return gone

    def named(self, external_id: str) -> View | None:
        return next((view for view in self.views.values() if external_id and view["external_id"] == external_id), None)

    def _make(
        self,
        view: View,
        *,
        previous: View | None,
        root: View | None,
        known: forms.Values | None = None,
        view_id: str | None = None,
    ) -> View:
        view_id = view_id or short_id("V")
        taken = self.named(view.get("external_id") or "")
        if taken is not None and taken["id"] != view_id:
            raise Refusal("duplicate_external_id")
        blocks = with_ids(view["blocks"])
        made: View = {
            "id": view_id,
            "team_id": self._team.id,
            "type": view["type"],
            "blocks": blocks,
            "private_metadata": view.get("private_metadata") or "",
            "callback_id": view.get("callback_id") or "",
            "state": {"values": forms.values(blocks, known or {}, None, {})},
            "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
            "title": view.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(view.get("clear_on_close")),
            "notify_on_close": bool(view.get("notify_on_close")),
            "close": view.get("close"),
            "submit": view.get("submit"),
            "previous_view_id": previous["id"] if previous else None,
            "root_view_id": root["id"] if root else view_id,
            "app_id": self._app.id,
            "external_id": view.get("external_id") or "",
            "app_installed_team_id": self._team.id,
            "bot_id": self._app.bot_id,
        }
        return made

    def _show(self, user: str, view: View) -> View:
        self._keep(view)
        self._restack(user, [*self._stacks.get(user, []), view["id"]])
        return view

    def _keep(self, view: View) -> None:
        self.views[view["id"]] = view
        self._store.put("view", view["id"], view)

    def _restack(self, user: str, stack: list[str]) -> None:
        for gone in set(self._stacks.get(user, [])) - set(stack):
            self.views.pop(gone, None)
            self._store.drop("view", gone)
        self._stacks[user] = stack
        self._store.put("stack", user, stack)
        self._tell_stack(user)

    def _clear(self, user: str) -> None:
        for gone in self._stacks.get(user, []):
            self.views.pop(gone, None)
            self._store.drop("view", gone)
        self._stacks[user] = []
        self._store.put("stack", user, [])

    def _tell(self, user: str, view: View) -> None:
        if view["type"] == "home":
            self._feed.tell({"type": "home", "view": view}, lambda viewer: viewer == user)
        else:
            self._tell_stack(user)

    def _tell_stack(self, user: str) -> None:
        stack = json.loads(json.dumps(self.stack(user)))
        self._feed.tell({"type": "views", "stack": stack}, lambda viewer: viewer == user)
