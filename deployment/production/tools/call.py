#!/usr/bin/env python3
"""What does an HTTP endpoint that speaks JSON say? For scripts without curl.

call.py METHOD URL [--token NAME] [--json TEXT] [--file PATH] [--get PATH]

--token names the environment variable that holds the bearer token, so that it is in no list of processes.
--get prints one value of the answer: "version", "members.name" (one line for each), "members[a].healthy" (by its name).
Exit 0: answered 2xx. 1: it refused, or the value is not there. 2: called wrongly. 3: nobody answered.
"""

import argparse
import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

WITHIN_S = 75


def ask(
    method: str, url: str, *, token: str = "", body: bytes | None = None, within: float = WITHIN_S
) -> tuple[int, dict[str, Any]]:
    """Status and parsed body; an OSError when nobody answers."""
    request = urllib.request.Request(url, data=body, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        # No proxy: the addresses are the ones that were given.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=within) as answer:
            return answer.status, parsed(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, parsed(error.read())


def parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {"error": body.decode(errors="replace")[:200]}
    return value if isinstance(value, dict) else {"value": value}


def pick(value: Any, path: str) -> Any:
    """Follow a path such as members[a].healthy; LookupError when it leads nowhere."""
    for part in path.split("."):
        found = re.fullmatch(r"(\w+)(?:\[(\w+)\])?", part)
        if not found:
            raise LookupError(path)
        name, chosen = found.groups()
        value = [each[name] for each in value] if isinstance(value, list) else value[name]
        if chosen is not None:
            value = next((each for each in value if each["name"] == chosen), None)
            if value is None:
                raise LookupError(path)
    return value


def said(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(said(each) for each in value)
    if isinstance(value, str):
        return value
    return json.dumps(value)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method")
    parser.add_argument("url")
    parser.add_argument("--token", metavar="NAME", default="")
    parser.add_argument("--json")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--get", metavar="PATH")
    asked = parser.parse_args()
    body = asked.file.read_bytes() if asked.file else asked.json.encode() if asked.json else None
    try:
        status, answer = ask(asked.method, asked.url, token=os.environ.get(asked.token, ""), body=body)
    except OSError as error:
        print(f"{asked.url} does not answer: {getattr(error, 'reason', error)}", file=sys.stderr)
        return 3
    if not 200 <= status < 300:
        print(f"{asked.url} answered {status}: {answer.get('error', 'no reason given')}", file=sys.stderr)
        return 1
    try:
        print(said(pick(answer, asked.get) if asked.get else answer))
    except (LookupError, TypeError):
        print(f"{asked.url} answered without {asked.get}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    # A script that was cancelled reads no more: that is no error of this program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
