"""How does Slack say no to a call?"""

from typing import Any


class Refusal(Exception):
    """An answer with `ok: false`, Slack's error name and, where Slack gives them, the details."""

    def __init__(
        self,
        error: str,
        *,
        messages: list[str] | None = None,
        status: int = 200,
        retry_after: int | None = None,
        injected: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages
        self.status = status
        self.retry_after = retry_after
        self.injected = injected  # a fault that was asked for, and no mistake of the app
        self.more = more

    def as_data(self) -> dict[str, Any]:
        told = {"ok": False, "error": self.error, **self.more}
        if self.retry_after is not None:
            told["retry_after"] = self.retry_after
        if self.messages is not None:
            told["response_metadata"] = {"messages": self.messages}
        return told
