"""Which of the release's commands was asked for?"""

import json
import os
import sys

from . import VERSION, database, environment, web
from .settings import Settings

COMMANDS = ("serve", "migrate", "environment")


def main() -> int:
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command not in COMMANDS:
        print(f"checkout {VERSION}: say one of {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    settings = Settings.of(os.environ)
    if command == "serve":
        return web.serve(settings)
    if command == "migrate":
        print(database.migrate(settings.database))
        return 0
    print(json.dumps(environment.digests(os.environ, settings.digest_key), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
