"""What does Prometheus' blackbox exporter say of a probe?"""

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from functools import partial

from tests.checks.helpers import needed
from tests.referees.serving import answers, free_ports


def http(ca_file, *, text):
    """Told everything that it can be told: the status, a text that must be there, no redirects."""
    asked = {
        "valid_status_codes": [200],
        "follow_redirects": False,
        "fail_if_body_not_matches_regexp": [re.escape(text)],
        "preferred_ip_protocol": "ip4",
        "tls_config": {"ca_file": ca_file},
    }
    return {"prober": "http", "timeout": "30s", "http": asked}


def tls(ca_file, name):
    asked = {"tls": True, "tls_config": {"ca_file": ca_file, "server_name": name}}
    return {"prober": "tcp", "timeout": "30s", "tcp": asked}


def dns(name, expected):
    every = "|".join(re.escape(one) for one in expected)
    asked = {
        "query_name": name,
        "query_type": "A",
        "preferred_ip_protocol": "ip4",
        # Each answer has to be one of these, and an alias on the way there is none of them.
        "validate_answer_rrs": {"fail_if_not_matches_regexp": [rf"\tA\t({every})$|\tCNAME\t"]},
    }
    return {"prober": "dns", "timeout": "5s", "dns": asked}


@contextmanager
def exporter(folder, modules):
    """The exporter, running; it is asked with `probe(module, target, name)`, and answers in metrics."""
    configuration = folder / "blackbox.yml"
    configuration.write_text(json.dumps({"modules": modules}))
    program = needed("prometheus-blackbox-exporter")
    for _ in range(5):
        port = free_ports(1)[0]
        words = [f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        process = subprocess.Popen([program, *words], stderr=subprocess.DEVNULL)
        try:
            if answers(process, [f"127.0.0.1:{port}"]):
                yield partial(_probe, port)
                return
        finally:
            process.terminate()
            process.wait(30)
    raise AssertionError("the blackbox exporter does not start")


def _probe(port, module, target, name=""):
    query = urllib.parse.urlencode({"module": module, "target": target, **({"hostname": name} if name else {})})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/probe?{query}", timeout=60) as answer:
        text = answer.read().decode()
    return {metric: float(value) for metric, value in re.findall(r"^(probe_\w+) (\S+)$", text, re.MULTILINE)}


def certificate(probe, one):
    """Whether the chain is trusted, and when the first certificate of it ends."""
    seen = probe(one.name, one.at)
    ends = seen.get("probe_ssl_earliest_cert_expiry")
    good = bool(seen["probe_success"])
    return {"verified": good, **({"days_left": (ends - time.time()) / 86400} if good else {})}
