"""Asking on the network: one new connection to one address, and never further than was permitted."""

import asyncio
from dataclasses import replace

import pytest
import trustme

from bot import net
from bot.errors import Cannot, Unreachable
from bot.net import Net, join, place, split
from tests.checks.helpers import closed_port, server_tls, site

LOCAL = Net(allow_private=True)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "root.pem"))
    cert = authority.issue_cert("site.test")
    cert.private_key_and_cert_chain_pem.write_to_path(str(folder / "site.pem"))
    return server_tls(str(folder / "site.pem"), None), str(folder / "root.pem")


async def test_a_pinned_address_is_asked_with_the_name_in_tls_and_in_http(tls):
    names = []
    server, ca_file = tls
    server.sni_callback = lambda _, name, __: names.append(name)
    with site(lambda _: (200, [("X-Twice", "a"), ("X-Twice", "b")], "hello"), tls=server) as one:
        net = replace(LOCAL, ca_file=ca_file)
        answer = await net.ask(f"https://site.test:{one.port}/path?q=1", address=one.at)
    assert answer.status == 200
    assert answer.text() == "hello"
    assert answer.all("x-twice") == ("a", "b")
    assert answer.address == one.at
    assert names == ["site.test"]
    assert one.asked[0].headers["Host"] == f"site.test:{one.port}"
    assert one.asked[0].path == "/path?q=1"


@pytest.mark.parametrize(("url", "trusted"), [("https://other.test", True), ("https://site.test", False)])
async def test_a_certificate_for_another_name_or_by_a_stranger_is_refused(tls, url, trusted):
    with site(lambda _: (200, [], ""), tls=tls[0]) as one:
        net = replace(LOCAL, ca_file=tls[1] if trusted else "")
        with pytest.raises(Unreachable, match=r"the certificate is not trusted|CERTIFICATE_VERIFY_FAILED"):
            await net.ask(f"{url}:{one.port}/", address=one.at)


async def test_a_redirect_into_the_private_network_is_refused():
    # The first hop is permitted by hand here; what a redirect leads to is looked at by the same rule.
    with site(lambda _: (302, [("Location", "http://127.0.0.1:1/secret")], "")) as one:
        with pytest.raises(Cannot, match="private address"):
            await Net().ask(one.url, address=one.at)
        with pytest.raises(Unreachable):
            await LOCAL.ask(f"http://{one.at}/", follow=1)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
    ],
)
def test_a_private_address_is_private_also_inside_another(address):
    with pytest.raises(Cannot, match="private address"):
        Net().allowed(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "64:ff9b::5db8:d70e", "2002:5db8:d70e::1"])
def test_what_leads_to_the_world_is_asked(address):
    assert Net().allowed(address) == address


async def test_secrets_in_headers_do_not_follow_a_redirect():
    with (
        site(lambda _: (200, [], "there")) as other,
        site(lambda _: (302, [("Location", f"http://{other.at}/")], "")) as one,
    ):
        answer = await LOCAL.ask(f"http://{one.at}/", headers={"Authorization": "Bearer x", "Accept": "a/b"}, follow=2)
    assert answer.text() == "there"
    assert one.asked[0].headers["Authorization"] == "Bearer x"
    assert other.asked[0].headers["Authorization"] is None
    assert other.asked[0].headers["Accept"] == "a/b"


async def test_redirects_that_go_on_for_ever_end():
    with site(lambda _: (302, [("Location", "/again")], "")) as one:
        answer = await LOCAL.ask(f"http://{one.at}/", follow=3)
    assert answer.status == 302
    assert len(one.asked) == 4


async def test_nobody_there_is_unreachable_with_a_sentence():
    with pytest.raises(Unreachable, match=r"http://site\.test/ at 127\.0\.0\.1:\d+: "):
        await LOCAL.ask("http://site.test/", address=closed_port())


@pytest.mark.parametrize("url", ["ftp://x.test/", "no url", "http://", "http://x:99999/"])
async def test_what_is_no_url_is_refused(url):
    with pytest.raises(Cannot, match="is not a"):
        await LOCAL.ask(url)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.test", ("a.test", 443)),
        ("a.test:8443", ("a.test", 8443)),
        ("::1", ("::1", 443)),
        ("[::1]:8443", ("::1", 8443)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
    ],
)
def test_addresses_are_read_with_and_without_port(text, parts):
    assert split(text, 443) == parts
    assert split(join(*parts), 1) == parts


@pytest.mark.parametrize("text", ["a.test:", "a.test:x", "a.test:0", "a.test:70000"])
def test_a_port_that_is_none_is_refused(text):
    if text.endswith(":"):
        assert split(text, 443) == ("a.test", 443)
    else:
        with pytest.raises(Cannot):
            split(text, 443)


def test_the_place_of_a_url():
    assert place("https://a.test/x") == ("a.test", 443)
    assert place("http://a.test:81") == ("a.test", 81)


async def test_a_file_of_certificates_that_is_none_is_said_so(tmp_path):
    (tmp_path / "root.pem").write_text("no certificate")
    for path in (tmp_path / "root.pem", tmp_path / "nothing.pem"):
        with pytest.raises(Cannot, match="could not be read"):
            await replace(LOCAL, ca_file=str(path)).ask("https://site.test/", address=closed_port())


@pytest.mark.parametrize(("routed", "found"), [(True, ("192.0.2.1", "2001:db8::1")), (False, ("192.0.2.1",))])
async def test_addresses_that_this_machine_has_no_way_to_are_left_out(monkeypatch, routed, found):
    async def both(*_, **__):
        return [(0, 0, 0, "", ("2001:db8::1", 0)), (0, 0, 0, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    monkeypatch.setattr(net, "_routed", lambda _: routed)
    assert await LOCAL.resolve("site.test") == found
