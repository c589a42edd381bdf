"""Whose checks are there besides ours? A file that app.yaml names, or an installed package, registers its own.

A package names its module under the entry point group `t_minus.checks`; importing the module registers what is in it.
"""

import hashlib
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from bot.check import plugin
from bot.errors import ConfigError
from bot.net import words

GROUP = "t_minus.checks"

#: What was loaded, so that reading the configuration a second time does not register a check a second time.
_LOADED: dict[str, ModuleType] = {}


def from_file(path: Path) -> ModuleType:
    """Import one Python file, whose checks are then known."""
    path = path.resolve()
    if known := _LOADED.get(str(path)):
        return known
    if not path.is_file():
        raise ConfigError(f"there is no file {path.name} in {path.parent.name or path.parent}/")
    name = f"checks_beside.{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path.name} is no Python file; its name has to end in .py")
    module = importlib.util.module_from_spec(spec)
    before = plugin.plugins()
    # A check finds its question in its module, so the module has to be known while it runs.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        _something_new(before, path.name)
    except BaseException as problem:
        _forget(before)
        del sys.modules[name]
        if isinstance(problem, ConfigError | KeyboardInterrupt):
            raise
        raise ConfigError(f"{path.name} cannot be loaded: {type(problem).__name__}: {words(problem)}") from problem
    _LOADED[str(path)] = module
    return module


def installed() -> list[str]:
    """Import what installed packages bring; gives the names of the entry points."""
    found = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda one: (one.name, one.value))
    for one in found:
        if one.value in _LOADED:
            continue
        before = plugin.plugins()
        package = one.dist.name if one.dist else one.value
        try:
            module = one.load()
            _something_new(before, one.value)
        except ConfigError as problem:
            _forget(before)
            raise ConfigError(f"The installed package {package}: {problem}") from problem
        # Somebody else's package: whatever it raises is a sentence at the start, never a traceback.
        except Exception as problem:
            _forget(before)
            raise ConfigError(
                f"The installed package {package} cannot be loaded: {type(problem).__name__}: {words(problem)}."
            ) from problem
        _LOADED[one.value] = module
    return [one.name for one in found]


def _something_new(before: object, name: str) -> None:
    if plugin.plugins() == before:
        raise ConfigError(f"{name} registers no check; write @check(…) above a function")


def _forget(before: "dict[str, plugin.Plugin] | object") -> None:
    """A file that is half loaded leaves nothing behind."""
    for name in plugin.plugins():
        if isinstance(before, dict) and name not in before:
            plugin.unregister(name)
