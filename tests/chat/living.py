"""A chat in a process of its own, with the real store, so that it can be killed: python -m tests.chat.living DATABASE SLACK GRACE."""

import asyncio
import sys
from pathlib import Path

from bot.chat import SlackChat, make_client
from bot.model import Deployment, Projection, Wanted
from bot.schedule import SystemClock
from bot.store import Store, hash_of

CHANNEL = "C0SHIP"
LOG = Path(__file__)


def project(deployment: Deployment) -> Projection:
    """A card, a reply for each tick, a direct message for an ask, a file for a log."""
    messages = [Wanted(key="card", to=CHANNEL, in_thread=False, text=f"{deployment.id} {sorted(deployment.ticks)}")]
    for item, tick in deployment.ticks.items():
        ask = item.startswith("ask")
        messages.append(
            Wanted(
                key=item,
                to="U0ANA" if ask else CHANNEL,
                in_thread=not ask,
                text=f"{deployment.id} {item} {tick.note}",
                file=str(LOG) if item.startswith("log") else "",
                title="the log",
                urgent=ask,
            )
        )
    return Projection(messages=tuple(messages), wake_at=None)


async def main(database: str, slack: str, grace: str) -> None:
    store = await Store.open(database, SystemClock(), project=project)

    async def render(deployment: str, key: str) -> Wanted | None:
        return next((one for one in project(await store.get(deployment)).messages if one.key == key), None)

    async def render_home(user: str) -> dict:
        return {"type": "home", "blocks": []}

    client = make_client("xoxb-test", slack)
    chat = SlackChat(client, store.outbox, render, render_home, grace_s=float(grace), poll_s=0.05, hash_of=hash_of)
    await chat.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
