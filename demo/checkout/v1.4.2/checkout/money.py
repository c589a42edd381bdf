"""What do these lines cost together?"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def total(lines: Iterable[tuple[float, int]]) -> float:
    """Binary fractions cannot say 0.125 in every sum; decimal ones can, and customers count in decimal."""
    exact = sum((Decimal(str(price)) * quantity for price, quantity in lines), Decimal(0))
    return float(exact.quantize(CENT, ROUND_HALF_UP))
