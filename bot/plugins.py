"""Which checks of other people are there when the program starts?"""

from pathlib import Path

from bot import check
from bot.config import plugin_files
from bot.errors import ConfigError


def load_plugins(config: Path) -> None:
    """Make the checks known that packages bring and that `app.yaml` names; without an `app.yaml` only the former."""
    check.installed()
    for place, file in plugin_files(config) if config.is_file() else ():
        try:
            check.from_file(file)
        except ConfigError as problem:
            raise ConfigError(f"{place}: plugins: {problem}") from problem
