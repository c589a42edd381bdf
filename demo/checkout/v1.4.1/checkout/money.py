"""What do these lines cost together?"""

from collections.abc import Iterable


def total(lines: Iterable[tuple[float, int]]) -> float:
    return round(sum(price * quantity for price, quantity in lines), 2)
