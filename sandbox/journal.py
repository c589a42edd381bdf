"""What was asked, what was answered, and what did the app do wrong?"""

from typing import Any

from sandbox.clock import Clock
from sandbox.feed import Feed
from sandbox.store import Store


class Journal:
    """The complete log; a finding is a sentence about something the app's author should look at."""

    def __init__(self, store: Store, clock: Clock, feed: Feed) -> None:
        self._store = store
        self._clock = clock
        self._feed = feed
        self.findings = store.count_findings()

    def write(
        self,
        kind: str,
        name: str,
        *,
        request: Any,
        response: Any,
        ms: int,
        user: str | None = None,
        findings: list[str] | None = None,
    ) -> None:
        entry: dict[str, Any] = {
            "at": self._clock.now().isoformat(),
            "kind": kind,
            "name": name,
            "user": user,
            "request": request,
            "response": response,
            "ms": ms,
            "findings": findings or [],
        }
        number = self._store.log(entry)
        if findings:
            self.findings += len(findings)
            self._feed.tell({"type": "finding", "entry": {"n": number} | entry})

    def reload(self) -> None:
        self.findings = self._store.count_findings()
