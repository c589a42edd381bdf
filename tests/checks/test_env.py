"""The check `env`, against members that tell names and digests, and never values."""

import hashlib
import hmac
import json

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check, site

TEMPLATE = """
# kind: url; the address that customers type
PUBLIC_URL=<https address>
# kind: integer
PORT=<number>
# kind: secret; signs the session cookie
SESSION_KEY=<from the vault>
LOG_LEVEL=info
"""
GOOD = {
    "PUBLIC_URL": "https://checkout.acme.test",
    "PORT": "8080",
    "SESSION_KEY": "production-session-key",
    "LOG_LEVEL": "info",
}
STAGING = {**GOOD, "SESSION_KEY": "staging-session-key"}


def told(values, **more):
    """What a service answers about its environment."""
    kinds = {
        name: "url" if "://" in value else "integer" if value.isdigit() else "text" for name, value in values.items()
    }
    digests = {name: hmac.new(b"k", value.encode(), hashlib.sha256).hexdigest() for name, value in values.items()}
    return json.dumps({"names": list(values), "digests": digests, "kinds": kinds, **more})


@pytest.fixture
def template(tmp_path):
    path = tmp_path / ".env.production"
    path.write_text(TEMPLATE)
    return str(path)


async def look(template, *members, other=None, more=None, **params):
    """One server plays every member and staging, behind a token."""
    pages = {f"/{index}": told(values, **(more or {})) for index, values in enumerate(members)}
    pages["/staging"] = told(other or {})

    def answer(request):
        if request.headers["Authorization"] != "Bearer t0ken-t0ken":
            return 401, [], "{}"
        return 200, [], pages[request.path]

    key = {"env": "TOKEN", "prefix": "Bearer "}
    with site(answer) as one:
        at = f"http://{one.at}"
        given = {
            "template": template,
            "urls": [f"{at}/{index}" for index in range(len(members))],
            "headers": {"Authorization": key},
            "allow_private": True,
            "environ": {"TOKEN": "t0ken-t0ken"},
            **({"other": {"url": f"{at}/staging", "headers": {"Authorization": key}}} if other else {}),
            **params,
        }
        finding = await run_check("env", **given)
    assert "t0ken" not in repr(finding)
    return finding


async def test_everything_that_the_template_asks_for_passes(template):
    finding = await look(template, GOOD, GOOD, other=STAGING)
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "4 names set on 2 members"
    assert "shared" not in (await look(template, GOOD)).values


@pytest.mark.parametrize(
    ("changed", "gone", "sentence"),
    [
        ({}, "SESSION_KEY", "SESSION_KEY is not set"),
        ({"PORT": "eighty"}, "", "PORT is no integer"),
        ({"PUBLIC_URL": "checkout"}, "", "PUBLIC_URL is no url"),
    ],
)
async def test_what_is_missing_or_of_another_kind_fails(template, changed, gone, sentence):
    values = {name: value for name, value in {**GOOD, **changed}.items() if name != gone}
    finding = await look(template, values)
    assert finding.verdict is Verdict.FAIL
    assert sentence in finding.summary


async def test_a_placeholder_that_the_service_sees_fails(template):
    finding = await look(template, GOOD, more={"suspect": {"SESSION_KEY": "placeholder"}})
    assert finding.verdict is Verdict.FAIL
    assert "SESSION_KEY is a placeholder value" in finding.summary


async def test_a_name_that_nobody_knows_is_a_warning_unless_it_is_expected(template):
    assert (await look(template, {**GOOD, "DEBUG": "1"})).verdict is Verdict.WARN
    assert (await look(template, {**GOOD, "DEBUG": "1"}, ignore=["DEB*"])).verdict is Verdict.PASS


async def test_a_secret_that_is_staging_s_too_fails_and_nothing_else_has_to_differ(template):
    assert (await look(template, GOOD, other=STAGING)).verdict is Verdict.PASS
    finding = await look(template, GOOD, other=GOOD)
    assert finding.verdict is Verdict.FAIL
    assert finding.values["shared"] == 1
    assert "SESSION_KEY is the same as in the other environment" in finding.summary


async def test_members_that_differ_fail_unless_the_value_is_their_own(template):
    finding = await look(template, GOOD, {**GOOD, "PORT": "8081"})
    assert finding.verdict is Verdict.FAIL
    assert "PORT differs between members" in finding.summary
    assert (await look(template, GOOD, {**GOOD, "PORT": "8081"}, own=["PORT"])).verdict is Verdict.PASS


async def test_a_wrong_token_is_unknown(template):
    finding = await look(template, GOOD, headers={})
    assert finding.verdict is Verdict.UNKNOWN
    assert "is the token right?" in finding.summary


async def test_a_token_that_is_not_set_is_unknown_and_says_which(template):
    finding = await look(template, GOOD, environ={})
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary == "The environment variable TOKEN is not set, and this check needs it."


async def test_a_file_is_read_and_its_values_are_not_shown(template, tmp_path):
    file = tmp_path / "values"
    file.write_text("PUBLIC_URL=http://localhost/\nPORT=8080\nSESSION_KEY=very-secret-value\nLOG_LEVEL=changeme\n")
    finding = await run_check("env", template=template, file=str(file))
    assert finding.verdict is Verdict.FAIL
    assert "PUBLIC_URL is a localhost value; LOG_LEVEL is a placeholder value" in finding.summary or (
        "LOG_LEVEL is a placeholder value; PUBLIC_URL is a localhost value" in finding.summary
    )
    assert "very-secret-value" not in repr(finding)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("postgres://u@127.0.0.1/shop", True),
        ("postgres://u@localhost:5432/shop", True),
        ("redis://[::1]:6379/0", True),
        ("http://0.0.0.0:8080/", True),
        ("http://db.localhost/", True),
        ("localhost", True),
        ("localhost:5432", True),
        ("postgres://u@db.acme.test/shop", False),
        ("127.0.0.1", False),
        ("0.0.0.0:8080", False),
        ("http://[broken/", False),
    ],
)
async def test_what_points_to_the_machine_itself_is_a_placeholder_and_an_address_to_listen_at_is_not(
    template, tmp_path, value, wrong
):
    file = tmp_path / "values"
    file.write_text("".join(f"{name}={one}\n" for name, one in {**GOOD, "LOG_LEVEL": value}.items()))
    finding = await run_check("env", template=template, file=str(file))
    assert finding.verdict is (Verdict.FAIL if wrong else Verdict.PASS), finding.summary
    assert finding.values["placeholders"] == int(wrong)
