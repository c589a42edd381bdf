"""What does a `.env` file say, and does it hold something that only the vault may?"""

import io
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from dotenv import dotenv_values

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PWD|SECRET|TOKEN|APIKEY|KEY|CREDENTIALS?|PRIVATE|SALT|SIGNATURE)(?:_|$)", re.IGNORECASE
)
_HARMLESS = re.compile(
    r"\s*(?:|<[^>]*>|\$\{[^}]*\}|\{\{.*\}\}|change[-_ ]?me|replace[-_ ]?me|todo|xxx+|\*+|\.\.\.|your[-_ ].*|example|placeholder)\s*",
    re.IGNORECASE,
)


def parse(text: str) -> Mapping[str, str]:
    """Names and values; a name without a value has an empty one."""
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(text), interpolate=False).items()}


def placeholder(value: str) -> bool:
    """Somebody still has to fill it in."""
    return bool(_HARMLESS.fullmatch(value))


def telling(text: str) -> list[str]:
    """Names whose values look like real secrets."""
    return [name for name, value in parse(text).items() if _is_secret(name, value)]


def _is_secret(name: str, value: str) -> bool:
    if placeholder(value):
        return False
    try:
        password = urlsplit(value).password if "://" in value else None
    except ValueError:
        password = None
    if password and not placeholder(password):
        return True
    # A path or an URL to where the secret lies is no secret: SIGNING_KEY_FILE=/run/secrets/signing-key.
    return bool(_SECRET_NAME.search(name)) and not value.startswith(("/", "./")) and not _number_or_switch(value)


def _number_or_switch(value: str) -> bool:
    return bool(re.fullmatch(r"\d{1,6}|true|false|yes|no|on|off", value, re.IGNORECASE))
