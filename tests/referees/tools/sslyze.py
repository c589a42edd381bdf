"""What does sslyze say? It runs by a Python of its own: `make test` and `make referees` make the environment for it."""

import json
from pathlib import Path

import pytest

from tests.referees.tools.asked import said

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-sslyze" / "bin" / "python"


def scanned(endpoints):
    """By case; all in one run."""
    if not PYTHON.exists():
        pytest.skip("sslyze is not installed: make .venv-sslyze/.installed")
    asked = [
        {"host": "127.0.0.1", "port": one.port, "name": one.name, "ca_file": one.ca_file} for one in endpoints.values()
    ]
    seen = said(PYTHON, ROOT / "tests" / "referees" / "sslyze_scan.py", stdin=json.dumps(asked), limit=1800)
    found = json.loads(seen.stdout)
    return {case: found[one.at] for case, one in endpoints.items()}
