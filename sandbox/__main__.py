"""How is the workspace started from a shell?"""

import argparse
import contextlib
import errno
import sys
from pathlib import Path

from sandbox.app import listen, serve
from sandbox.box import Sandbox
from sandbox.sockets import SESSION_S
from sandbox.world import ACME, BadWorld, load_world


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A Slack workspace on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; keep it on loopback")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose one")
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the workspace")
    parser.add_argument("--world", type=Path, default=ACME, help="who lives in the workspace (YAML)")
    parser.add_argument("--manifest", type=Path, help="the app's manifest (JSON or YAML); without it, the world's own")
    parser.add_argument(
        "--connection-lives", type=float, default=SESSION_S, metavar="S",
        help="how many seconds a Socket Mode connection lives before it is refreshed",
    )  # fmt: skip
    asked = parser.parse_args()
    if not asked.connection_lives > 0:
        parser.error("--connection-lives has to be a number of seconds above 0.")
    try:
        world = load_world(asked.world, asked.manifest)
        listener = listen(asked.host, asked.port)
    except BadWorld as problem:
        print(problem, file=sys.stderr)
        return 2
    except OSError as problem:
        taken = problem.errno == errno.EADDRINUSE
        advice = (
            "is taken; choose another with --port, or 0 for any" if taken else f"cannot be used: {problem.strerror}"
        )
        print(f"Port {asked.port} on {asked.host} {advice}.", file=sys.stderr)
        return 2
    except OverflowError:
        print(f"{asked.port} is no port; choose one between 0 and 65535.", file=sys.stderr)
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        serve(Sandbox(world, asked.data, connection_lives_s=asked.connection_lives), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
