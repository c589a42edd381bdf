"""Which release is this?"""

import json
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
RELEASE = json.loads((HOME / "release.json").read_text())
VERSION: str = RELEASE["version"]
SCHEMA: int = RELEASE["schema"]


def commit() -> str:
    """The commit this release was built from; whoever installs it writes it beside release.json."""
    try:
        return (HOME / "COMMIT").read_text().strip()
    except FileNotFoundError:
        return "unknown"
