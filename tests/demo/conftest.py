"""What does a test of the small production have at hand?"""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "deployment" / "production"
sys.path.insert(0, str(SCRIPTS))

from tools.call import ask  # noqa: E402
from tools.edge import Answer, Edge  # noqa: E402

READY_WITHIN_S = 60
DONE_WITHIN_S = 180


@dataclass(frozen=True, kw_only=True)
class Done:
    code: int
    out: str


@dataclass(kw_only=True)
class Production:
    """A production of real processes, and what one can do to it."""

    home: Path
    process: subprocess.Popen[str] | None = None
    env: dict[str, str] = field(default_factory=dict)

    def start(self, *words: str, alone: bool = True) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo.production", "--home", self.home, *(["--alone"] if alone else []), *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=(self.home.parent / f"{self.home.name}.log").open("a"),
            text=True,
        )
        assert self.process.stdout
        said = [self.process.stdout.readline() for _ in range(2)]
        assert said[0] == f"production prepared {self.home / 'production.env'}\n"
        assert said[1].startswith("production ready https://checkout.acme.test:"), said
        self.env = {name: value or "" for name, value in dotenv_values(self.home / "production.env").items()}

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait(READY_WITHIN_S)
            if self.process.stdout:
                self.process.stdout.close()
            self.process = None

    def environment(self, **facts: str) -> dict[str, str]:
        """As T-Minus gives it: nothing but what is on the list."""
        told = {f"TMINUS_{name.upper()}": value for name, value in facts.items()}
        return {
            "PATH": os.environ["PATH"],
            "TMINUS_SERVICE": "checkout",
            "TMINUS_DEPLOYMENT": "checkout-1",
            "CHECKOUT_SETTLE_S": "0",
            # How quick the machine is decides nothing here.
            "CHECKOUT_DRAIN_S": "120",
            "CHECKOUT_HEALTHY_S": "120",
            **self.env,
            **told,
        }

    def knowing(self, *names: str) -> "Production":
        """The same production, asked by somebody who has only these of its settings."""
        return replace(self, env={name: self.env[name] for name in names})

    def script(self, name: str, *words: str, **facts: str) -> Done:
        done = subprocess.run(
            [f"deployment/production/{name}", *words],
            cwd=ROOT,
            env=self.environment(**facts),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DONE_WITHIN_S,
            check=False,
        )
        return Done(code=done.returncode, out=done.stdout)

    def succeed(self, name: str, *words: str, **facts: str) -> str:
        done = self.script(name, *words, **facts)
        assert done.code == 0, done.out
        return done.out

    def edge(self, hostname: str = "checkout.acme.test") -> Edge:
        return Edge(
            hostname=hostname,
            port=int(self.env["CHECKOUT_GATEWAY_PORT"]),
            address=self.env["CHECKOUT_GATEWAY_ADDRESS"],
            context=ssl.create_default_context(cafile=self.env["CHECKOUT_CA_FILE"]),
        )

    def get(self, path: str, **headers: str) -> Answer:
        return self.edge().ask("GET", path, **headers)

    def members(self) -> dict[str, dict[str, Any]]:
        status, answer = ask("GET", f"{self.env['CHECKOUT_ADMIN_URL']}/members", token=self.env["CHECKOUT_ADMIN_TOKEN"])
        assert status == 200
        return {member["name"]: member for member in answer["members"]}

    def versions(self) -> dict[str, str]:
        """What each member itself says that it runs."""
        return {name: ask("GET", f"{member['url']}/version")[1]["version"] for name, member in self.members().items()}

    def order(self, **more: str) -> Answer:
        """Buy an anvil through the gateway."""
        edge, key = self.edge(), {"X-Api-Key": self.env["CHECKOUT_API_KEY"]}
        cart = edge.ask("POST", "/api/carts", **key)
        if cart.status != 201:
            return cart
        edge.ask("PUT", f"/api/carts/{cart.json()['id']}/items/anvil", {"quantity": 1}, **key)
        return edge.ask("POST", f"/api/carts/{cart.json()['id']}/checkout", {"email": "road@acme.test", **more}, **key)


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    made = Production(home=tmp_path / "production")
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """One for all tests of a file that leave it as they found it: what runs, and what it remembers."""
    made = Production(home=tmp_path_factory.mktemp("production") / "production")
    try:
        made.start()
        yield made
    finally:
        made.stop()


class Customers:
    """An independent process that uses the shop through the gateway and counts what it did not get."""

    def __init__(self, production: Production) -> None:
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("customers.py")],
            env=production.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "shopping\n"

    def leave(self) -> dict[str, Any]:
        self.process.terminate()
        out, _ = self.process.communicate(timeout=READY_WITHIN_S)
        return json.loads(out)


@pytest.fixture
def customers(production: Production) -> Iterator[Customers]:
    came = Customers(production)
    yield came
    came.process.kill()
    came.process.communicate()
