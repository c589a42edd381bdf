"""A real Prometheus over recorded series, and a real Alertmanager: `python -m tests.checks.monitoring` tells their versions.

Both come from Debian's packages. Where they are missing a test is skipped with that reason; in CI it fails with it.
"""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.checks.helpers import closed_port, needed

STEP_S = 15


Curve = Callable[[float], float]


def recorded(series: dict[str, Curve], *, now: float, hours: float = 2.0, ahead_s: float = 1800.0) -> Iterator[str]:
    """OpenMetrics: each series by its name and labels, as a function of the seconds from now."""
    for name, curve in series.items():
        bare = name.partition("{")[0]
        kind = "counter" if bare.endswith("_total") else "gauge"
        yield f"# TYPE {bare.removesuffix('_total') if kind == 'counter' else bare} {kind}\n"
        at = now - hours * 3600
        while at < now + ahead_s:
            yield f"{name} {curve(at - now)} {at:.3f}\n"
            at += STEP_S
    yield "# EOF\n"


@contextmanager
def prometheus(
    folder: Path, series: dict[str, Curve] | None = None, *, rules: str = "", alertmanager: str = "", scrape: str = ""
) -> Iterator[str]:
    """A Prometheus that knows these series already, evaluates these rules each second; gives its URL."""
    server = needed("prometheus")
    tool = needed("promtool")
    data = folder / "data"
    if series:
        text = folder / "series.om"
        text.write_text("".join(recorded(series, now=time.time())))
        subprocess.run([tool, "tsdb", "create-blocks-from", "openmetrics", text, data], check=True, capture_output=True)
    (folder / "rules.yaml").write_text(rules or "groups: []\n")
    config = folder / "prometheus.yaml"
    to = (
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n"
        if alertmanager
        else ""
    )
    config.write_text(
        f"global: {{evaluation_interval: 1s, scrape_interval: 1s}}\nrule_files: [rules.yaml]\n{to}{scrape}"
    )
    at = closed_port()
    flags = [f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address={at}"]
    with _running(
        [server, *flags, "--log.level=warn", "--rules.alert.resend-delay=1s"], f"http://{at}", folder / "prometheus.log"
    ):
        yield f"http://{at}"


@contextmanager
def alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """An Alertmanager whose only receiver is this webhook; gives its `host:port`."""
    server = needed("prometheus-alertmanager")
    config = folder / "alertmanager.yaml"
    config.write_text(
        "route: {receiver: bot, group_wait: 0s, group_interval: 1s, group_by: ['...']}\n"
        f"receivers: [{{name: bot, webhook_configs: [{{url: '{webhook}', send_resolved: false}}]}}]\n"
    )
    at = closed_port()
    flags = [f"--config.file={config}", f"--storage.path={folder / 'am'}", f"--web.listen-address={at}"]
    flags += ["--cluster.listen-address=", "--log.level=warn"]
    with _running([server, *flags], f"http://{at}", folder / "alertmanager.log"):
        yield at


@contextmanager
def _running(command: Iterable[object], url: str, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen([str(one) for one in command], stdout=out, stderr=out)
    try:
        _wait_until_ready(url, process, log)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"{url} is not ready: {log.read_text()[-2000:]}")


if __name__ == "__main__":
    for one in ("prometheus", "prometheus-alertmanager"):
        print(subprocess.run([one, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0])
