"""Is what stands around the service as a good production should have it?"""

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import httpx
import pytest
from cryptography import x509
from tools.call import ask
from tools.edge import files_of

from demo import authority
from demo.production import remembered_secrets
from tests.demo.conftest import Production

pytestmark = pytest.mark.real
WANTED = (
    "strict-transport-security",
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/index.html", 308),
        ("/no-such-page", 404),
        ("/assets/none.js", 404),
        ("/api/ping", 200),
        ("/api/orders/0", 404),
        ("/admin/environment", 404),
    ],
)
def test_every_answer_carries_the_headers_that_protect_people(untouched: Production, path: str, status: int):
    answer = untouched.get(path)
    assert answer.status == status
    assert [name for name in WANTED if name not in answer.headers] == []


def test_a_name_that_is_not_served_here_is_refused_with_the_same_headers(untouched: Production):
    answer = untouched.get("/", Host="evil.example")
    assert answer.status == 421
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "http://shop.acme.test",
        "https://shop.acme.test.evil.example",
        "https://evilshop.acme.test",
    ],
)
def test_strangers_may_not_read_the_api(untouched: Production, origin: str):
    answer = untouched.get("/api/ping", Origin=origin)
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]


def test_the_shop_may_read_the_api(untouched: Production):
    origin = untouched.env["CHECKOUT_ALLOWED_ORIGIN"]
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = untouched.edge().ask("OPTIONS", "/api/carts", **asked)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, origin)
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert (
        "access-control-allow-methods"
        not in untouched.edge().ask("OPTIONS", "/api/carts", **{**asked, "Origin": "null"}).headers
    )


def test_whoever_asks_too_often_is_told_to_wait_and_then_served(untouched: Production):
    answers = []
    for _ in range(2000):
        answers.append(untouched.get("/api/orders/0"))
        if answers[-1].status == 429:
            break
    assert answers[-1].status == 429
    assert len(answers) > 20
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "content-security-policy" in answers[-1].headers
    assert untouched.get("/api/ping").status == 200
    assert untouched.get("/api/orders/0", **{"X-Api-Key": untouched.env["CHECKOUT_API_KEY"]}).status == 404
    time.sleep(int(answers[-1].headers["retry-after"]))
    assert untouched.get("/api/orders/0").status == 404


def test_files_are_cached_aged_packed_and_purged(untouched: Production):
    path = files_of(untouched.get("/").body.decode())[0][0]
    first, second = untouched.get(path), untouched.get(path)
    assert second.headers["x-cache"] == "HIT"
    assert int(second.headers["age"]) >= 0
    assert "max-age=31536000" in second.headers["cache-control"]
    assert second.headers["content-encoding"] == "gzip"
    assert first.body == second.body == untouched.edge("assets.acme.test").ask("GET", path).body
    assert "1 files forgotten" in untouched.succeed("purge_cdn.sh")
    assert untouched.get("/api/products").headers["x-cache"] == "BYPASS"


def test_the_certificate_is_good_for_both_names_and_for_no_other(untouched: Production):
    for name in ("checkout.acme.test", "assets.acme.test"):
        assert untouched.edge(name).ask("GET", "/assets/none.js").status == 404
    with pytest.raises(ssl.SSLCertVerificationError):
        untouched.edge("other.acme.test").ask("GET", "/")


def leaf(production: Production) -> x509.Certificate:
    return x509.load_pem_x509_certificate((production.home / "ca" / "gateway.pem").read_bytes())


def test_the_published_list_of_revoked_certificates_is_signed_and_current(untouched: Production):
    point = leaf(untouched).extensions.get_extension_for_class(x509.CRLDistributionPoints).value[0]
    assert point.full_name
    answer = httpx.get(point.full_name[0].value)
    crl = x509.load_der_x509_crl(answer.content)
    root = x509.load_pem_x509_certificate((untouched.home / "ca" / "acme-root.pem").read_bytes())
    assert crl.is_signature_valid(root.public_key())
    assert crl.next_update_utc
    assert crl.next_update_utc > datetime.now(UTC) + timedelta(days=7)
    assert crl.get_revoked_certificate_by_serial_number(leaf(untouched).serial_number) is None
    assert leaf(untouched).not_valid_after_utc - leaf(untouched).not_valid_before_utc == timedelta(days=90)


def test_a_certificate_that_ends_soon_is_renewed_at_the_next_start(
    production: Production, monkeypatch: pytest.MonkeyPatch
):
    production.stop()
    monkeypatch.setattr(authority, "LEAF_DAYS", 20)
    authority.Authority(production.home / "ca").issue(
        ("checkout.acme.test", "assets.acme.test"), production.env["CHECKOUT_CRL_URL"]
    )
    short = leaf(production)
    monkeypatch.undo()
    production.start()
    assert leaf(production).serial_number != short.serial_number
    assert production.get("/healthz").status == 200


@pytest.mark.parametrize("transport", [dns.query.udp, dns.query.tcp])
@pytest.mark.parametrize(
    ("name", "kind", "code", "answers"),
    [
        ("checkout.acme.test", "A", dns.rcode.NOERROR, ["127.0.0.10"]),
        ("checkout-b.acme.test", "A", dns.rcode.NOERROR, ["127.0.0.3"]),
        ("checkout.acme.test", "AAAA", dns.rcode.NOERROR, []),
        ("nothing.acme.test", "A", dns.rcode.NXDOMAIN, []),
        ("example.org", "A", dns.rcode.REFUSED, []),
    ],
)
def test_the_name_server_answers_for_its_own_names(untouched: Production, transport, name, kind, code, answers):
    env = untouched.env
    reply = transport(
        dns.message.make_query(name, kind),
        env["CHECKOUT_NAMESERVER_ADDRESS"],
        port=int(env["CHECKOUT_NAMESERVER_PORT"]),
        timeout=20,
    )
    assert reply.rcode() == code
    assert [item.to_text() for rrset in reply.answer for item in rrset] == answers
    assert bool(reply.flags & dns.flags.AA) == (code != dns.rcode.REFUSED)


def test_the_name_server_survives_noise(untouched: Production):
    env = untouched.env
    where = (env["CHECKOUT_NAMESERVER_ADDRESS"], int(env["CHECKOUT_NAMESERVER_PORT"]))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for junk in (b"", b"\x00", b"x" * 500):
            noise.sendto(junk, where)
    assert dns.query.udp(dns.message.make_query("checkout.acme.test", "A"), where[0], port=where[1], timeout=20).answer


def test_the_environment_can_be_compared_with_stagings_without_a_value(untouched: Production):
    env = untouched.env
    assert ask("GET", env["CHECKOUT_ENV_DIGEST_URL"])[0] == 401
    _, production = ask("GET", env["CHECKOUT_ENV_DIGEST_URL"], token=env["CHECKOUT_ADMIN_TOKEN"])
    _, staging = ask("GET", env["CHECKOUT_STAGING_ENV_DIGEST_URL"], token=env["CHECKOUT_STAGING_ADMIN_TOKEN"])
    assert production["names"] == staging["names"]
    assert [name for name in production["names"] if production["digests"][name] == staging["digests"][name]] == []
    assert production["suspect"] == {}
    for line in (untouched.home / "hosts" / "a" / "environment").read_text().splitlines():
        assert line.split("=", 1)[1] not in str(production)


def test_a_restart_remembers_everything(production: Production):
    production.succeed("deploy_production.sh", version="1.4.2")
    order, before = production.order().json(), dict(production.env)
    production.stop()
    production.start()
    assert production.env == before
    assert production.versions() == {"a": "1.4.2", "b": "1.4.2"}
    assert production.get(f"/api/orders/{order['id']}").json() == order


def listens(url: str) -> bool:
    try:
        ask("GET", f"{url}/state")
    except OSError:
        return False
    return True


def test_nothing_is_left_behind_even_when_it_is_killed(production: Production):
    agents = [production.env["CHECKOUT_HOSTS"].split(",")[0].split("=")[1], production.env["CHECKOUT_MEMBER_A_URL"]]
    production.stop(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(map(listens, agents)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(listens, agents))
    production.start()
    assert production.get("/healthz").status == 200


def test_a_home_belongs_to_one_production(production: Production):
    second = subprocess.run(
        [sys.executable, "-m", "demo.production", "--home", production.home],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert "runs in" in second.stderr


def test_the_key_for_the_api_opens_and_the_one_before_it_does_not(untouched: Production):
    asked = {
        name: untouched.get("/api/key", **({"X-Api-Key": untouched.env[name]} if name else {})).status
        for name in ("CHECKOUT_API_KEY", "CHECKOUT_OLD_API_KEY", "")
    }
    assert asked == {"CHECKOUT_API_KEY": 200, "CHECKOUT_OLD_API_KEY": 401, "": 401}


def test_a_key_of_two_months_is_replaced_and_the_next_start_refuses_it(tmp_path: Path):
    file = tmp_path / "secrets.json"
    first = remembered_secrets(file)
    assert remembered_secrets(file) == first
    file.write_text(json.dumps({**first, "api_key_made": "2026-01-01T00:00:00+00:00"}))
    later = remembered_secrets(file)
    assert later["old_api_key"] == first["api_key"] != later["api_key"]


def test_each_host_tells_what_its_member_takes(untouched: Production):
    for name in ("CHECKOUT_AGENT_A_URL", "CHECKOUT_AGENT_B_URL"):
        status, state = ask("GET", f"{untouched.env[name]}/state", token=untouched.env["CHECKOUT_HOST_TOKEN"])
        assert status == 200
        assert 0.02 < state["usage"]["memory"] < 0.8
        assert 0 < state["usage"]["files"] < 0.8
        assert state["usage"]["cpu"] >= 0
