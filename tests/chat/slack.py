"""Slack's edge, for tests: a real HTTP server that records, and can be as unkind as Slack and the network are."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

BOT = "U0BOT"
TEAM = "T0TEAM"


@dataclass
class Post:
    channel: str
    ts: str
    thread_ts: str
    text: str
    blocks: list
    metadata: dict
    user: str
    seen_from: float
    files: list = field(default_factory=list)

    @property
    def key(self) -> str:
        return (self.metadata.get("event_payload") or {}).get("key", "")

    def as_json(self) -> dict:
        shown = {"ts": self.ts, "user": self.user, "text": self.text, "metadata": self.metadata, "files": self.files}
        return shown | ({"thread_ts": self.thread_ts} if self.thread_ts else {})


class FakeSlack:
    """Faults are told by method, and used up in order:

    `lose`: done, but the answer is lost · `drop`: not done, no answer · `error:CODE` · `limit:SECONDS` (429) · `status:503` ·
    `slow:SECONDS` before it is done.
    """

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.calls: list[tuple[str, dict[str, Any], float]] = []
        self.homes: dict[str, dict] = {}
        self.ephemerals: list[dict] = []
        self.responses: list[dict] = []
        self.response_status = 200
        self.views: dict[str, dict] = {}
        self.faults: dict[str, list[str]] = {}
        self.late_s = 0.0
        self.users: dict[str, dict] = {}
        self.channels: list[dict] = []
        self.uploads: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.alternatives: dict[str, str] = {}
        #: method -> probability of losing an answer.
        self.losing: dict[str, float] = {}
        self.chance = random.Random(1)  # noqa: S311
        self._ts = time.time()
        app = web.Application(client_max_size=200_000_000)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_post("/respond", self._respond)
        self.server = TestServer(app)

    # ── What a test tells and sees ───────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        await self.server.start_server()

    async def stop(self) -> None:
        await self.server.close()

    @property
    def url(self) -> str:
        return str(self.server.make_url("/api/"))

    @property
    def response_url(self) -> str:
        return str(self.server.make_url("/respond"))

    def fault(self, method: str, *how: str) -> None:
        self.faults.setdefault(method, []).extend(how)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments, _ in self.calls if name == method]

    def keys(self) -> list[str]:
        return [post.key for post in self.posts]

    def said_by_others(self, channel: str, text: str, *, key: str = "", thread_ts: str = "") -> None:
        metadata = {"event_type": "t_minus_message", "event_payload": {"key": key}} if key else {}
        self._add(channel, text, thread_ts=thread_ts, metadata=metadata, user="U0OTHER")

    def _add(self, channel, text, *, thread_ts="", blocks=(), metadata=None, user=BOT, files=()) -> Post:
        self._ts += 0.001
        ts = f"{self._ts:.6f}"
        seen_from = time.monotonic() + self.late_s
        post = Post(channel, ts, thread_ts, text, list(blocks), metadata or {}, user, seen_from, list(files))
        self.posts.append(post)
        return post

    # ── The wire ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        arguments: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json":
            arguments |= await request.json()
        else:
            arguments |= dict(await request.post())
        self.calls.append((method, arguments, time.monotonic()))
        fault = self._next_fault(method)
        if fault == "drop":
            return self._hang_up(request)
        if fault.startswith("error:"):
            return web.json_response({"ok": False, "error": fault.removeprefix("error:")})
        if fault.startswith("words:"):
            messages = {"messages": [fault.removeprefix("words:")]}
            return web.json_response({"ok": False, "error": "invalid_arguments", "response_metadata": messages})
        if fault.startswith("limit:"):
            headers = {"Retry-After": fault.removeprefix("limit:")}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        if fault.startswith("status:"):
            return web.Response(
                status=int(fault.removeprefix("status:")), text="<html>sorry</html>", content_type="text/html"
            )
        if fault.startswith("slow:"):
            await asyncio.sleep(float(fault.removeprefix("slow:")))
        answer = getattr(self, "_" + method.replace(".", "_"))(arguments)
        if fault == "lose":
            return self._hang_up(request)
        return web.json_response(
            {"ok": "error" not in answer} | answer, headers={"X-OAuth-Scopes": "chat:write,users:read"}
        )

    def _next_fault(self, method: str) -> str:
        if waiting := self.faults.get(method):
            return waiting.pop(0)
        return "lose" if self.chance.random() < self.losing.get(method, 0) else ""

    def _hang_up(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def _upload(self, request: web.Request) -> web.Response:
        if self._next_fault("upload") == "drop":
            return self._hang_up(request)
        self.uploads[request.match_info["id"]] = await request.read()
        return web.Response(text="OK")

    async def _respond(self, request: web.Request) -> web.Response:
        if self.response_status == 200:
            self.responses.append(await request.json())
        return web.Response(status=self.response_status, text="ok" if self.response_status == 200 else "used_url")

    # ── The methods ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _auth_test(self, _):
        return {"team_id": TEAM, "user_id": BOT, "bot_id": "B0BOT"}

    def _chat_postMessage(self, args):  # noqa: N802
        post = self._add(
            args["channel"],
            args["text"],
            thread_ts=args.get("thread_ts", ""),
            blocks=args.get("blocks", ()),
            metadata=args.get("metadata"),
        )
        return {"channel": post.channel, "ts": post.ts}

    def _chat_update(self, args):
        for post in self.posts:
            if (post.channel, post.ts) == (args["channel"], args["ts"]):
                post.text, post.blocks = args["text"], args.get("blocks", [])
                return {"ts": post.ts}
        return {"error": "message_not_found"}

    def _chat_postEphemeral(self, args):  # noqa: N802
        self.ephemerals.append(args)
        return {"message_ts": "1.1"}

    def _chat_getPermalink(self, args):  # noqa: N802
        return {"permalink": f"https://acme.example/archives/{args['channel']}/p{args['message_ts'].replace('.', '')}"}

    def _listing(self, posts, args):
        assert args["include_all_metadata"] in {"1", "true", True}
        limit = min(int(args["limit"]), 3)
        begin = int(args.get("cursor") or 0)
        page = [post.as_json() for post in posts[begin : begin + limit]]
        following = str(begin + limit) if begin + limit < len(posts) else ""
        return {"messages": page, "response_metadata": {"next_cursor": following}}

    def _seen(self, args):
        oldest = float(args.get("oldest") or 0)
        now = time.monotonic()
        return [
            post
            for post in self.posts
            if post.channel == args["channel"] and post.seen_from <= now and float(post.ts) >= oldest
        ]

    def _conversations_replies(self, args):
        posts = [post for post in self._seen(args) if args["ts"] in {post.ts, post.thread_ts}]
        return self._listing(posts, args) if posts else {"error": "thread_not_found"}

    def _conversations_history(self, args):
        return self._listing([post for post in reversed(self._seen(args)) if not post.thread_ts], args)

    def _conversations_open(self, args):
        return {"channel": {"id": f"D{args['users'][1:]}"}}

    def _conversations_info(self, args):
        found = next((one for one in self.channels if one["id"] == args["channel"]), None)
        return {"channel": found} if found else {"error": "channel_not_found"}

    def _conversations_list(self, args):
        begin = int(args.get("cursor") or 0)
        following = str(begin + 2) if begin + 2 < len(self.channels) else ""
        return {"channels": self.channels[begin : begin + 2], "response_metadata": {"next_cursor": following}}

    def _users_info(self, args):
        return {"user": self.users[args["user"]]} if args["user"] in self.users else {"error": "user_not_found"}

    def _users_lookupByEmail(self, args):  # noqa: N802
        found = [user for user in self.users.values() if user["profile"].get("email") == args["email"]]
        return {"user": found[0]} if found else {"error": "users_not_found"}

    def _views_open(self, args):
        view_id = f"V{len(self.views)}"
        self.views[view_id] = args["view"]
        return {"view": {"id": view_id}}

    def _views_update(self, args):
        if args["view_id"] not in self.views:
            return {"error": "not_found"}
        self.views[args["view_id"]] = args["view"]
        return {"view": {"id": args["view_id"]}}

    def _views_publish(self, args):
        self.homes[args["user_id"]] = args["view"]
        return {"view": {"id": "VHOME"}}

    def _files_getUploadURLExternal(self, args):  # noqa: N802
        file_id = f"F{len(self.names)}"
        self.names[file_id] = args["filename"]
        self.alternatives[file_id] = args.get("alt_txt", "")
        return {"upload_url": str(self.server.make_url(f"/upload/{file_id}")), "file_id": file_id}

    def _files_completeUploadExternal(self, args):  # noqa: N802
        files = [one | {"name": self.names[one["id"]]} for one in json.loads(args["files"])]
        self._add(args["channel_id"], args.get("initial_comment", ""), thread_ts=args.get("thread_ts", ""), files=files)
        return {"files": [{"id": one["id"], "title": one["title"]} for one in files]}
