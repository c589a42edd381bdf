"""The Web API is as strict as Slack's, with Slack's names for what is wrong."""

import asyncio
import json
from typing import Any

import aiohttp
import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.conftest import APP_TOKEN, BOT_TOKEN, Person, Running, client_of


async def refused(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as raised:
        await call
    return dict(raised.value.response.data)


@pytest.fixture(autouse=True)
async def fresh(person: Person) -> None:
    """Every test begins with the workspace of the world file."""


async def test_every_wire_format_that_clients_use_is_understood(running: Running):
    blocks = json.dumps([{"type": "divider"}])
    token = {"authorization": f"Bearer {BOT_TOKEN}"}
    async with httpx.AsyncClient(base_url=f"{running.url}/api/", trust_env=False) as http:
        form = await http.post(
            "chat.postMessage", data={"channel": "C0CHECKOUT", "text": "form", "blocks": blocks, "token": BOT_TOKEN}
        )
        query = await http.post(
            "chat.postMessage", params={"channel": "C0CHECKOUT", "text": "query", "blocks": blocks}, headers=token
        )
        body = await http.post(
            "chat.postMessage",
            json={"channel": "C0CHECKOUT", "text": "json", "blocks": json.loads(blocks)},
            headers=token,
        )
        text = await http.post(
            "chat.postMessage", json={"channel": "C0CHECKOUT", "text": "json text", "blocks": blocks}, headers=token
        )
        for reply in (form, query, body, text):
            assert reply.json()["message"]["blocks"][0]["type"] == "divider"
        ts = form.json()["ts"]
        for flag in ("1", "true"):
            got = await http.get(
                "conversations.history",
                params={"channel": "C0CHECKOUT", "latest": ts, "inclusive": flag},
                headers=token,
            )
            assert [message["text"] for message in got.json()["messages"]] == ["form"]
        none = await http.get(
            "conversations.history", params={"channel": "C0CHECKOUT", "latest": ts, "inclusive": "0"}, headers=token
        )
        assert none.json()["messages"] == []


async def test_broken_json_and_an_unknown_method_have_slacks_names(running: Running):
    headers = {"authorization": f"Bearer {BOT_TOKEN}", "content-type": "application/json"}
    async with httpx.AsyncClient(base_url=f"{running.url}/api/", trust_env=False) as http:
        assert (await http.post("chat.postMessage", content="{", headers=headers)).json()["error"] == "invalid_json"
        assert (await http.post("chat.postMessage", content="[]", headers=headers)).json()["error"] == "json_not_object"
        half = '{"channel": "C0CHECKOUT", "text": "\\ud800"}'
        assert (await http.post("chat.postMessage", content=half, headers=headers)).json()["error"] == "invalid_json"
        deep = '{"channel": ' + "[" * 5000 + "]" * 5000 + "}"
        assert (await http.post("chat.postMessage", content=deep, headers=headers)).json()["error"] == "invalid_json"
        assert (await http.post("chat.whisper", content="{}", headers=headers)).json()["error"] == "unknown_method"


async def test_tokens_are_looked_at(running: Running, client: AsyncWebClient):
    assert (await refused(client_of(running.url, "xoxb-stranger").auth_test()))["error"] == "invalid_auth"
    assert (await refused(client_of(running.url, APP_TOKEN).auth_test()))["error"] == "not_allowed_token_type"
    assert (await refused(client.apps_connections_open(app_token=BOT_TOKEN)))["error"] == "not_allowed_token_type"
    assert (await refused(AsyncWebClient(base_url=f"{running.url}/api/").auth_test()))["error"] == "not_authed"


async def test_a_missing_argument_is_named(client: AsyncWebClient):
    told = await refused(client.api_call("chat.update", json={"channel": "C0CHECKOUT", "text": "x"}))
    assert told["error"] == "invalid_arguments"
    assert told["response_metadata"]["messages"] == ["[ERROR] missing required field: ts"]


async def test_an_unknown_argument_is_a_finding(client: AsyncWebClient, person: Person):
    await client.api_call("chat.postMessage", json={"channel": "C0CHECKOUT", "text": "x", "colour": "red"})
    (entry,) = (await person.get("/control/log", findings=1))["entries"]
    assert entry["findings"] == ["chat.postMessage has no argument 'colour'; Slack ignores it."]


async def test_blocks_are_refused_with_their_places(client: AsyncWebClient):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]
    told = await refused(client.chat_postMessage(channel="C0CHECKOUT", text="x", blocks=blocks))
    assert told["error"] == "invalid_blocks"
    assert told["response_metadata"]["messages"] == [
        "[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]"
    ]


async def test_blocks_validate_answers_in_slacks_shape(client: AsyncWebClient):
    assert (await client.api_call("blocks.validate", json={"blocks": [{"type": "divider"}]}))["ok"]
    blocks = [{"type": "section", "text": {"type": "invalid", "text": "x"}}]
    told = await refused(client.api_call("blocks.validate", json={"blocks": blocks}))
    assert told["error"] == "invalid_blocks"
    assert told["errors"] == [
        {
            "code": "failed_constraint",
            "message": "unsupported type: invalid",
            "pointer": "/0/text/type",
            "constraint": {"type": "enum", "expected": ["plain_text", "mrkdwn"]},
        }
    ]


POSTS = [
    ({"channel": "C0RANDOM", "text": "x"}, "not_in_channel"),
    ({"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    ({"channel": "C0CHECKOUT"}, "no_text"),
    ({"channel": "C0CHECKOUT", "text": ""}, "no_text"),
    ({"channel": "C0CHECKOUT", "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
    ({"channel": "C0CHECKOUT", "markdown_text": "y" * 12_001}, "msg_too_long"),
    ({"channel": "C0CHECKOUT", "text": "x", "attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
    ({"channel": "C0CHECKOUT", "text": "x", "metadata": {"event_type": "e"}}, "invalid_metadata_format"),
    ({"channel": "C0CHECKOUT", "text": "x", "thread_ts": "1700000000.000001"}, "cannot_reply_to_message"),
    ({"channel": "C0CHECKOUT", "text": "x", "blocks": "nonsense"}, "invalid_blocks_format"),
    ({"channel": "C0CHECKOUT", "text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
    (
        {
            "channel": "C0CHECKOUT",
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5,
        },
        "msg_blocks_too_long",
    ),
    ({"channel": "C0CHECKOUT", "text": "x", "username": "Somebody else"}, "missing_scope"),
]


@pytest.mark.parametrize(("message", "error"), POSTS, ids=[error + str(n) for n, (_, error) in enumerate(POSTS)])
async def test_a_message_that_slack_would_refuse_is_refused(
    client: AsyncWebClient, message: dict[str, Any], error: str
):
    assert (await refused(client.api_call("chat.postMessage", json=message)))["error"] == error


async def test_a_message_is_posted_changed_and_deleted(client: AsyncWebClient, person: Person):
    posted = await client.chat_postMessage(channel="C0CHECKOUT", text="one", blocks=[{"type": "divider"}])
    where = {"channel": "C0CHECKOUT", "ts": posted["ts"]}

    blocks_only = where | {"blocks": [{"type": "divider"}, {"type": "divider"}]}
    await client.api_call("chat.update", json=blocks_only)
    (message,) = await person.messages()
    assert (message["text"], len(message["blocks"]), "edited" in message) == ("one", 2, False)

    await client.chat_update(**where, text="two")
    (message,) = await person.messages()
    assert (message["text"], "blocks" in message, message["edited"]["user"]) == ("two", False, "U0TMINUS")

    assert (await refused(client.chat_update(**where, text="x" * 4001)))["error"] == "msg_too_long"
    await client.chat_delete(**where)
    assert await person.messages() == []
    assert (await refused(client.chat_update(**where, text="x")))["error"] == "message_not_found"


async def test_nobody_elses_message_can_be_changed(client: AsyncWebClient, person: Person):
    ts = (await person.act("post", channel="C0CHECKOUT", text="mine"))["message"]["ts"]
    assert (await refused(client.chat_update(channel="C0CHECKOUT", ts=ts, text="x")))["error"] == "cant_update_message"
    assert (await refused(client.chat_delete(channel="C0CHECKOUT", ts=ts)))["error"] == "cant_delete_message"


async def test_metadata_is_kept_found_and_cleared(client: AsyncWebClient):
    metadata = {"event_type": "t", "event_payload": {"key": "card"}}
    posted = await client.chat_postMessage(channel="C0CHECKOUT", text="x", metadata=metadata)
    where = {"channel": "C0CHECKOUT", "ts": posted["ts"]}

    async def found(**more: Any) -> Any:
        history = await client.conversations_history(channel="C0CHECKOUT", **more)
        return history["messages"][0].get("metadata")

    assert await found() is None
    assert await found(include_all_metadata=True) == metadata
    await client.chat_update(**where, text="y")
    assert await found(include_all_metadata=True) == metadata
    await client.chat_update(**where, text="y", metadata={})
    assert await found(include_all_metadata=True) is None


async def test_a_thread_is_paged_with_its_root_always_first(client: AsyncWebClient):
    root = (await client.chat_postMessage(channel="C0CHECKOUT", text="root"))["ts"]
    replies = [
        (await client.chat_postMessage(channel="C0CHECKOUT", thread_ts=root, text=f"r{n}"))["ts"] for n in range(5)
    ]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await client.conversations_replies(channel="C0CHECKOUT", ts=root, limit=2, cursor=cursor)
        assert page["messages"][0]["reply_count"] == 5
        seen += [message["text"] for message in page["messages"][1:]]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert seen == ["r0", "r1", "r2", "r3", "r4"]
    late = await client.conversations_replies(channel="C0CHECKOUT", ts=replies[4], oldest=replies[2])
    assert [message["text"] for message in late["messages"]] == ["root", "r3", "r4"]
    assert (await refused(client.conversations_replies(channel="C0CHECKOUT", ts="1.000001")))[
        "error"
    ] == "thread_not_found"
    history = await client.conversations_history(channel="C0CHECKOUT")
    assert [message["text"] for message in history["messages"]] == ["root"]


async def test_direct_messages_are_opened_and_used_by_person(client: AsyncWebClient, person: Person):
    channel = (await client.conversations_open(users="U0ANA"))["channel"]["id"]
    assert channel.startswith("D")
    assert (await client.chat_postMessage(channel="U0ANA", text="to you"))["channel"] == channel
    assert [message["text"] for message in await person.messages(channel, "U0ANA")] == ["to you"]
    told = await person.http.get(f"{person.url}/control/messages", params={"as": "U0BEN", "channel": channel})
    assert told.status_code == 400
    state = await person.get("/control/state", **{"as": "U0ANA"})
    (room,) = [each for each in state["channels"] if each["id"] == channel]
    assert (room["kind"], room["partner"], room["unread"], room["mentions"]) == ("im", "U0TMINUS", 1, 1)


async def test_an_ephemeral_message_is_for_one_member_only(client: AsyncWebClient, person: Person):
    await client.chat_postEphemeral(channel="C0CHECKOUT", user="U0ANA", text="psst")
    assert [message["text"] for message in await person.messages(user="U0ANA")] == ["psst"]
    assert await person.messages(user="U0BEN") == []
    (message,) = await person.messages(user="U0ANA")
    await person.act("dismiss", "U0ANA", channel="C0CHECKOUT", ts=message["ts"])
    assert await person.messages(user="U0ANA") == []
    stranger = client.chat_postEphemeral(channel="C0CHECKOUT", user="U0NOBODY", text="psst")
    assert (await refused(stranger))["error"] == "user_not_in_channel"


async def test_joining_a_channel_makes_the_app_a_member(client: AsyncWebClient):
    assert not (await client.conversations_info(channel="C0RANDOM"))["channel"]["is_member"]
    assert (await refused(client.conversations_history(channel="C0RANDOM")))["error"] == "not_in_channel"
    await client.conversations_join(channel="C0RANDOM")
    assert "U0TMINUS" in (await client.conversations_members(channel="C0RANDOM"))["members"]
    await client.chat_postMessage(channel="C0RANDOM", text="hello")


async def test_people_and_groups_are_found(client: AsyncWebClient, person: Person):
    ana = (await client.users_lookupByEmail(email="ana@acme.example"))["user"]
    assert (ana["id"], ana["profile"]["title"], ana["tz"]) == ("U0ANA", "DevOps Lead", "Europe/Madrid")
    assert len((await client.users_list(limit=4))["members"]) == 4
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert [(group["handle"], group["users"]) for group in groups] == [("dba-team", ["U0CHLOE", "U0DMITRI"])]
    assert (await client.usergroups_users_list(usergroup="S0DBATEAM"))["users"] == ["U0CHLOE", "U0DMITRI"]
    await person.do("/control/user", user="U0ANA", deleted=True)
    assert (await client.users_info(user="U0ANA"))["user"]["deleted"]
    assert (await refused(client.conversations_open(users="U0ANA")))["error"] == "user_disabled"
    assert (await client.users_getPresence(user="U0BEN"))["presence"] == "active"
    assert not (await client.dnd_info(user="U0BEN"))["dnd_enabled"]


async def test_a_file_is_uploaded_into_a_thread(client: AsyncWebClient, person: Person):
    root = (await client.chat_postMessage(channel="C0CHECKOUT", text="root"))["ts"]
    await client.files_upload_v2(
        channel="C0CHECKOUT", thread_ts=root, filename="deploy.log", title="Log", content="line 1\nline 2\n", initial_comment="all of it"
    )  # fmt: skip
    message = (await person.messages(thread=root))[1]
    assert (message["text"], message["files"][0]["title"]) == ("all of it", "Log")
    assert message["files"][0]["preview"] == "line 1\nline 2\n"
    assert (await person.http.get(f"{person.url}{message['files'][0]['url']}")).text == "line 1\nline 2\n"


async def test_pins_bookmarks_and_reactions(client: AsyncWebClient, person: Person):
    ts = (await client.chat_postMessage(channel="C0CHECKOUT", text="root"))["ts"]
    where = {"channel": "C0CHECKOUT", "timestamp": ts}
    await client.pins_add(**where)
    assert (await refused(client.pins_add(**where)))["error"] == "already_pinned"
    await client.reactions_add(**where, name="eyes")
    assert (await refused(client.reactions_add(**where, name="eyes")))["error"] == "already_reacted"
    (message,) = await person.messages()
    assert (message["pinned"], message["reactions"]) == (True, [{"name": "eyes", "users": ["U0TMINUS"]}])
    added = await client.bookmarks_add(
        channel_id="C0CHECKOUT", title="Runbook", type="link", link="https://example.com"
    )
    await client.bookmarks_edit(channel_id="C0CHECKOUT", bookmark_id=added["bookmark"]["id"], title="Run book")
    assert [each["title"] for each in (await client.bookmarks_list(channel_id="C0CHECKOUT"))["bookmarks"]] == [
        "Run book"
    ]
    link = (await client.chat_getPermalink(channel="C0CHECKOUT", message_ts=ts))["permalink"]
    assert link.endswith(f"/archives/C0CHECKOUT/p{ts.replace('.', '')}")


async def test_too_many_calls_are_told_when_to_come_again(client: AsyncWebClient, person: Person):
    for _ in range(10):
        await client.chat_postMessage(channel="C0CHECKOUT", text="x")
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel="C0CHECKOUT", text="x")
    response = raised.value.response
    assert (response.status_code, response["error"], response.headers["retry-after"]) == (429, "ratelimited", "1")
    await client.chat_postMessage(channel="C0PAYMENTS", text="another channel has a budget of its own")
    for _ in range(20):
        await client.users_list()
    with pytest.raises(SlackApiError) as raised:
        await client.users_list()
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60
    await person.do("/control/limits", enabled=False)
    await client.users_list()


async def test_a_deleted_root_leaves_a_gravestone(client: AsyncWebClient, person: Person):
    root = (await client.chat_postMessage(channel="C0CHECKOUT", text="root"))["ts"]
    await client.chat_postMessage(channel="C0CHECKOUT", thread_ts=root, text="reply")
    await client.chat_delete(channel="C0CHECKOUT", ts=root)
    thread = await person.messages(thread=root)
    assert [(m["text"], m.get("subtype")) for m in thread] == [
        ("This message was deleted.", "tombstone"),
        ("reply", None),
    ]


async def test_timestamps_stay_unique_when_the_clock_is_set_back(client: AsyncWebClient, person: Person):
    await person.do("/clock", advance_s=86_400)
    late = (await client.chat_postMessage(channel="C0CHECKOUT", text="tomorrow"))["ts"]
    await person.do("/clock", offset_s=0)
    stamps = [(await client.chat_postMessage(channel="C0CHECKOUT", text=str(n)))["ts"] for n in range(3)]
    assert [late, *stamps] == sorted({late, *stamps})


async def test_a_trigger_works_once_and_only_for_three_seconds(client: AsyncWebClient):
    view = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    assert (await refused(client.views_open(trigger_id="1.2.abc", view=view)))["error"] == "invalid_trigger_id"
    assert (await refused(client.views_update(view_id="V1", view=view)))["error"] == "not_found"
    bad = view | {"title": {"type": "plain_text", "text": "x" * 25}}
    published = await refused(client.views_publish(user_id="U0ANA", view=bad))
    assert published["error"] == "invalid_arguments"


async def test_home_has_a_hash_that_guards_it(client: AsyncWebClient):
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    first = await client.views_publish(user_id="U0ANA", view=view)
    await client.views_publish(user_id="U0ANA", view=view, hash=first["view"]["hash"])
    assert (await refused(client.views_publish(user_id="U0ANA", view=view, hash=first["view"]["hash"])))[
        "error"
    ] == "hash_conflict"
    large = {"type": "home", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "é" * 3000}}] * 60}
    assert (await refused(client.views_publish(user_id="U0ANA", view=large)))["error"] == "view_too_large"


async def test_faults_strike_as_often_as_they_are_told_to(client: AsyncWebClient, person: Person):
    async def rule(fault: str, **more: Any) -> None:
        await person.do("/control/faults", seed=7, rules=[{"fault": fault, "times": 1, **more}])

    await rule("http_500", method="chat.postMessage")
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel="C0CHECKOUT", text="x")
    assert raised.value.response.status_code == 500
    await rule("rate_limited", seconds=7)
    with pytest.raises(SlackApiError) as raised:
        await client.auth_test()
    assert raised.value.response.headers["retry-after"] == "7"
    await rule("revoked_token")
    assert (await refused(client.auth_test()))["error"] == "token_revoked"
    await rule("archived_channel", channel="C0CHECKOUT")
    assert (await refused(client.chat_postMessage(channel="C0CHECKOUT", text="x")))["error"] == "is_archived"
    await rule("late_visibility", seconds=1.5)
    await client.chat_postMessage(channel="C0CHECKOUT", text="later")
    assert (await client.conversations_history(channel="C0CHECKOUT"))["messages"] == []

    async def visible() -> Any:
        return (await client.conversations_history(channel="C0CHECKOUT"))["messages"]

    assert (await person.until(visible))[0]["text"] == "later"
    # What was asked for is no mistake of the app.
    assert (await person.get("/control/log", findings=1))["entries"] == []


async def test_a_lost_answer_is_a_message_that_its_author_knows_nothing_of(client: AsyncWebClient, person: Person):
    await person.do("/control/faults", rules=[{"fault": "lost_answer", "method": "chat.postMessage", "times": 1}])
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.chat_postMessage(channel="C0CHECKOUT", text="did it arrive?")
    assert [message["text"] for message in await person.messages()] == ["did it arrive?"]


async def test_slack_sdk_posts_twice_when_an_answer_is_lost_and_it_retries(running: Running, person: Person):
    await person.do("/control/faults", rules=[{"fault": "lost_answer", "method": "chat.postMessage", "times": 1}])
    careless = AsyncWebClient(token=BOT_TOKEN, base_url=f"{running.url}/api/")
    await careless.chat_postMessage(channel="C0CHECKOUT", text="x")
    assert len(await person.messages()) == 2


async def test_a_scope_that_the_manifest_lacks_is_missed(tmp_path: Any, person: Person):
    from tests.sandbox.conftest import start  # noqa: PLC0415

    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps(
            {
                "display_information": {"name": "Small"},
                "features": {"bot_user": {"display_name": "Small"}, "slash_commands": [{"command": "/small", "description": "s"}]},
                "oauth_config": {"scopes": {"bot": ["chat:write", "channels:read"]}},
                "settings": {"socket_mode_enabled": True},
            }
        )
    )  # fmt: skip
    sandbox = await asyncio.to_thread(start, tmp_path / "data", "--manifest", str(manifest))
    try:
        client = client_of(sandbox.url)
        told = await refused(client.users_info(user="U0ANA"))
        assert (told["error"], told["needed"], told["provided"]) == (
            "missing_scope",
            "users:read",
            "channels:read,chat:write",
        )
        told = await refused(client.conversations_history(channel="C0CHECKOUT"))
        assert "channels:history" in told["needed"].split(",")
        # Who asks is judged before what is asked.
        for method, asked in (
            ("users.info", {}),
            ("reactions.add", {"channel": "C0NOWHERE"}),
            ("conversations.history", {"channel": "C0NOWHERE"}),
            ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x", "username": "Somebody else"}),
        ):
            assert (await refused(client.api_call(method, params=asked)))["error"] == "missing_scope"
        assert (await refused(client.conversations_list(types="public_channel,im")))["needed"] == "im:read"
        await client.chat_postMessage(channel="C0CHECKOUT", text="that much is allowed")
        state = (await person.http.get(f"{sandbox.url}/control/state", params={"as": "U0ANA"})).json()
        assert [command["command"] for command in state["app"]["commands"]] == ["/small"]
        assert state["app"]["name"] == "Small"
    finally:
        sandbox.kill()


async def test_a_scheduled_message_comes_on_the_sandboxs_clock(client: AsyncWebClient, person: Person):
    now = float((await client.chat_postMessage(channel="C0PAYMENTS", text="now"))["ts"])
    at = int(now) + 7200
    planned = await client.chat_scheduleMessage(channel="C0CHECKOUT", text="later", post_at=at)
    dropped = await client.chat_scheduleMessage(channel="C0CHECKOUT", text="never", post_at=at)
    await client.chat_deleteScheduledMessage(channel="C0CHECKOUT", scheduled_message_id=dropped["scheduled_message_id"])
    waiting = (await client.chat_scheduledMessages_list())["scheduled_messages"]
    assert [each["id"] for each in waiting] == [planned["scheduled_message_id"]]
    assert await person.messages() == []
    past = client.chat_scheduleMessage(channel="C0CHECKOUT", text="x", post_at=int(now) - 60)
    assert (await refused(past))["error"] == "time_in_past"
    far = client.chat_scheduleMessage(channel="C0CHECKOUT", text="x", post_at=int(now) + 121 * 86_400)
    assert (await refused(far))["error"] == "time_too_far"
    await person.do("/clock", advance_s=7201)
    assert [message["text"] for message in await person.until(person.messages)] == ["later"]


async def test_a_stream_grows_until_it_is_stopped(client: AsyncWebClient, person: Person):
    root = (await client.chat_postMessage(channel="C0CHECKOUT", text="root"))["ts"]
    assert (await refused(client.chat_startStream(channel="C0CHECKOUT", thread_ts=root)))["error"] == (
        "missing_recipient_user_id"
    )
    started = await client.chat_startStream(
        channel="C0CHECKOUT", thread_ts=root, recipient_user_id="U0ANA", recipient_team_id="T0ACME", markdown_text="a"
    )
    where = {"channel": "C0CHECKOUT", "ts": started["ts"]}
    await client.chat_appendStream(**where, markdown_text="b")
    assert (await refused(client.chat_update(**where, text="x")))["error"] == "streaming_state_conflict"
    await client.chat_stopStream(**where, markdown_text="c")
    message = (await person.messages(thread=root))[1]
    assert message["blocks"] == [{"type": "markdown", "text": "abc"}]
    assert (await refused(client.chat_appendStream(**where, markdown_text="d")))["error"] == (
        "message_not_in_streaming_state"
    )
