"""The check `assets`, on pages whose files load, or do not."""

import base64
import hashlib

import pytest

from bot.model import Verdict
from tests.checks.helpers import closed_port, run_check, site

SCRIPT = b"console.log('hello')"
INTEGRITY = "sha384-" + base64.b64encode(hashlib.sha384(SCRIPT).digest()).decode()
PAGE = f"""<!doctype html><html><head><base href="/shop/">
<link rel="stylesheet" href="app.css"><link rel="canonical" href="https://elsewhere.test/">
<script src="app.js" integrity="{INTEGRITY}"></script></head>
<body><img src="/logo.svg"><img src="data:image/png;base64,AAAA"></body></html>"""
GOOD = {
    "/": ("text/html", PAGE),
    "/shop/app.css": ("text/css; charset=utf-8", "body {}"),
    "/shop/app.js": ("text/javascript", SCRIPT),
    "/logo.svg": ("image/svg+xml", "<svg/>"),
}


async def look(**changed):
    pages = {**GOOD, **{path: found for path, found in changed.items() if found}}
    gone = {path for path, found in changed.items() if not found}

    def answer(request):
        if request.path not in pages or request.path in gone:
            return 404, [("Content-Type", "text/html")], "not here"
        kind, body = pages[request.path]
        return 200, [("Content-Type", kind)], body

    with site(answer) as one:
        return await run_check("assets", urls=[one.url], addresses=[one.at], allow_private=True)


async def test_a_page_whose_files_load_passes():
    finding = await look()
    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.values["assets"] == 3
    assert finding.summary.startswith("3 files of 1 page load, ")


async def test_a_large_script_is_compared_with_its_integrity_as_well():
    large = SCRIPT + b"\n" * 2_000_000
    told = "sha256-" + base64.b64encode(hashlib.sha256(large).digest()).decode()
    page = ("text/html", PAGE.replace(INTEGRITY, told))
    whole = await look(**{"/": page, "/shop/app.js": ("text/javascript", large)})
    altered = await look(**{"/": page, "/shop/app.js": ("text/javascript", large[:-1] + b" ")})
    assert whole.verdict is Verdict.PASS, whole.summary
    assert altered.verdict is Verdict.FAIL
    assert "app.js is not what the page's integrity says" in altered.summary


async def test_what_is_too_long_to_compare_does_not_pass():
    finding = await look(**{"/shop/app.js": ("text/javascript", b" " * 20_000_001)})
    assert finding.verdict is Verdict.FAIL
    assert "app.js is longer than 20 MB, too long to compare" in finding.summary


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"/shop/app.js": None}, "app.js answers 404"),
        ({"/shop/app.js": ("text/html", "<h1>Log in</h1>")}, "app.js is served as text/html"),
        ({"/shop/app.js": ("text/javascript", "console.log('another')")}, "is not what the page's integrity says"),
        ({"/logo.svg": ("text/plain", "")}, "logo.svg is served as text/plain"),
    ],
)
async def test_a_file_that_does_not_load_as_it_should_fails_and_is_named(changed, said):
    finding = await look(**changed)
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary


async def test_a_page_that_needs_nothing_or_is_not_there_is_unknown():
    assert (await look(**{"/": ("text/html", "<p>Hello</p>")})).verdict is Verdict.UNKNOWN
    assert (await look(**{"/": None})).verdict is Verdict.UNKNOWN
    down = await run_check("assets", urls=["http://site.test/"], addresses=[closed_port()], allow_private=True)
    assert down.verdict is Verdict.UNKNOWN
