"""How is somebody else's program asked?"""

import subprocess

from tests.checks.helpers import needed


def said(program, *words, stdin="", folders=(), limit=60, **more):
    """What it printed, and its exit code; it gets nothing of our environment."""
    return subprocess.run(
        [needed(program, *folders), *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
        env={"PATH": "/usr/bin:/bin:/usr/sbin", "LC_ALL": "C", "TZ": "UTC", **more},
    )
