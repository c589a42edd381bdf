"""What does the bot of this home go by, so that somebody at the terminal beside it goes by the same?

No secret is written down: whoever uses a database with a password has to know it.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

_FILE = "running.json"


def tell(home: Path, environ: Mapping[str, str]) -> None:
    """Called by each bot that starts, so that what another one went by before it is forgotten."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = home / f".{_FILE}.{secrets.token_hex(4)}"
    private.write_text(json.dumps({name: value for name, value in environ.items() if value}, indent=1) + "\n")
    private.replace(home / _FILE)


def told(home: Path) -> Mapping[str, str]:
    """Environment variables as the last bot of this home had them; none when there was no bot, or nobody may read it."""
    try:
        known = json.loads((home / _FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in known.items()} if isinstance(known, dict) else {}
