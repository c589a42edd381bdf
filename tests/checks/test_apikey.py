"""The check `apikey`, on a real service that knows its keys."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from bot.errors import ConfigError
from bot.model import Verdict
from tests.checks.asgi import serving
from tests.checks.helpers import closed_port, run_check

NEW, OLD = "new-key-of-the-shop", "old-key-of-the-shop"


class Service:
    """Answers to whoever has a key that it knows."""

    def __init__(self):
        self.known = {NEW}
        self.broken = False
        self.made = datetime.now(UTC) - timedelta(days=20)

    def orders(self, request):
        if self.broken:
            return PlainTextResponse("", 500)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        return JSONResponse({"orders": 3}) if "" in self.known or key in self.known else PlainTextResponse("", 401)

    def metadata(self, request):
        """The shape of a vault's `GET /v1/secret/metadata/NAME`."""
        if request.headers.get("x-vault-token") != "vault-token-1":
            return JSONResponse({"errors": ["permission denied"]}, 403)
        return JSONResponse({"data": {"created_time": self.made.isoformat(), "current_version": 4}})

    def app(self):
        return Starlette(routes=[Route("/orders", self.orders), Route("/v1/secret/metadata/shop", self.metadata)])


@pytest.fixture
def shop():
    service = Service()
    with serving(service.app()) as url:
        service.url = url
        yield service


def key(shop, **changed):
    given = {
        "name": "shop",
        "url": f"{shop.url}/orders",
        "key": {"env": "NEW", "prefix": "Bearer "},
        "old_key": {"env": "OLD", "prefix": "Bearer "},
        "created": (datetime.now(UTC) - timedelta(days=20)).date().isoformat(),
        **changed,
    }
    return {name: value for name, value in given.items() if value is not None}


async def measure(*keys, **more):
    environ = {"NEW": NEW, "OLD": OLD, "VAULT": "vault-token-1"}
    return await run_check("apikey", keys=list(keys), environ=environ, allow_private=True, **more)


async def test_a_young_key_that_works_while_the_old_one_is_refused_passes(shop):
    finding = await measure(key(shop))

    assert finding.verdict is Verdict.PASS, finding.summary
    assert finding.summary.startswith("the key works, the one before is refused, the oldest made 20 d")
    assert finding.rows[0].note == "shop in use: 200; shop none: 401; shop before: 401"


async def test_an_old_key_that_still_works_fails(shop):
    shop.known.add(OLD)
    finding = await measure(key(shop))

    assert finding.verdict is Verdict.FAIL
    assert "the old key of shop still works" in finding.summary


async def test_a_new_key_that_is_refused_fails(shop):
    shop.known = {"another"}
    finding = await measure(key(shop))

    assert finding.verdict is Verdict.FAIL
    assert "the key of shop is refused" in finding.summary


async def test_an_endpoint_that_answers_everybody_proves_nothing(shop):
    shop.known.add("")
    finding = await measure(key(shop))

    assert finding.verdict is Verdict.FAIL
    assert finding.values["unguarded"] == 1


@pytest.mark.parametrize(("days", "verdict"), [(89, Verdict.PASS), (100, Verdict.WARN), (130, Verdict.FAIL)])
async def test_the_age_decides(shop, days, verdict):
    created = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    assert (await measure(key(shop, created=created))).verdict is verdict


async def test_the_age_is_asked_of_a_vault(shop):
    asked = {
        "created": None,
        "created_url": f"{shop.url}/v1/secret/metadata/shop",
        "created_headers": {"X-Vault-Token": {"env": "VAULT"}},
    }
    assert (await measure(key(shop, **asked))).verdict is Verdict.PASS
    shop.made -= timedelta(days=200)
    assert (await measure(key(shop, **asked))).verdict is Verdict.FAIL
    refused = await measure(
        key(
            shop,
            **asked,
        )
        | {"created_headers": {}}
    )
    assert refused.verdict is Verdict.UNKNOWN
    assert "answers 403" in refused.rows[0].note


@pytest.mark.parametrize(
    ("changed", "verdict", "said"),
    [
        ({"old_key": None}, Verdict.WARN, "the old key of shop is not tested"),
        ({"created": None}, Verdict.UNKNOWN, "the age of shop is not known"),
    ],
)
async def test_what_is_not_told_does_not_pass(shop, changed, verdict, said):
    finding = await measure(key(shop, **changed))

    assert finding.verdict is verdict, finding.summary
    assert said in finding.summary


async def test_a_service_that_is_down_or_broken_says_nothing_about_keys(shop):
    down = await measure(key(shop, url=f"http://{closed_port()}/orders"))
    assert down.verdict is Verdict.UNKNOWN
    shop.broken = True
    broken = await measure(key(shop))
    assert broken.verdict is Verdict.UNKNOWN
    assert "rejected" not in broken.values
    assert "old_accepted" not in broken.values


async def test_one_of_several_keys_is_enough_to_fail(shop):
    other = key(
        shop, name="partner", key={"env": "OLD", "prefix": "Bearer "}, old_key={"env": "VAULT", "prefix": "Bearer "}
    )
    finding = await measure(key(shop), other)

    assert finding.verdict is Verdict.FAIL
    assert "the key of partner is refused" in finding.summary


async def test_keys_are_in_no_evidence_and_the_same_key_twice_is_no_rotation(shop):
    shop.known.add(OLD)
    assert NEW not in repr(await measure(key(shop)))
    assert OLD not in repr(await measure(key(shop)))
    same = await measure(key(shop, old_key={"env": "NEW", "prefix": "Bearer "}))
    assert "The old key of shop is the one in use, so nothing was rotated." in same.summary


async def test_a_day_that_is_none_is_refused(shop):
    with pytest.raises(ConfigError, match="'October' is no day, as in 2026-10-31"):
        await measure(key(shop, created="October"))
