"""Everything that the bot shows in any test is held against Slack's rules, as the sandbox knows them."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.model import Wanted
from bot.views import home, messages, modals
from tests.slack_rules import accepted_message, accepted_view, looked_at


def _watched_messages(made: Callable[..., Iterator[Wanted]]) -> Callable[..., Iterator[Wanted]]:
    @functools.wraps(made)
    def watched(*args: Any, **more: Any) -> Iterator[Wanted]:
        for wanted in made(*args, **more):
            accepted_message(wanted.text, wanted.blocks)
            yield wanted

    return watched


def _watched_view(made: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(made)
    def watched(*args: Any, **more: Any) -> Any:
        view = made(*args, **more)
        accepted_view(view)
        return view

    return watched


@pytest.fixture(scope="session", autouse=True)
def _slack_would_accept_it() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(messages, "_all", _watched_messages(messages._all))
    patch.setattr(home, "home", _watched_view(home.home))
    for name, made in list(vars(modals).items()):
        if callable(made) and not name.startswith("_") and getattr(made, "__module__", "") == modals.__name__:
            patch.setattr(modals, name, _watched_view(made) if not isinstance(made, type) else made)
    yield
    patch.undo()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if any(looked_at.values()):
        terminalreporter.write_line(
            f"Held against Slack's rules: {looked_at['messages']} messages, {looked_at['views']} views."
        )
