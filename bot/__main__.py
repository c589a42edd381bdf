"""`python -m bot`."""

import gc
import sys
from pathlib import Path

# All that is imported at the start stays: to look for garbage among it, again and again, is a quarter of the time it takes.
gc.disable()
from bot.commands import cli  # noqa: E402

gc.freeze()
gc.enable()


def main() -> None:
    # Plugins that stand beside app.yaml are found from the folder that the program is started in.
    sys.path.insert(0, str(Path.cwd()))
    cli()


if __name__ == "__main__":
    main()
