"""Would anybody be told if something went wrong?"""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pydantic import Field, model_validator

from bot.check import Context, check
from bot.errors import Cannot, Unreachable
from bot.judge import duration
from bot.model import Measured, Row, Value
from checks.api import ask, server_time
from checks.metrics import names_in
from checks.pick import age
from checks.prometheus import Prometheus, instant
from checks.roundtrip import Heard, heard_on_a_ping, heard_on_a_port
from checks.units import Duration

#: A rule that was not evaluated for so many of its intervals is asleep.
INTERVALS = 2
#: Prometheus evaluates groups a little apart; a second or two late is not asleep.
SLACK_S = 5.0


class Params(Prometheus):
    """Which alerts have to be there, and how an alert gets to people."""

    url: str = Field(default="", description="Address of Prometheus, up to `/api/v1`; needed for `rules` and `jobs`.")
    rules: list[str] = Field(default=[], description="Names of alerting rules that must be loaded and awake.")
    jobs: list[str] = Field(
        default=[], description="Scrape jobs, such as an exporter's, all of whose targets must be up."
    )
    alertmanager: str = Field(default="", description="Address of Alertmanager, up to `/api/v2`.")
    matchers: list[str] = Field(
        default=[],
        description='Which alerts count as `firing`: `service="checkout"`; empty: all but those that always fire.',
    )
    watchdog: str = Field(default="Watchdog", description="Name of the alert that always fires; it is never counted.")
    listen: str = Field(
        default="",
        description="`host:port` of a webhook receiver in Alertmanager's configuration: a synthetic alert is sent, "
        "and must arrive there. The check listens only while it is measured.",
    )
    ping_key: str = Field(
        default="", description="The same over `/ping/KEY` of the bot, for a receiver that points there: `{env: NAME}`."
    )
    labels: dict[str, str] = Field(
        default={}, description="Labels of the synthetic alert, by which Alertmanager routes it: `{severity: none}`."
    )
    wait: Duration = Field(
        default=120.0, description="How long the synthetic alert may take; `timeout` must be longer."
    )

    @model_validator(mode="after")
    def _something_to_ask(self) -> "Params":
        if (self.rules or self.jobs) and not self.url:
            raise ValueError("'rules' and 'jobs' are looked up in Prometheus; give its 'url'")
        if (self.listen or self.ping_key or self.matchers) and not self.alertmanager:
            raise ValueError(
                "'listen', 'ping_key' and 'matchers' are about Alertmanager; give its address as 'alertmanager'"
            )
        if self.listen and self.ping_key:
            raise ValueError("name 'listen' or 'ping_key', not both")
        if not (self.rules or self.jobs or self.alertmanager):
            raise ValueError("name 'rules', 'jobs' or an 'alertmanager'")
        return self


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one look at one thing gave."""

    values: Mapping[str, Value]
    rows: Sequence[Row] = ()
    #: What is wrong, in words.
    wrong: Sequence[str] = ()
    good: str = ""


@check(
    "alerts",
    needs={"net"},
    values={
        "broken": "how many of all these things are wrong: what the other values count, and a round trip that did not end",
        "missing": "how many of the rules are not loaded",
        "unhealthy": "how many of them Prometheus cannot evaluate",
        "asleep": f"how many were not evaluated within {INTERVALS} of their intervals",
        "blind": "how many look at a metric that does not exist, and so never fire",
        "down": "how many of the jobs have a target that is down, or none",
        "unconnected": "Prometheus knows no Alertmanager to tell; 0 or 1",
        "firing": "how many alerts fire now, silenced ones left out",
        "silenced": "how many fire and are silenced",
        "round_trip": "seconds until the synthetic alert arrived; missing when it did not",
    },
    pass_=["broken == 0"],
)
async def alerts(params: Params, ctx: Context) -> Measured:
    """Look up alerting rules and exporters in Prometheus, ask Alertmanager, and send a synthetic alert on its way.

    A rule over a metric that does not exist is loaded, healthy, and will never fire; so each metric is looked up.
    The synthetic alert is named TMinusRoundTrip and is resolved as soon as it arrived.

    Why: Monitoring that is broken is silent, and silence looks like health.
    Fix: The evidence names the rule, the job or the part of the way on which the alert got lost.
    """
    looks = [_rules(params, ctx)] if params.rules else []
    looks += [_jobs(params, ctx)] if params.jobs else []
    looks += [_connected(params, ctx)] if params.rules and params.alertmanager else []
    looks += [_firing(params, ctx)] if params.alertmanager else []
    looks += [_round_trip(params, ctx)] if params.listen or params.ping_key else []
    seen = await asyncio.gather(*looks)
    wrong = [sentence for one in seen for sentence in one.wrong]
    values = {name: value for one in seen for name, value in one.values.items()}
    good = ", ".join(one.good for one in seen if one.good)
    return Measured(
        values={"broken": len(wrong), **values},
        rows=tuple(row for one in seen for row in one.rows),
        summary="; ".join(wrong[:3]) + (f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else "") if wrong else good,  # noqa: PLR2004 - three fit on a line
    )


# ── Prometheus ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def _rules(params: Params, ctx: Context) -> Seen:
    document, answer = await ask(params, ctx, f"{params.url.rstrip('/')}/api/v1/rules?type=alert")
    now = server_time(answer, ctx.clock.now())
    loaded = {rule["name"]: (rule, group) for rule, group in _loaded(document)}
    known = {name: await _exists(params, ctx, name) for name in _metrics(params.rules, loaded)}
    counts: dict[str, int] = dict.fromkeys(("missing", "unhealthy", "asleep", "blind"), 0)
    rows: list[Row] = []
    wrong: list[str] = []
    for name in params.rules:
        kind, sentence = _judged(loaded.get(name), known, now)
        if kind:
            counts[kind] += 1
            wrong.append(f"the rule {name} {sentence}")
        rows.append(
            Row(
                subject=name,
                values={"health": loaded[name][0].get("health", "")} if name in loaded else {},
                note=sentence,
            )
        )
    return Seen(values={**counts}, rows=rows, wrong=wrong, good=f"{len(params.rules)} rules loaded and awake")


def _loaded(document: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    try:
        for group in document["data"]["groups"]:
            for rule in group["rules"]:
                if rule.get("type", "alerting") == "alerting" and rule["name"]:
                    yield rule, group
    except (KeyError, TypeError, AttributeError) as error:
        raise Cannot("Prometheus does not answer with rules; is the address right?") from error


def _metrics(wanted: Sequence[str], loaded: Mapping[str, Any]) -> list[str]:
    return sorted({name for rule in wanted if rule in loaded for name in names_in(loaded[rule][0].get("query", ""))})


async def _exists(params: Params, ctx: Context, metric: str) -> bool:
    return bool(await instant(params, ctx, f'count({{__name__="{metric}"}})'))


def _judged(
    found: tuple[dict[str, Any], dict[str, Any]] | None, known: Mapping[str, bool], now: datetime
) -> tuple[str, str]:
    """Which count it belongs to and why; nothing when it is well."""
    if found is None:
        return "missing", "is not loaded"
    rule, group = found
    if rule.get("health") != "ok":
        why = " ".join(str(rule.get("lastError", "")).split())
        return "unhealthy", f"cannot be evaluated{f': {why}' if why else ''}"
    since = age(rule.get("lastEvaluation"), now)
    interval = float(group.get("interval") or 60)
    if since is None or since > INTERVALS * interval + SLACK_S:
        when = "never" if since is None or since > 10 * 365 * 86400 else f"{duration(round(since))} ago"
        return "asleep", f"was evaluated {when}, though it is due every {duration(interval)}"
    absent = [name for name in names_in(rule.get("query", "")) if not known[name]]
    if absent:
        return "blind", f"looks at {absent[0]}, which does not exist"
    return "", ""


async def _jobs(params: Params, ctx: Context) -> Seen:
    rows: list[Row] = []
    wrong: list[str] = []
    for job in params.jobs:
        series = await instant(params, ctx, f"up{{job={json.dumps(job)}}}")
        down = [one for one in series if one.value != 1]
        note = "has no target" if not series else f"has {len(down)} of {len(series)} targets down" if down else ""
        rows.append(Row(subject=f"job {job}", values={"targets": len(series), "down": len(down)}, note=note))
        if note:
            wrong.append(f"the job {job} {note}")
    return Seen(values={"down": len(wrong)}, rows=rows, wrong=wrong, good=f"{len(params.jobs)} jobs up")


async def _connected(params: Params, ctx: Context) -> Seen:
    document, _ = await ask(params, ctx, f"{params.url.rstrip('/')}/api/v1/alertmanagers")
    try:
        active = document["data"]["activeAlertmanagers"]
    except (KeyError, TypeError) as error:
        raise Cannot("Prometheus does not say which Alertmanagers it tells; is the address right?") from error
    wrong = [] if active else ["Prometheus knows no Alertmanager to tell"]
    return Seen(values={"unconnected": len(wrong)}, wrong=wrong)


# ── Alertmanager ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _firing(params: Params, ctx: Context) -> Seen:
    filters = [*params.matchers, f'alertname!="{params.watchdog}"', f'alertname!="{ROUND_TRIP}"']
    query = urlencode(
        [("active", "true"), ("silenced", "true"), ("inhibited", "false"), *(("filter", one) for one in filters)]
    )
    found, _ = await ask(params, ctx, f"{params.alertmanager.rstrip('/')}/api/v2/alerts?{query}")
    if not isinstance(found, list):
        raise Cannot("Alertmanager does not answer with alerts; is the address right?")
    silenced = [one for one in found if one.get("status", {}).get("state") == "suppressed"]
    firing = [one for one in found if one not in silenced]
    names = sorted({str(one.get("labels", {}).get("alertname", "")) for one in firing})
    rows = [
        Row(
            subject=str(one.get("labels", {}).get("alertname", "")),
            note=f"fires since {one.get('startsAt', '')}" + (", silenced" if one in silenced else ""),
        )
        for one in found
    ]
    good = f"firing: {', '.join(names[:3])}" if names else "nothing fires"
    return Seen(values={"firing": len(firing), "silenced": len(silenced)}, rows=rows, good=good)


ROUND_TRIP = "TMinusRoundTrip"


async def _round_trip(params: Params, ctx: Context) -> Seen:
    """Send an alert with a word that nobody else knows, and wait until that word arrives."""
    word = f"t-minus-{secrets.token_hex(8)}"
    heard: Heard
    heard = heard_on_a_port(params.listen, word) if params.listen else heard_on_a_ping(ctx.pings, params.ping_key, word)
    async with heard as arrived:
        begun = time.monotonic()
        await _post(params, ctx, word, ends_in=timedelta(seconds=params.wait + 60))
        try:
            async with asyncio.timeout(min(params.wait, max(ctx.left() - 1.0, 0.1))):
                await arrived.wait()
        except TimeoutError:
            waited = time.monotonic() - begun
            if waited < params.wait - 1:
                raise Unreachable(
                    f"The synthetic alert did not arrive within {duration(round(waited))}, and 'timeout' allows no more."
                ) from None
            note = f"did not arrive within {duration(params.wait)}"
            return Seen(values={}, rows=[Row(subject=ROUND_TRIP, note=note)], wrong=[f"the synthetic alert {note}"])
        finally:
            # It is over, whether it arrived or not; nobody should find it in the list tomorrow.
            await _post(params, ctx, word, ends_in=timedelta(0))
        took = time.monotonic() - begun
    row = Row(subject=ROUND_TRIP, values={"round_trip": took}, note=f"arrived after {duration(took)}")
    return Seen(values={"round_trip": took}, rows=[row], good=f"a synthetic alert arrived after {duration(took)}")


async def _post(params: Params, ctx: Context, word: str, *, ends_in: timedelta) -> None:
    """The machine's own time: Alertmanager lives by that, whatever clock people follow."""
    now = datetime.now(UTC)
    alert = {
        "labels": {**params.labels, "alertname": ROUND_TRIP, "t_minus": word},
        "annotations": {"summary": "T-Minus asks whether alerts arrive. There is nothing to do."},
        "startsAt": (now - timedelta(seconds=1)).isoformat(),
        "endsAt": (now + ends_in).isoformat(),
    }
    url = f"{params.alertmanager.rstrip('/')}/api/v2/alerts"
    headers = {"Content-Type": "application/json"}
    await ask(params, ctx, url, method="POST", headers=headers, content=json.dumps([alert]).encode())
