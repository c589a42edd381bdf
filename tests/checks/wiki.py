"""A small wiki on loopback, as the checks that open pages meet it, and what of it is not the page that was meant."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.checks.helpers import site

PAGE = "<h1>Disaster recovery plan</h1>"
#: A path, parameters, and what the finding says.
NOT_THE_PAGE = [
    ("gone", {}, "answers 404"),
    ("moved", {}, "answers 302 and leads to https://login.test/"),
    ("plan", {"text": "Sign in"}, "'Sign in' is not in it"),
    ("plan", {"hosts": ["wiki.test"]}, "is not on wiki.test"),
]


@contextmanager
def wiki():
    """Has the page `plan`, edited three days ago, and `undated`; `moved` leads to a login, and nothing else is there."""
    with site(_answer) as here:
        yield here


def _answer(request):
    edited = format_datetime(datetime.now(UTC) - timedelta(days=3))
    return {
        "/plan": (200, [("Last-Modified", edited)], PAGE),
        "/undated": (200, [], PAGE),
        "/moved": (302, [("Location", "https://login.test/")], ""),
    }.get(request.path, (404, [], ""))
