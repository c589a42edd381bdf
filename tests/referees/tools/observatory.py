"""What does MDN's HTTP Observatory say of a page's headers, test by test?

Its own scan is run, unmodified, for all pages in one process. The list of names that browsers have built in is fetched by its
maintainers apart from the package; none of ours is on it, so an empty one stands in.
"""

import json
import os
import re

import pytest

from tests.referees.tools.asked import said
from tests.sandbox.nodejs import NODE, REFEREES

#: Its test, and how our evidence speaks of the same header.
TESTS = {
    "strict-transport-security": "strict-transport-security|HSTS",
    "content-security-policy": "content-security-policy|CSP",
    "x-content-type-options": "x-content-type-options",
    "x-frame-options": "x-frame-options|framing",
    "referrer-policy": "referrer-policy",
}
_PACKAGE = REFEREES / "node_modules" / "@mdn" / "mdn-http-observatory"
_EVERYBODY = "cross-origin-resource-sharing-implemented-with-universal-access"


def scanned(endpoints):
    """By case: its tests, or why it did not look."""
    if not _PACKAGE.is_dir():
        why = "MDN's Observatory is not installed: make test, or python -m tests.sandbox.nodejs"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    built_in = _PACKAGE / "conf" / "hsts-preload.json"
    if not built_in.exists():
        built_in.write_text("{}")
    trusted = next(iter(endpoints.values())).ca_file
    hosts = {case: f"{one.name}:{one.port}" for case, one in endpoints.items()}
    seen = said(NODE, REFEREES / "observatory.js", *hosts.values(), limit=280, NODE_EXTRA_CA_CERTS=trusted)
    results = json.loads(seen.stdout)
    return {case: results[host] for case, host in hosts.items()}


def headers(result):
    """`fine` or not for each header, where it looked at all."""
    if "error" in result:
        return {"looked at": False}
    return {"looked at": True, **{name: result[name]["pass"] for name in TESTS}}


def ours(finding):
    """The same, as our evidence says it."""
    notes = "; ".join(row.note for row in finding.rows)
    return {
        "looked at": not finding.values["refused"],
        **{name: not re.search(said_so, notes, re.IGNORECASE) for name, said_so in TESTS.items()},
    }


def cors(result):
    """Whether everybody may read with cookies, which is all that it calls wrong."""
    return {"everybody with cookies": result["cross-origin-resource-sharing"]["result"] == _EVERYBODY}
