#!/usr/bin/env python3
"""Is the service well, at the gateway and at each member, with the version that should be there?

health_verify.py [--expect VERSION | --previous] [--slow SECONDS]

Exit codes and the line after the bar are those of a Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

From the environment:
  TMINUS_VERSION             the version that has to be seen; none when it is not set; --expect says another one
  TMINUS_PREVIOUS_VERSION    what --previous expects, after a rollback
  CHECKOUT_URL               the address customers use         CHECKOUT_GATEWAY_ADDRESS   where it is really asked
  CHECKOUT_CA_FILE           who may have signed its certificate
  CHECKOUT_MEMBERS           "a=http://…,b=http://…"; CHECKOUT_ADMIN_URL and CHECKOUT_ADMIN_TOKEN tell them when they are set
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tools.call import ask
from tools.edge import Edge, edge

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
PROBES = 3


@dataclass(frozen=True, kw_only=True)
class Check:
    name: str
    code: int
    said: str
    seconds: float | None = None


def members() -> dict[str, str]:
    if url := os.environ.get("CHECKOUT_ADMIN_URL"):
        status, answer = ask("GET", f"{url}/members", token=os.environ.get("CHECKOUT_ADMIN_TOKEN", ""), within=5)
        if status == 200:
            return {member["name"]: member["url"] for member in answer["members"]}
    return dict(pair.split("=", 1) for pair in os.environ.get("CHECKOUT_MEMBERS", "").split(",") if pair)


def gateway_checks(gateway: Edge, expected: str, slow: float) -> Iterator[Check]:
    try:
        for path in ("/healthz", "/version", "/", "/api/products"):
            answers = [gateway.ask("GET", path) for _ in range(PROBES)]
            took = sorted(answer.seconds for answer in answers)[PROBES // 2]
            bad = [answer.status for answer in answers if answer.status != 200]
            if bad:
                yield Check(name=f"gateway {path}", code=CRITICAL, said=f"answered {bad[0]}", seconds=took)
                continue
            if took > slow:
                said = f"slow, {took:.3f} s where {slow:g} s is allowed"
                yield Check(name=f"gateway {path}", code=WARNING, said=said, seconds=took)
                continue
            said = f"{PROBES} of {PROBES} answered 200 in {took:.3f} s"
            yield Check(name=f"gateway {path}", code=OK, said=said, seconds=took)
        # Members take turns, so a few requests meet all of them.
        seen = {gateway.ask("GET", "/version").json().get("version") for _ in range(6)}
        said = "version " + ", ".join(sorted(map(str, seen)))
        if expected:
            yield Check(
                name="gateway version", code=OK if seen == {expected} else CRITICAL, said=f"{said}; expected {expected}"
            )
    except (OSError, ValueError) as error:
        yield Check(name="gateway", code=CRITICAL, said=f"no good answer from {gateway.hostname}: {error}")


def member_checks(name: str, url: str, expected: str) -> Iterator[Check]:
    try:
        status, health = ask("GET", f"{url}/healthz", within=5)
        _, about = ask("GET", f"{url}/version", within=5)
    except OSError as error:
        yield Check(name=f"member {name}", code=CRITICAL, said=f"does not answer: {error}")
        return
    state = str(health.get("status", "without a status"))
    code = CRITICAL if status != 200 else {"ok": OK, "degraded": WARNING}.get(state, CRITICAL)
    yield Check(name=f"member {name}", code=code, said=f"{status} {state}, schema {health.get('schema')}")
    if expected:
        seen = about.get("version")
        yield Check(
            name=f"member {name} version",
            code=OK if seen == expected else CRITICAL,
            said=f"{seen}; expected {expected}",
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expect", default=os.environ.get("TMINUS_VERSION", ""))
    parser.add_argument("--previous", action="store_true")
    parser.add_argument("--slow", type=float, default=0.5, help="a median above this many seconds is a warning (0.5)")
    asked = parser.parse_args()
    expected = os.environ.get("TMINUS_PREVIOUS_VERSION", "") if asked.previous else asked.expect
    try:
        gateway, known = edge(), members()
    except (LookupError, OSError, ValueError) as error:
        print(f"UNKNOWN - {error}")
        return UNKNOWN
    if not known:
        print("UNKNOWN - no members are known; set CHECKOUT_ADMIN_URL or CHECKOUT_MEMBERS")
        return UNKNOWN
    checks = list(gateway_checks(gateway, expected, asked.slow))
    for name, url in known.items():
        checks += member_checks(name, url, expected)
    return report(checks, asked.slow)


def report(checks: list[Check], slow: float) -> int:
    worst = max(check.code for check in checks)
    well = sum(check.code == OK for check in checks)
    # Whoever reads one of them only reads the worst: what is wrong before what is slow, and the slowest first.
    worst_first = sorted(checks, key=lambda check: (check.seconds is not None, -(check.seconds or 0)))
    ill = "; ".join(f"{check.name}: {check.said}" for check in worst_first if check.code == worst != OK)
    data = [f"'{check.name}'={check.seconds:.4f}s;{slow};;0" for check in checks if check.seconds is not None]
    print(
        f"{WORDS[worst]} - {well} of {len(checks)} checks pass{': ' + ill if ill else ''} | checks_ok={well};;;0;{len(checks)} {' '.join(data)}"
    )
    for check in checks:
        print(f"{WORDS[check.code]}: {check.name}: {check.said}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
