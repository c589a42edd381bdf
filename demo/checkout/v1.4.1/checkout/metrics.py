"""How many requests were answered, how, and how long did they take?"""

import threading
from collections import Counter

_lock = threading.Lock()
_answers: Counter[int] = Counter()
_seconds = 0.0


def observe(status: int, seconds: float) -> None:
    global _seconds
    with _lock:
        _answers[status] += 1
        _seconds += seconds


def text() -> str:
    """The Prometheus text format."""
    with _lock:
        lines = ["# TYPE http_requests_total counter"]
        lines += [f'http_requests_total{{code="{status}"}} {count}' for status, count in sorted(_answers.items())]
        lines += ["# TYPE http_request_seconds_total counter", f"http_request_seconds_total {_seconds:.6f}"]
    return "\n".join(lines) + "\n"
