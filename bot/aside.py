"""Where does what somebody else's code prints go, so that it never stands in the middle of what was asked for?"""

import contextlib
import io
import os
import sys
from collections.abc import Generator
from typing import TextIO

from bot.logs import SECRETS
from bot.text import redact


class _Aside(io.TextIOBase):
    """Printed by a check: for whoever looks for a mistake in it, and without what is secret there."""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        sys.stderr.write(redact(text, tuple(SECRETS.get())))
        return len(text)

    def flush(self) -> None:
        sys.stderr.flush()


@contextlib.contextmanager
def aside() -> Generator[TextIO]:
    """Gives the real output; meanwhile all that is printed goes to the error stream, also by programs that are started."""
    asked = sys.stdout
    with contextlib.ExitStack() as ending:
        # A test at the terminal's place has an output without a number; programs inherit only one that has.
        if asked is sys.__stdout__ and asked.fileno() == 1:
            asked.flush()
            asked = ending.enter_context(os.fdopen(os.dup(1), "w", encoding=asked.encoding, errors=asked.errors))
            # For good: what hangs may still print while the program ends.
            os.dup2(2, 1)
        ending.enter_context(contextlib.redirect_stdout(_Aside()))
        yield asked
