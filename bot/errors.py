"""What can go wrong that a person should read about."""


class TMinusError(Exception):
    """Something went wrong."""


class Refused(TMinusError):
    """A person asked for something that may not happen now.

    The message is one sentence for that person; it ends with who may, or with what to do. `at`: the input of a form
    that mends it, where it is another than the one that the form has for its refusals.
    """

    def __init__(self, sentence: str, *, at: str = "") -> None:
        super().__init__(sentence)
        self.at = at


class ConfigError(TMinusError):
    """The configuration is wrong; the message names file, line, key and what was expected."""


class Unreachable(TMinusError):
    """Something outside (Slack, a database, a probe's target) did not answer; trying again may help."""


class Cannot(TMinusError):
    """A check could not measure, and knows why; the message is a sentence for the finding, whose verdict is unknown."""
