"""A first app as newcomers to slack-bolt write it: it answers a greeting with a button. Where Slack is comes from the environment."""

import os
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

client = WebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ.get("SLACK_API_URL", WebClient.BASE_URL))
app = App(client=client)


@app.message("hello")
def greet(message: dict[str, Any], say: Any) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Press me"}, "action_id": "pressed"}
    text = f"Good day, <@{message['user']}>."
    say(
        blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": text}, "accessory": button}],
        text=text,
    )


@app.action("pressed")
def pressed(body: dict[str, Any], ack: Any, say: Any) -> None:
    ack()
    say(f"<@{body['user']['id']}> pressed it.")


if __name__ == "__main__":
    SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start()
