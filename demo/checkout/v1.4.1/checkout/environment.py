"""Which variables does this process have, without telling what is in them?"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

# What every process has says nothing about how this one was configured; the key of the digests is shared on purpose.
LEFT_OUT = {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "PWD", "TZ", "PYTHONUNBUFFERED", "DIGEST_KEY"}
PLACEHOLDERS = {"changeme", "change-me", "todo", "xxx", "secret", "example", "placeholder"}


def digests(environ: Mapping[str, str], key: str) -> dict[str, object]:
    """Names, keyed digests (to compare with another environment's), kinds, and what looks wrong; never a value."""
    names = sorted(name for name in environ if name not in LEFT_OUT)
    return {
        "algorithm": "HMAC-SHA256",
        "names": names,
        "digests": {name: hmac.new(key.encode(), environ[name].encode(), hashlib.sha256).hexdigest() for name in names},
        "kinds": {name: kind(environ[name]) for name in names},
        "suspect": {name: why for name in names if (why := suspicion(environ[name]))},
    }


def kind(value: str) -> str:
    if value.isdecimal():
        return "integer"
    if urlsplit(value).scheme in {"http", "https"}:
        return "url"
    if value.startswith("/"):
        return "path"
    return "text"


def suspicion(value: str) -> str:
    if not value.strip():
        return "empty"
    if value.strip().lower() in PLACEHOLDERS or (value.startswith("<") and value.endswith(">")):
        return "placeholder"
    if kind(value) == "url" and urlsplit(value).hostname == "localhost":
        return "localhost"
    return ""
