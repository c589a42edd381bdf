"""What do customers see, and which files does the page need?"""

import base64
import hashlib
from dataclasses import dataclass
from html import escape

from . import HOME, VERSION

KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, kw_only=True)
class Asset:
    path: str
    kind: str
    body: bytes
    integrity: str


def load(name: str) -> Asset:
    """The name carries a hash of the content, so that a cache may keep the file for ever."""
    body = (HOME / "checkout" / "static" / name).read_bytes()
    stem, dot, ending = name.rpartition(".")
    return Asset(
        path=f"/assets/{stem}.{hashlib.sha256(body).hexdigest()[:12]}{dot}{ending}",
        kind=KINDS[dot + ending],
        body=body,
        integrity="sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode(),
    )


STYLE, SCRIPT = load("app.css"), load("app.js")
ASSETS = {asset.path: asset for asset in (STYLE, SCRIPT)}


def html() -> str:
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Acme checkout</title>
<link rel="stylesheet" href="{STYLE.path}" integrity="{STYLE.integrity}">
<script type="module" src="{SCRIPT.path}" integrity="{SCRIPT.integrity}"></script>
<h1>Acme</h1>
<ul id="products"></ul>
<p>In your cart: <output id="total">nothing yet</output></p>
<footer>checkout {escape(VERSION)}</footer>
</html>
"""
