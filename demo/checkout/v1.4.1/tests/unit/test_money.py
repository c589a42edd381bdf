import pytest

from checkout import money


@pytest.mark.parametrize(
    ("lines", "expected"),
    [([], 0), ([(19.95, 1)], 19.95), ([(19.95, 3), (7.80, 2)], 75.45), ([(0.1, 3)], 0.3)],
)
def test_lines_are_added_up(lines, expected):
    assert money.total(lines) == expected
