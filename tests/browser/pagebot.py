"""Which blocks does the page have to show and to obey? A slack-bolt app that uses them all and repeats what it hears."""

import asyncio
import json
from typing import Any

from slack_bolt.app.async_app import AsyncApp

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def option(text: str, **more: Any) -> Block:
    return {"text": plain(text), "value": text.lower(), **more}


def line(text: str, accessory: Block | None = None, block_id: str | None = None) -> Block:
    block: Block = {"type": "section", "text": mrkdwn(text)}
    return block | ({"accessory": accessory} if accessory else {}) | ({"block_id": block_id} if block_id else {})


def button(text: str, action_id: str, **more: Any) -> Block:
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": action_id, **more}


def menu(action_id: str) -> Block:
    return {"type": "overflow", "action_id": action_id, "options": [option("Why it matters"), option("Waive…")]}


def box(action_id: str, *, ticked: bool) -> Block:
    done = option("Done")
    return {"type": "checkboxes", "action_id": action_id, "options": [done]} | (
        {"initial_options": [done]} if ticked else {}
    )


SURE = {
    "title": plain("Roll back?"),
    "text": mrkdwn("checkout goes back to *1.4.1* in production."),
    "confirm": plain("Roll back"),
    "deny": plain("Leave it"),
    "style": "danger",
}


def card(state: str) -> list[Block]:
    return [
        {"type": "header", "text": plain("🚀 checkout 1.4.2 → production")},
        line(
            "<@U0MARA> started this <!date^1700000000^{date_num} at {time}|then> · 12 changes since 1.4.1 "
            "(<https://example.com/compare|compare>) · window 14:30–15:30"
        ),
        {"type": "context", "elements": [mrkdwn("● *Preflight* ─ ○ Prepare ─ ○ Deploy ─ ○ Verify ─ ○ Live")]},
        {
            "type": "section",
            "fields": [
                mrkdwn(f"*DevOps Lead*\n{state}"),
                mrkdwn("*Database Admin*\n⏳ asked <@U0CHLOE> 6 min ago"),
                mrkdwn("*Security Team*\n🔴 NO-GO “old API key still works”"),
                mrkdwn("*Product Owner*\n⏳ asked"),
            ],
        },
        {"type": "divider"},
        line(
            "*In the way (2)*\n1  API keys rotated and validated: the old key still answers `200` · _Security Team_\n"
            "2  Database Admin has not signed · <!subteam^S0DBATEAM>"
        ),
        {
            "type": "actions",
            "block_id": "decide",
            "elements": [
                button("Go", "go", style="primary"),
                button("Roll back", "roll_back", style="danger", confirm=SURE),
                menu("more"),
            ],
        },
    ]


def checklist(*, ticked: bool) -> list[Block]:
    return [
        {"type": "header", "text": plain("Security Verification")},
        {"type": "context", "elements": [mrkdwn("5 of 6 · owner Security Team")]},
        line(
            "✅ *pass*  All secrets stored in secure vault (not in code): 0 findings at `9f3c2ab`, 412 files",
            menu("o1"),
        ),
        line("❌ *fail*  API keys rotated and validated: old key still answers 200, expected 401", menu("o2")),
        line("✅ *pass*  CORS policies configured correctly: 1 origin allowed, 5 strangers refused", menu("o3")),
        line("✅ *pass*  Rate limiting enabled: first 429 at request 21 of 40, Retry-After 1 s", menu("o4")),
        line("⚠️ *warn*  Security headers configured: score 85, warn below 90: CSP allows inline styles", menu("o5")),
        line(f"{'☑' if ticked else '☐'}  Firewall rules applied", box("firewall", ticked=ticked), f"firewall-{ticked}"),
        {"type": "context", "elements": [mrkdwn("measured 14:03, holds until 14:33")]},
    ]


def everything() -> list[Block]:
    towns = [option("Oslo"), option("Lima"), option("Delhi")]
    return [
        {
            "type": "table",
            "rows": [
                [{"type": "raw_text", "text": text} for text in ("Path", "p95", "Change")],
                [{"type": "raw_text", "text": text} for text in ("/cart", "118 ms", "+9 %")],
            ],
            "column_settings": [{"align": "left"}, {"align": "right"}, {"align": "right"}],
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": "Bold", "style": {"bold": True}},
                        {"type": "text", "text": " by "},
                        {"type": "user", "user_id": "U0ANA"},
                        {"type": "emoji", "name": "tada"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "a point"}]}],
                },
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "exit 0\nin 12 s"}]},
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said so"}]},
            ],
        },
        {
            "type": "actions",
            "block_id": "inputs",
            "elements": [
                {"type": "static_select", "action_id": "town", "placeholder": plain("Town"), "options": towns},
                {
                    "type": "external_select",
                    "action_id": "branch",
                    "placeholder": plain("Branch"),
                    "min_query_length": 0,
                },
                {"type": "users_select", "action_id": "who", "placeholder": plain("Who signs")},
                {"type": "datepicker", "action_id": "day", "initial_date": "2026-11-24", "placeholder": plain("Day")},
                {"type": "radio_buttons", "action_id": "pace", "options": [option("Slow"), option("Fast")]},
                {
                    "type": "multi_static_select",
                    "action_id": "towns",
                    "placeholder": plain("Towns"),
                    "options": towns,
                },
            ],
        },
        {
            "type": "input",
            "block_id": "remark",
            "dispatch_action": True,
            "label": plain("Remark"),
            "element": {"type": "plain_text_input", "action_id": "remark"},
        },
    ]


def charts() -> list[Block]:
    days = ["Mon", "Tue", "Wed"]
    series = [
        {"name": name, "data": [{"label": day, "value": value} for day, value in zip(days, values, strict=True)]}
        for name, values in (("p50", (41, 43, 40)), ("p95", (118, 131, 109)))
    ]
    slices = [{"label": "ok", "value": 97}, {"label": "slow", "value": 3}]
    number = [{"type": "raw_number", "value": value, "text": str(value)} for value in (118, 41)]
    return [
        {
            "type": "data_visualization",
            "title": "Latency, ms",
            "chart": {"type": "line", "series": series, "axis_config": {"categories": days}},
        },
        {"type": "data_visualization", "title": "Answers", "chart": {"type": "pie", "segments": slices}},
        {
            "type": "data_table",
            "caption": "Paths",
            "row_header_column_index": 0,
            "rows": [
                [{"type": "raw_text", "text": text} for text in ("Path", "p95", "p50")],
                [{"type": "raw_text", "text": "/cart"}, *number],
            ],
        },
        {"type": "markdown", "text": "## Notes\n- **bold** point\n- [link](https://example.com)"},
        {"type": "alert", "level": "warning", "text": plain("p95 is rising")},
    ]


def start_modal(advice: str = "production is held by *payments 3.1.0* (<@U0CHLOE>, since 13:50).") -> Block:
    services = [option("checkout"), option("payments")]
    return {
        "type": "modal",
        "callback_id": "start",
        "title": plain("Start a deployment"),
        "submit": plain("Start"),
        "close": plain("Cancel"),
        "blocks": [
            line(advice, button("Details", "details")),
            {"type": "actions", "block_id": "advice", "elements": [button("Look again", "look_again")]},
            {
                "type": "input",
                "block_id": "service",
                "label": plain("Service"),
                "element": {
                    "type": "static_select",
                    "action_id": "v",
                    "placeholder": plain("Choose"),
                    "options": services,
                },
            },
            {
                "type": "input",
                "block_id": "version",
                "label": plain("Version"),
                "hint": plain("Three numbers, such as 1.4.2"),
                "element": {"type": "plain_text_input", "action_id": "v"},
            },
            {
                "type": "input",
                "block_id": "notes",
                "label": plain("Notes"),
                "optional": True,
                "element": {"type": "plain_text_input", "action_id": "v", "multiline": True},
            },
            {
                "type": "input",
                "block_id": "options",
                "label": plain("Options"),
                "optional": True,
                "element": {
                    "type": "checkboxes",
                    "action_id": "v",
                    "options": [option("Rehearsal", description=plain("Nothing is changed in production"))],
                },
            },
        ],
    }


def listen(app: AsyncApp) -> None:
    """Register what the app does."""
    listen_to_starts(app)
    listen_to_presses(app)
    listen_to_events(app)


def listen_to_starts(app: AsyncApp) -> None:
    @app.command("/deploy")
    async def deploy(ack: Any, command: Any, client: Any) -> None:
        word = command["text"].split(" ")[0]
        if word == "late":
            await asyncio.sleep(3.6)
            await ack()
            return
        await ack("Type `/deploy start` to begin." if word == "help" else "")
        if word == "start":
            await client.views_open(trigger_id=command["trigger_id"], view=start_modal())
        if word == "charts":
            await client.chat_postMessage(channel=command["channel_id"], text="Charts", blocks=charts())
        if word == "wrong":
            await client.api_call(
                "chat.postMessage", json={"channel": command["channel_id"], "blocks": [{"type": "nonsense"}]}
            )

    @app.view("start")
    async def started(ack: Any, view: Any, client: Any) -> None:
        held = view["state"]["values"]
        version = held["version"]["v"]["value"]
        if version.count(".") != 2:
            await ack(response_action="errors", errors={"version": f"“{version}” is not a version, such as 1.4.2."})
            return
        await ack()
        root = await client.chat_postMessage(
            channel="C0CHECKOUT",
            text=f"{held['service']['v']['selected_option']['value']} {version} → production",
            blocks=card("⏳ asked"),
            metadata={"event_type": "card", "event_payload": {"key": "checkout-1"}},
        )
        await client.chat_postMessage(
            channel="C0CHECKOUT",
            thread_ts=root["ts"],
            text="Security Verification: 5 of 6",
            blocks=checklist(ticked=False),
        )
        await client.chat_postMessage(
            channel="C0CHECKOUT", thread_ts=root["ts"], text="Everything", blocks=everything()
        )


def listen_to_presses(app: AsyncApp) -> None:
    @app.action("details")
    async def details(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_push(
            trigger_id=body["trigger_id"],
            view={"type": "modal", "title": plain("Who holds it"), "blocks": [line("Chloé Martin, payments 3.1.0")]},
        )

    @app.action("look_again")
    async def look_again(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_update(view_id=body["view"]["id"], view=start_modal("production is *free* now."))

    @app.options("branch")
    async def branches(ack: Any, payload: Any) -> None:
        await ack(options=[option(name) for name in ("main", "hotfix", "next") if payload["value"] in name])

    @app.action("go")
    async def go(ack: Any, body: Any, client: Any) -> None:
        await ack()
        blocks = card(f"🟢 GO <@{body['user']['id']}>")
        await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="GO", blocks=blocks)

    @app.action("firewall")
    async def firewall(ack: Any, body: Any, action: Any, client: Any) -> None:
        await ack()
        blocks = checklist(ticked=bool(action["selected_options"]))
        await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="ticked", blocks=blocks)

    async def repeat(ack: Any, body: Any, action: Any, client: Any) -> None:
        await ack()
        told = {
            key: value
            for key, value in action.items()
            if key.startswith("selected") or key == "value"
        }  # fmt: skip
        message = body["message"]
        await client.chat_postEphemeral(
            channel=body["channel"]["id"],
            user=body["user"]["id"],
            thread_ts=message.get("thread_ts", message["ts"]),
            text=f"{action['action_id']}: {said(told)}",
        )

    for action_id in (
        "more",
        "o1",
        "o2",
        "o3",
        "o4",
        "o5",
        "town",
        "branch",
        "towns",
        "who",
        "day",
        "pace",
        "remark",
        "roll_back",
    ):
        app.action(action_id)(repeat)


def listen_to_events(app: AsyncApp) -> None:
    @app.event("app_home_opened")
    async def home(event: Any, client: Any) -> None:
        if event.get("tab") == "messages":
            return
        await client.views_publish(
            user_id=event["user"],
            view={
                "type": "home",
                "blocks": [
                    {"type": "header", "text": plain("Waiting for you")},
                    line(
                        "*checkout 1.4.2 → production* wants your go",
                        button("Go from Home", "home_go", style="primary"),
                    ),
                    {"type": "divider"},
                    {"type": "header", "text": plain("Live now")},
                    line("*payments 3.1.0* · T+24 h in 3 h 10 min"),
                ],
            },
        )

    @app.action("home_go")
    async def home_go(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_publish(
            user_id=body["user"]["id"], view={"type": "home", "blocks": [line("Nothing waits for you.")]}
        )
        await client.chat_postMessage(channel=body["user"]["id"], text="You said go.")

    @app.event("app_mention")
    async def mentioned(event: Any, say: Any) -> None:
        await say(
            f"<@{event['user']}> said: {event['text'].split('>', 1)[1].strip()}",
            thread_ts=event.get("thread_ts", event["ts"]),
        )

    @app.event("message")
    async def heard() -> None:
        return


def said(told: dict[str, Any]) -> str:
    """What was chosen, as a line that a test can look for."""
    values = [each for value in told.values() for each in (value if isinstance(value, list) else [value])]
    words = [str(each["value"]) if isinstance(each, dict) else str(each) for each in values]
    return ", ".join(words) or json.dumps(told)
