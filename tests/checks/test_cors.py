"""The check `cors`, against policies that are right, and that are wrong in the usual ways."""

import pytest

from bot.model import Verdict
from tests.checks.helpers import run_check, site

SHOP = "https://shop.acme.test"


async def look(policy, **params):
    def answer(request):
        headers = policy(request.headers.get("Origin", ""))
        if request.command == "OPTIONS" and headers:
            headers = [*headers, ("Access-Control-Allow-Methods", "GET, PUT")]
        return 200, headers, "{}"

    with site(answer) as one:
        given = {"urls": [one.url], "addresses": [one.at], "allow_private": True, "allowed": [SHOP], **params}
        return await run_check("cors", **given)


def named(origin, *more):
    return [("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), *more]


def only_the_shop(origin):
    return named(SHOP) if origin == SHOP else []


async def test_a_list_that_is_compared_exactly_passes():
    finding = await look(only_the_shop, methods=["GET", "PUT"])
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "1 origin allowed, 7 strangers refused"


@pytest.mark.parametrize(
    ("policy", "stranger"),
    [
        (named, "https://evil.example"),
        (lambda origin: named(origin) if origin in {SHOP, "null"} else [], "null"),
        (lambda origin: named(origin) if origin.startswith(SHOP) else [], f"{SHOP}.evil.example"),
        (lambda origin: named(origin) if origin.endswith("shop.acme.test") else [], "https://evilshop.acme.test"),
        (lambda origin: named(origin) if origin.endswith("//shop.acme.test") else [], "http://shop.acme.test"),
        (lambda origin: named(origin) if origin.endswith((SHOP, ".shop.acme.test")) else [], "https://evil.shop"),
    ],
)
async def test_a_policy_that_lets_a_look_alike_in_fails_and_names_it(policy, stranger):
    finding = await look(policy)
    assert finding.verdict is Verdict.FAIL
    assert f"{stranger}" in finding.summary
    assert "may read" in finding.summary


async def test_reflecting_everybody_with_cookies_is_counted_as_exposed():
    finding = await look(lambda origin: named(origin, ("Access-Control-Allow-Credentials", "true")))
    assert finding.values["exposed"] == finding.values["strangers"] == 7


async def test_everybody_without_cookies_is_a_warning():
    finding = await look(lambda _: [("Access-Control-Allow-Origin", "*")])
    assert finding.verdict is Verdict.WARN
    assert finding.values["wildcard"] == 8


async def test_an_allowed_origin_that_is_refused_fails():
    finding = await look(lambda _: [])
    assert finding.verdict is Verdict.FAIL
    assert f"{SHOP} may not read" in finding.summary


async def test_cookies_that_are_needed_and_not_allowed_fail():
    assert (await look(only_the_shop, credentials=True)).verdict is Verdict.FAIL


async def test_a_method_that_the_preflight_refuses_fails():
    finding = await look(only_the_shop, methods=["DELETE"])
    assert finding.verdict is Verdict.FAIL
    assert finding.values["refused_methods"] == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_stranger_who_is_told_to_wait_was_not_refused(status):
    def answer(request):
        origin = request.headers.get("Origin", "")
        return (200, only_the_shop(origin), "{}") if origin == SHOP else (status, [], "not now")

    with site(answer) as one:
        finding = await run_check("cors", urls=[one.url], addresses=[one.at], allow_private=True, allowed=[SHOP])
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.values["undecided"] == 7
    assert "strangers" not in finding.values
    assert f"answers https://evil.example with {status}, so who may read it is not known" in finding.summary


async def test_a_stranger_who_is_let_in_counts_although_others_were_told_to_wait():
    def answer(request):
        origin = request.headers.get("Origin", "")
        return (429, [], "") if "null" in origin else (200, named(origin), "{}")

    with site(answer) as one:
        finding = await run_check("cors", urls=[one.url], addresses=[one.at], allow_private=True, allowed=[SHOP])
    assert finding.verdict is Verdict.FAIL
    assert (finding.values["strangers"], finding.values["undecided"]) == (6, 1)


async def test_a_server_that_refuses_strangers_with_403_has_decided():
    def answer(request):
        origin = request.headers.get("Origin", "")
        return (200, only_the_shop(origin), "{}") if origin == SHOP else (403, [], "Invalid CORS request")

    with site(answer) as one:
        finding = await run_check("cors", urls=[one.url], addresses=[one.at], allow_private=True, allowed=[SHOP])
    assert finding.verdict is Verdict.PASS, finding.summary


async def test_a_preflight_that_welcomes_strangers_with_cookies_fails_although_answers_do_not():
    def answer(request):
        origin = request.headers.get("Origin", "")
        if request.command == "OPTIONS":
            return 204, named(origin, ("Access-Control-Allow-Credentials", "true")), ""
        return 200, only_the_shop(origin), "{}"

    with site(answer) as one:
        finding = await run_check("cors", urls=[one.url], addresses=[one.at], allow_private=True, allowed=[SHOP])
    assert finding.verdict is Verdict.FAIL
    assert finding.values["exposed"] == finding.values["strangers"] == 7
    assert "lets https://evil.example in" in finding.summary


async def test_one_member_with_another_policy_cannot_hide_behind_the_first():
    def policy(allows):
        return lambda request: (200, allows(request.headers.get("Origin", "")), "{}")

    with site(policy(only_the_shop)) as good, site(policy(named)) as bad:
        finding = await run_check(
            "cors", urls=[good.url], addresses=[good.at, bad.at], allow_private=True, allowed=[SHOP]
        )
    assert finding.verdict is Verdict.FAIL
    assert finding.values["strangers"] == 7
    assert finding.values["addresses"] == 2
    assert f"at {bad.at}" in finding.summary


async def test_no_vary_is_a_warning():
    finding = await look(lambda origin: [("Access-Control-Allow-Origin", SHOP)] if origin == SHOP else [])
    assert finding.verdict is Verdict.WARN
    assert finding.values["unvaried"] == 1
