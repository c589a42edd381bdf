"""How many requests does a shop full of customers lose? Runs until SIGTERM, then prints the count as JSON.

Some come anew for each request, one keeps its connection, one buys. Anything but the answer that was asked for is a loss.
"""

import http.client
import itertools
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deployment" / "production"))

from tools.edge import edge, files_of

gateway = edge()
closing = threading.Event()
lock = threading.Lock()
answered: Counter[str] = Counter()
losses: list[str] = []
seconds: list[float] = []


# People look at a page before they press; without it, four of them keep a small machine from doing anything else.
LOOKING_S = float(os.environ.get("LOOKING_S", "0.15"))


def note(kind: str, why: str, took: float) -> None:
    closing.wait(LOOKING_S)
    with lock:
        answered[kind] += 1
        seconds.append(took)
        if why:
            losses.append(f"{kind}: {why}")


def attempt(kind: str, method: str, path: str, expected: int, body: object = None) -> dict[str, object]:
    began = time.monotonic()
    try:
        answer = gateway.ask(method, path, body)
        why = "" if answer.status == expected else f"{method} {path} answered {answer.status}"
        return answer.json() if not why and "json" in answer.headers.get("content-type", "") else {}
    except (OSError, ValueError) as error:
        why = f"{method} {path}: {error!r}"
        return {}
    finally:
        note(kind, why, time.monotonic() - began)


def looking() -> None:
    """A page, then the files that this very page names: they have to be there whichever member is asked."""
    for turn in itertools.cycle(range(4)):
        if closing.is_set():
            return
        if turn:
            attempt("read", "GET", ("/healthz", "/version", "/api/products")[turn - 1], 200)
            continue
        try:
            page = gateway.ask("GET", "/")
            note("page", "" if page.status == 200 else f"answered {page.status}", page.seconds)
        except OSError as error:
            note("page", repr(error), 0)
            continue
        for path, _ in files_of(page.body.decode()):
            attempt("file", "GET", path, 200)


def staying() -> None:
    connection = http.client.HTTPSConnection(gateway.hostname, gateway.port, timeout=10, context=gateway.context)
    raw = socket.create_connection((gateway.address, gateway.port), 10)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sock = gateway.context.wrap_socket(raw, server_hostname=gateway.hostname)
    while not closing.is_set():
        began = time.monotonic()
        try:
            connection.request("GET", "/version")
            answer = connection.getresponse()
            answer.read()
            note("kept", "" if answer.status == 200 else f"answered {answer.status}", time.monotonic() - began)
        except (OSError, http.client.HTTPException) as error:
            note("kept", repr(error), 0)
            return
    connection.close()


def buying() -> None:
    while not closing.is_set():
        cart = attempt("buy", "POST", "/api/carts", 201).get("id")
        if cart and attempt("buy", "PUT", f"/api/carts/{cart}/items/rope", 200, {"quantity": 2}):
            attempt("buy", "POST", f"/api/carts/{cart}/checkout", 201, {"email": "load@acme.test"})


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else 0.0


signal.signal(signal.SIGTERM, lambda *_: closing.set())
threads = [threading.Thread(target=each) for each in (looking, looking, staying, buying)]
for thread in threads:
    thread.start()
print("shopping", flush=True)
for thread in threads:
    while thread.is_alive():
        # A wait without an end would keep the signal's handler from running.
        thread.join(0.1)
print(
    json.dumps(
        {
            "requests": sum(answered.values()),
            "kinds": answered,
            "lost": len(losses),
            "losses": losses[:10],
            "p95": p95(seconds),
        }
    )
)
