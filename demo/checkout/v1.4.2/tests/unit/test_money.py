import pytest

from checkout import money


@pytest.mark.parametrize(
    ("lines", "expected"),
    [([], 0), ([(19.95, 1)], 19.95), ([(19.95, 3), (7.80, 2)], 75.45), ([(0.1, 3)], 0.3)],
)
def test_lines_are_added_up(lines, expected):
    assert money.total(lines) == expected


@pytest.mark.parametrize(("price", "expected"), [(0.125, 0.13), (1.005, 1.01), (2.675, 2.68)])
def test_half_a_cent_is_rounded_up(price, expected):
    assert money.total([(price, 1)]) == expected
