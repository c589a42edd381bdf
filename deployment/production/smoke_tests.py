#!/usr/bin/env python3
"""Can a customer do what the shop lives on: look, fill a cart, order, see the order?

smoke_tests.py [--junitxml FILE] [--expect VERSION | --previous] [--brief]

--brief prints one line, as monitoring and checks read it. The JUnit report is written to FILE, else to
CHECKOUT_REPORTS/TMINUS_COMMIT/smoke.xml where both are set; one of an earlier run is taken away first. Exit 0: all passed. 1: something failed. 3: it could not begin (not configured). Orders it places are for smoke@acme.test,
which the figures of the business leave out.

From the environment: CHECKOUT_URL, CHECKOUT_GATEWAY_ADDRESS, CHECKOUT_CA_FILE, CHECKOUT_API_KEY, CHECKOUT_ALLOWED_ORIGIN,
TMINUS_VERSION, TMINUS_PREVIOUS_VERSION   as in health_verify.py
CHECKOUT_REPORTS, TMINUS_COMMIT           where the report goes, and which commit it is about
"""

import argparse
import base64
import hashlib
import os
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tools.edge import Answer, Edge, edge, files_of

HEADERS = ("strict-transport-security", "content-security-policy", "x-content-type-options", "referrer-policy")


class FailedError(Exception):
    """What was expected and what was seen."""


@dataclass
class Visit:
    """What one customer has seen so far; later steps build on it."""

    gateway: Edge
    expected: str
    seen: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        if name not in self.seen:
            raise FailedError(f"there is no {name} to go on with")
        return self.seen[name]

    def ask(self, status: int, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        answer = self.gateway.ask(method, path, body, **headers)
        if answer.status != status:
            raise FailedError(
                f"{method} {path} answered {answer.status}, expected {status}: {answer.body[:120].decode(errors='replace')}"
            )
        return answer


def same(what: str, seen: object, expected: object) -> None:
    if seen != expected:
        raise FailedError(f"{what} is {seen!r}, expected {expected!r}")


def the_page_opens(visit: Visit) -> None:
    visit.seen["page"] = visit.ask(200, "GET", "/").body.decode()
    same("a list of products on the page", 'id="products"' in visit.seen["page"], True)


def its_files_load_and_are_intact(visit: Visit) -> None:
    files = files_of(visit.get("page"))
    same("the page has files", bool(files), True)
    for path, integrity in files:
        answer = visit.ask(200, "GET", path)
        method, _, digest = integrity.partition("-")
        same(f"the integrity of {path}", base64.b64encode(hashlib.new(method, answer.body).digest()).decode(), digest)
        kind = "javascript" if path.endswith(".js") else "css"
        same(f"the kind of {path}", kind in answer.headers.get("content-type", ""), True)


def the_version_is_the_expected_one(visit: Visit) -> None:
    seen = visit.ask(200, "GET", "/version").json()["version"]
    if visit.expected:
        same("the version", seen, visit.expected)


def the_service_is_well(visit: Visit) -> None:
    same("the health", visit.ask(200, "GET", "/healthz").json()["status"], "ok")


def the_api_answers(visit: Visit) -> None:
    same("the ping", visit.ask(200, "GET", "/api/ping").json(), {"pong": True})


def products_are_listed(visit: Visit) -> None:
    visit.seen["products"] = visit.ask(200, "GET", "/api/products").json()["products"]
    same("two products at least", len(visit.seen["products"]) >= 2, True)


def a_cart_is_made(visit: Visit) -> None:
    visit.seen["cart"] = visit.ask(201, "POST", "/api/carts").json()["id"]


def products_go_into_the_cart(visit: Visit) -> None:
    first, second = visit.get("products")[:2]
    for product, quantity in ((first, 2), (second, 1)):
        cart = visit.ask(
            200, "PUT", f"/api/carts/{visit.get('cart')}/items/{product['sku']}", {"quantity": quantity}
        ).json()
    visit.seen["total"] = round(first["price"] * 2 + second["price"], 2)
    same("the total of the cart", cart["total"], visit.seen["total"])


def an_impossible_quantity_is_refused(visit: Visit) -> None:
    sku = visit.get("products")[0]["sku"]
    visit.ask(422, "PUT", f"/api/carts/{visit.get('cart')}/items/{sku}", {"quantity": -1})


def the_cart_is_ordered(visit: Visit) -> None:
    visit.seen["order"] = visit.ask(
        201, "POST", f"/api/carts/{visit.get('cart')}/checkout", {"email": "smoke@acme.test"}
    ).json()
    same("the total of the order", visit.seen["order"]["total"], visit.get("total"))


def the_order_is_seen_by_every_member(visit: Visit) -> None:
    for _ in range(4):
        same("the order", visit.ask(200, "GET", f"/api/orders/{visit.get('order')['id']}").json(), visit.get("order"))


def nothing_is_ordered_twice(visit: Visit) -> None:
    visit.get("order")
    visit.ask(409, "POST", f"/api/carts/{visit.get('cart')}/checkout", {"email": "smoke@acme.test"})


def what_is_not_there_is_a_404_with_all_headers(visit: Visit) -> None:
    answer = visit.ask(404, "GET", "/no-such-page")
    same("missing headers", [name for name in HEADERS if name not in answer.headers], [])


def only_the_shop_may_read_the_api(visit: Visit) -> None:
    allowed = os.environ.get("CHECKOUT_ALLOWED_ORIGIN", "")
    stranger = visit.ask(200, "GET", "/api/ping", Origin="https://stranger.example")
    same("what a stranger is allowed", stranger.headers.get("access-control-allow-origin"), None)
    if allowed:
        answer = visit.ask(200, "GET", "/api/ping", Origin=allowed)
        same("what the shop is allowed", answer.headers.get("access-control-allow-origin"), allowed)


TESTS: tuple[Callable[[Visit], None], ...] = (
    the_page_opens,
    its_files_load_and_are_intact,
    the_version_is_the_expected_one,
    the_service_is_well,
    the_api_answers,
    products_are_listed,
    a_cart_is_made,
    products_go_into_the_cart,
    an_impossible_quantity_is_refused,
    the_cart_is_ordered,
    the_order_is_seen_by_every_member,
    nothing_is_ordered_twice,
    what_is_not_there_is_a_404_with_all_headers,
    only_the_shop_may_read_the_api,
)


def run(visit: Visit, *, brief: bool = False) -> list[tuple[str, float, str]]:
    results: list[tuple[str, float, str]] = []
    for number, test in enumerate(TESTS, start=1):
        name = test.__name__.replace("_", " ")
        if not brief:
            print(f"::progress {number}/{len(TESTS)} {name}", flush=True)
        began, why = time.monotonic(), ""
        try:
            test(visit)
        except (FailedError, OSError, ValueError, LookupError, TypeError) as error:
            why = str(error) or repr(error)
        results.append((name, time.monotonic() - began, why))
        if why and not brief:
            print(f"::error::{name}: {why}", flush=True)
    return results


def place(asked: argparse.Namespace) -> Path | None:
    """Where the report goes; what is looked at besides a deployment, or of the version before, is not its report."""
    reports, commit = os.environ.get("CHECKOUT_REPORTS"), os.environ.get("TMINUS_COMMIT")
    beside = asked.brief or asked.previous or not (reports and commit)
    return asked.junitxml or (None if beside else Path(str(reports)) / str(commit) / "smoke.xml")


def write(report: Path, results: list[tuple[str, float, str]], commit: str) -> None:
    """Whole, or not at all: half a report is read as none."""
    report.parent.mkdir(parents=True, exist_ok=True)
    new = report.with_name(f"{report.name}.new")
    junit(results, commit).write(new, encoding="utf-8", xml_declaration=True)
    new.replace(report)


def junit(results: list[tuple[str, float, str]], commit: str) -> ET.ElementTree:
    failures = sum(bool(why) for _, _, why in results)
    counts = {"tests": str(len(results)), "failures": str(failures), "errors": "0", "skipped": "0"}
    suites = ET.Element("testsuites", counts)
    took = f"{sum(took for _, took, _ in results):.3f}"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    suite = ET.SubElement(suites, "testsuite", {"name": "smoke", **counts, "time": took, "timestamp": now})
    if commit:
        ET.SubElement(ET.SubElement(suite, "properties"), "property", {"name": "commit", "value": commit})
    for name, took, why in results:
        case = ET.SubElement(suite, "testcase", {"classname": "smoke", "name": name, "time": f"{took:.3f}"})
        if why:
            ET.SubElement(case, "failure", {"message": why})
    return ET.ElementTree(suites)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--junitxml", type=Path)
    parser.add_argument("--expect", default=os.environ.get("TMINUS_VERSION", ""))
    parser.add_argument("--previous", action="store_true")
    parser.add_argument("--brief", action="store_true")
    asked = parser.parse_args()
    if report := place(asked):
        # Whoever reads a report after this run reads its own, or none.
        report.unlink(missing_ok=True)
    try:
        gateway = edge()
    except (LookupError, OSError, ValueError) as error:
        print(f"::error::The smoke tests cannot begin: {error}")
        return 3
    expected = os.environ.get("TMINUS_PREVIOUS_VERSION", "") if asked.previous else asked.expect
    results = run(Visit(gateway=gateway, expected=expected), brief=asked.brief)
    if report:
        write(report, results, "" if asked.previous else os.environ.get("TMINUS_COMMIT", ""))
    passed = sum(not why for _, _, why in results)
    first = next((f"; {name}: {why}" for name, _, why in results if why), "") if asked.brief else ""
    print(f"smoke {passed} of {len(results)}{first}")
    return 0 if passed == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
