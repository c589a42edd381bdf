"""How is Slack's Web API called: once, within the budget, with an answer that says what became of it?"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.chat.answers import Fate, Trouble, understand
from bot.chat.budget import Budget
from bot.errors import Unreachable

log = logging.getLogger(__name__)

#: The look-up grace (30 s) has to be longer than this.
TIMEOUT_S = 15

#: How often a call that may safely be repeated is repeated, and how long the first pause is.
_TRIES, _PAUSE_S = 3, 0.5

#: Somebody waits for the answer; longer than this nobody does.
_PATIENCE_S = 20.0


def make_client(token: str, base_url: str = "https://slack.com/api/") -> AsyncWebClient:
    """A client that never repeats a call by itself: slack_sdk's default would post twice when only the answer was lost."""
    return AsyncWebClient(
        token=token,
        base_url=base_url if base_url.endswith("/") else f"{base_url}/",
        timeout=TIMEOUT_S,
        retry_handlers=[],
    )


class Calls:
    """The client and its budget."""

    def __init__(self, client: AsyncWebClient, budget: Budget, now: Callable[[], float]) -> None:
        self.client = client
        self.budget = budget
        self.now = now
        #: What the token may do, as Slack said with its last answer.
        self.scopes: frozenset[str] = frozenset()
        #: How often each method came to what.
        self.outcomes: Counter[tuple[str, str]] = Counter()

    async def once(self, method: str, /, *, paid_as: str | None = None, **arguments: Any) -> dict[str, Any]:
        """Call now. Raises Trouble unless Slack said yes.

        `paid_as`: the budget was asked before, under the name of this channel or person.
        """
        channel = paid_as if paid_as is not None else str(arguments.get("channel", ""))
        if paid_as is None:
            self.budget.take(method, self.now(), channel=channel)
        try:
            answer: AsyncSlackResponse = await getattr(self.client, method.replace(".", "_"))(**arguments)
        except Exception as problem:  # the boundary to slack_sdk and the network
            trouble = understand(method, problem)
            self.outcomes[method, trouble.code] += 1
            if trouble.wait_s:
                self.budget.hold(method, self.now(), trouble.wait_s, channel=channel)
            raise trouble from problem
        self.outcomes[method, "ok"] += 1
        granted = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), "")
        self.scopes = frozenset(scope.strip() for scope in granted.split(",") if scope.strip()) or self.scopes
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    async def repeatable(self, method: str, /, **arguments: Any) -> dict[str, Any]:
        """A call that may be repeated (it reads, or it replaces): wait for the budget, try again when Slack is silent."""
        until = self.now() + _PATIENCE_S
        for tried in range(1, _TRIES + 1):
            if (wait_s := self.budget.wait(method, self.now(), channel=arguments.get("channel", ""))) > 0:
                if self.now() + wait_s > until:
                    raise Unreachable(f"Slack allows no more {method} for {wait_s:.0f} s; try again after that.")
                await asyncio.sleep(wait_s)
            try:
                return await self.once(method, **arguments)
            except Trouble as trouble:
                if trouble.fate in {Fate.GONE, Fate.NEVER}:
                    raise
                if not trouble.passes:
                    raise Unreachable(
                        f"Slack does not let T-Minus in ({trouble}); see python -m bot doctor."
                    ) from trouble
                log.warning("Slack did not answer", extra={"method": method, "code": trouble.code, "tried": tried})
                if tried == _TRIES or self.now() > until:
                    raise Unreachable(f"Slack did not answer ({trouble}); try again in a minute.") from trouble
                await asyncio.sleep(0 if trouble.wait_s else _PAUSE_S * 2**tried)
        raise AssertionError("unreachable: the last try returns or raises")

    async def pages(self, method: str, /, field: str, **arguments: Any) -> AsyncIterator[dict[str, Any]]:
        """Every entry of a listing, page after page."""
        cursor = ""
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = await self.repeatable(method, **arguments, **more)
            for entry in answer.get(field) or []:
                yield entry
            if not (cursor := (answer.get("response_metadata") or {}).get("next_cursor") or ""):
                return
