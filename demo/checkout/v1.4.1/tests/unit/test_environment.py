import pytest

from checkout import environment
from checkout.settings import Settings


def test_the_digest_names_variables_and_hides_their_values():
    shown = environment.digests({"MAIL_FROM": "orders@acme.test", "PATH": "/bin"}, "k")
    assert shown["names"] == ["MAIL_FROM"]
    assert "orders@acme.test" not in str(shown)


def test_another_key_gives_another_digest():
    first, second = (environment.digests({"A": "b"}, key)["digests"] for key in ("one", "two"))
    assert first != second


@pytest.mark.parametrize(
    ("value", "why"),
    [("", "empty"), ("changeme", "placeholder"), ("<ask ops>", "placeholder"), ("http://localhost/", "localhost"), ("real", "")],
)
def test_what_looks_wrong_is_said(value, why):
    assert environment.suspicion(value) == why


def test_a_missing_variable_is_named(environ):
    del environ["PAYMENTS_URL"]
    with pytest.raises(SystemExit, match="PAYMENTS_URL not set"):
        Settings.of(environ)
