"""What does the bot tell a monitoring system: what is under way, and does it keep up?"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import __version__
from bot.errors import Unreachable
from bot.model import Phase, RunState, Verdict
from bot.store import Store
from bot.web import healthz, listening

#: How often Slack answered what: by method and outcome.
Outcomes = Mapping[tuple[str, str], int]


class _Read(Collector):
    """What was read already, for a library that asks while it writes."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


async def text(store: Store, outcomes: Outcomes, now: datetime) -> bytes:
    """Everything as it is now, in Prometheus' text format."""
    counted = await store.counted()
    under_way = await store.unsettled()
    owed = [one for one in await store.outbox.owed() if one.deployment]
    verdicts = Counter(finding.verdict for one in under_way if not one.over for finding in one.findings.values())
    since = min((one.dirty_at for one in owed if one.dirty_at), default=now)
    scripts = sum(run.report.state is RunState.RUNNING for one in under_way for run in one.runs)
    probed = {one.id: one.watch.recent.to_at for one in under_way if one.watch and one.watch.alive}

    deployments = GaugeMetricFamily("tminus_deployments", "Deployments in each phase.", labels=["phase"])
    for phase in Phase:
        deployments.add_metric([phase], counted.phases.get(phase, 0))
    checks = GaugeMetricFamily("tminus_checks", "Newest verdicts of the deployments under way.", labels=["verdict"])
    for verdict in Verdict:
        checks.add_metric([verdict], verdicts[verdict])
    probes = GaugeMetricFamily(
        "tminus_watch_last_probe_age_seconds", "Since the last probe of a running watch.", labels=["deployment"]
    )
    for deployment, at in probed.items():
        if at is not None:
            probes.add_metric([deployment], max(0.0, (now - at).total_seconds()))
    calls = CounterMetricFamily("tminus_slack_calls", "Slack's answers.", labels=["method", "outcome"])
    for of, times in outcomes.items():
        calls.add_metric(of, times)
    metrics = (
        InfoMetricFamily("tminus_build", "Which T-Minus this is.", {"version": __version__}),
        deployments,
        checks,
        GaugeMetricFamily("tminus_messages_owed", "Messages that do not stand in Slack as wanted.", len(owed)),
        GaugeMetricFamily(
            "tminus_oldest_owed_message_age_seconds",
            "For how long the oldest of them has been owed; 0: none is.",
            max(0.0, (now - since).total_seconds()),
        ),
        GaugeMetricFamily("tminus_scripts_running", "Scripts that run now.", scripts),
        GaugeMetricFamily("tminus_reminders_shown", "Reminders that stand in Slack.", counted.reminders),
        calls,
        probes,
    )
    registry = CollectorRegistry()
    registry.register(_Read(metrics))
    return generate_latest(registry)


def observed(tell: Callable[[], Awaitable[bytes]]) -> Starlette:
    """`/metrics` and `/healthz`, for whoever watches the bot from inside the company."""

    async def metrics(_: Request) -> Response:
        try:
            return Response(await tell(), media_type=CONTENT_TYPE_LATEST)
        except Unreachable as problem:
            return PlainTextResponse(str(problem), status_code=503)

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", healthz)])


def serving(tell: Callable[[], Awaitable[bytes]], listen: str) -> AbstractAsyncContextManager[int]:
    """Listen on HOST:PORT while inside; gives the port."""
    return listening(observed(tell), listen, "TMINUS_METRICS")
