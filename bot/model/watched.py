"""What is a prober told, and what has it seen?"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class WatchSpec:
    """What one prober process does until it is told to stop."""

    id: str
    host: str
    url: str
    addresses: tuple[str, ...] = ()
    ca_file: str = ""
    rate: float = 20.0
    timeout_s: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Window:
    """Numbers over a stretch of probes. Latencies in seconds; `None` where there was nothing to measure."""

    probes: int = 0
    lost: int = 0
    errors: int = 0
    longest_gap_s: float = 0.0
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    lag_p95_s: float | None = None
    #: So long nobody probed: neither good nor lost.
    not_measured_s: float = 0.0
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WatchReport:
    """What the prober saw so far; each report replaces the one before."""

    id: str
    alive: bool
    #: Before the deploy script started; frozen when it starts.
    baseline: Window
    #: From the start of the deploy script on.
    since: Window
    #: The same, frozen when it goes live or begins to go back.
    during: Window = Window()
    #: The last ten seconds.
    recent: Window
    #: The last five hundred probes since the deploy script started.
    lately: Window = Window()
    #: Seconds for which every address has failed, up to now.
    down_s: float = 0.0
    last_error: str = ""
    problem: str = ""

    @property
    def until_live(self) -> Window:
        """What the deployment itself cost: the one number that the thread, its picture and the announcement tell."""
        return self.during if self.during.probes else self.since
