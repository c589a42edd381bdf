"""How are durations written in the parameters of a check?"""

from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.config import units


def _seconds(value: object) -> float:
    """Seconds; what is a number already is a default of ours."""
    return float(value) if isinstance(value, float) else units.duration(value)


#: Also how `python -m checks` tells a duration from any other number.
DURATION = BeforeValidator(_seconds)
Duration = Annotated[float, DURATION, Field(gt=0)]


def written(seconds: float) -> str:
    """As people write it: `30 min`."""
    return str(units.written(seconds, units.DURATION))
