"""The check `headers`, against pages on loopback that lack one thing each."""

import pytest
import trustme

from bot.model import Verdict
from tests.checks.helpers import closed_port, run_check, server_tls, site

GOOD = {
    "Content-Type": "text/html",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "root.pem"))
    cert = authority.issue_cert("site.test")
    cert.private_key_and_cert_chain_pem.write_to_path(str(folder / "site.pem"))
    return server_tls(str(folder / "site.pem"), None), str(folder / "root.pem")


async def look(tls, *lines, without=(), status=200, body="<p>Hello</p>", **changed):
    changed = {name.replace("_", "-").title(): value for name, value in changed.items()}
    given = [(name, value) for name, value in {**GOOD, **changed}.items() if name not in without]
    with site(lambda _: (status, [*given, *lines], body), tls=tls[0]) as one:
        url = one.url.replace("http://", "https://")
        return await run_check("headers", urls=[url], addresses=[one.at], ca_file=tls[1], allow_private=True)


async def test_a_page_with_everything_passes(tls):
    finding = await look(tls)
    assert finding.verdict is Verdict.PASS
    assert finding.values["score"] == 100
    assert finding.summary == "score 100 on 1 page, none missing"


@pytest.mark.parametrize("name", [name for name in GOOD if name != "Content-Type"])
async def test_a_page_without_one_of_them_fails(tls, name):
    finding = await look(tls, without=[name])
    assert finding.verdict is Verdict.FAIL
    assert f"no {name.lower()}" in finding.rows[0].note


async def test_an_error_page_counts_like_any_other(tls):
    with site(
        lambda request: (
            (404, [("Content-Type", "text/html")], "gone")
            if "no-such" in request.path
            else (200, list(GOOD.items()), "hello")
        ),
        tls=tls[0],
    ) as one:
        root = one.url.replace("http://", "https://")
        finding = await run_check(
            "headers", urls=[root, root + "no-such-page"], addresses=[one.at], ca_file=tls[1], allow_private=True
        )
    assert finding.verdict is Verdict.FAIL
    assert "no-such-page" in finding.summary


@pytest.mark.parametrize(
    ("lacking", "verdict", "said"),
    [
        ([], Verdict.UNKNOWN, "answers 403: it does not let us in"),
        (["Referrer-Policy"], Verdict.FAIL, "no referrer-policy"),
    ],
)
async def test_of_a_page_that_is_not_shown_nothing_is_known_and_others_are_looked_at_all_the_same(
    tls, lacking, verdict, said
):
    shown = [(name, value) for name, value in GOOD.items() if name not in lacking]
    with site(lambda one: (403, [], "No") if "account" in one.path else (200, shown, "hello"), tls=tls[0]) as one:
        root = one.url.replace("http://", "https://")
        finding = await run_check(
            "headers", urls=[root, root + "account"], addresses=[one.at], ca_file=tls[1], allow_private=True
        )
    assert finding.verdict is verdict
    assert said in finding.summary
    assert (finding.values["pages"], finding.values["refused"]) == (1, 1)


async def test_two_values_for_one_header_are_a_conflict_that_joining_them_would_hide(tls):
    finding = await look(tls, ("X-Frame-Options", "DENY"), ("X-Frame-Options", "SAMEORIGIN"))
    assert finding.verdict is Verdict.WARN
    assert finding.values["conflicting"] == 1
    assert "x-frame-options is sent twice" in finding.summary


async def test_five_minutes_of_hsts_are_not_enough(tls):
    finding = await look(tls, strict_transport_security="max-age=300")
    assert finding.verdict is Verdict.WARN
    assert finding.values["hsts_max_age"] == 300


@pytest.mark.parametrize(
    ("header", "value", "why"),
    [
        ("referrer_policy", "unsafe-url", "unsafe-url tells other sites whole addresses"),
        ("referrer_policy", "no-referrer, Unsafe-URL", "unsafe-url tells other sites whole addresses"),
        (
            "referrer_policy",
            "no-referrer-when-downgrade",
            "no-referrer-when-downgrade tells other sites whole addresses",
        ),
        ("referrer_policy", "never-ever", "browsers do not know 'never-ever'"),
        ("x_content_type_options", "no-sniff", "browsers know only nosniff, not 'no-sniff'"),
        ("strict_transport_security", "includeSubDomains", "it has no max-age"),
        ("strict_transport_security", "max-age=0", "its max-age is 0, which ends it"),
        ("content_security_policy", ";", "it says nothing at all"),
    ],
)
async def test_a_header_that_is_there_and_protects_nobody_is_missing(tls, header, value, why):
    finding = await look(tls, ("X-Frame-Options", "DENY"), **{header: value})
    assert finding.verdict is Verdict.FAIL
    assert finding.rows[0].note == f"no {header.replace('_', '-')} that protects: {why}"


async def test_a_policy_that_names_the_site_where_others_read_along_costs_little(tls):
    finding = await look(tls, referrer_policy="unsafe-url, origin-when-cross-origin")
    assert (finding.verdict, finding.values["score"]) == (Verdict.PASS, 95)
    assert finding.rows[0].note == "Referrer-Policy names the site where others read along"


@pytest.mark.parametrize(
    ("policy", "note"),
    [
        ("default-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'", "inline scripts"),
        ("script-src *; object-src 'none'; base-uri 'none'; frame-ancestors 'none'", "scripts from anywhere"),
        ("img-src 'self'; frame-ancestors 'none'", "nothing about scripts"),
    ],
)
async def test_a_policy_that_lets_everything_in_is_a_warning(tls, policy, note):
    finding = await look(tls, content_security_policy=policy)
    assert finding.verdict is Verdict.WARN
    assert note in finding.rows[0].note


async def test_inline_styles_cost_little_and_a_nonce_makes_up_for_unsafe_inline(tls):
    policy = (
        "script-src 'nonce-abc' 'unsafe-inline'; style-src 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'"
    )
    finding = await look(tls, content_security_policy=policy)
    assert finding.values["score"] == 95
    assert finding.verdict is Verdict.PASS


async def test_an_answer_without_a_page_needs_no_content_policy(tls):
    finding = await look(
        tls,
        ("X-Frame-Options", "DENY"),
        without=["Content-Security-Policy"],
        content_type="application/json",
        body="{}",
    )
    assert finding.verdict is Verdict.PASS


SAYS_NOTHING_OF_FRAMES = "default-src 'self'; base-uri 'none'"


@pytest.mark.parametrize("value", ["ALLOWALL", "ALLOW-FROM https://partner.example", "", "SAMEORIGIN, DENY", "none"])
async def test_a_frame_option_that_browsers_pass_over_protects_nobody(tls, value):
    finding = await look(tls, ("X-Frame-Options", value), content_security_policy=SAYS_NOTHING_OF_FRAMES)
    assert finding.verdict is Verdict.FAIL
    assert f"no protection from framing: browsers pass over X-Frame-Options '{value}'" in finding.rows[0].note


@pytest.mark.parametrize("value", ["DENY", "sameorigin"])
async def test_a_frame_option_that_browsers_know_protects(tls, value):
    finding = await look(tls, ("X-Frame-Options", value), content_security_policy=SAYS_NOTHING_OF_FRAMES)
    assert finding.verdict is Verdict.PASS, finding.summary


@pytest.mark.parametrize("everybody", ["*", "https:", "https://*", "http://*:*", "'self' https://*:443"])
async def test_a_policy_that_everybody_fits_protects_from_no_frame_whatever_the_old_header_says(tls, everybody):
    finding = await look(
        tls,
        ("X-Frame-Options", "DENY"),
        content_security_policy=f"{SAYS_NOTHING_OF_FRAMES}; frame-ancestors {everybody}",
    )
    assert finding.verdict is Verdict.FAIL
    assert f"frame-ancestors {everybody} allows everybody" in finding.rows[0].note


async def test_of_two_policies_the_stricter_one_protects_from_frames(tls):
    finding = await look(
        tls,
        content_security_policy=f"{SAYS_NOTHING_OF_FRAMES}; frame-ancestors *, default-src 'self'; frame-ancestors 'none'",
    )
    assert finding.verdict is Verdict.PASS, finding.summary


@pytest.mark.parametrize("source", ["https://*", "*:443", "http:", "https://*/"])
async def test_scripts_from_anywhere_are_seen_however_they_are_written(tls, source):
    finding = await look(tls, content_security_policy=f"default-src {source}; base-uri 'none'; frame-ancestors 'none'")
    assert finding.verdict is Verdict.WARN
    assert "CSP allows scripts from anywhere" in finding.rows[0].note


async def test_a_site_that_is_down_is_unknown():
    finding = await run_check("headers", urls=["http://site.test/"], addresses=[closed_port()], allow_private=True)
    assert finding.verdict is Verdict.UNKNOWN
