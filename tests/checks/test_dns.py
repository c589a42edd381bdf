"""The check `dns`, against real name servers on loopback."""

import socket
import threading
from contextlib import ExitStack, contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from bot.model import Verdict
from tests.checks.helpers import closed_port, run_check

NAME = "checkout.acme.test"


@contextmanager
def name_server(records, *, code=None, deaf=False, memory=0):
    """Answer over UDP from `{(name, type): [texts]}`; yields `host:port`. With `memory` it is a cache, for so many seconds."""
    known = {name for name, _ in records}

    def answer(wire):
        query = dns.message.from_wire(wire)
        reply = dns.message.make_response(query)
        name, kind = query.question[0].name, dns.rdatatype.to_text(query.question[0].rdtype)
        texts = records.get((name.to_text(omit_final_dot=True), kind))
        alias = records.get((name.to_text(omit_final_dot=True), "CNAME"))
        if code:
            reply.set_rcode(code)
        elif texts:
            reply.answer.append(dns.rrset.from_text(name, memory or 60, "IN", kind, *texts))
        elif alias:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", *alias))
            if memory and alias[0].rstrip(".") not in known:
                reply.set_rcode(dns.rcode.NXDOMAIN)
        elif name.to_text(omit_final_dot=True) not in known:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            if memory:
                zone = "a.acme.test. hostmaster.acme.test. 1 3600 600 86400 300"
                reply.authority.append(dns.rrset.from_text("acme.test.", memory, "IN", "SOA", zone))
        reply.flags |= 0 if memory else dns.flags.AA
        return reply.to_wire()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.settimeout(0.05)
        over = threading.Event()

        def serve():
            while not over.is_set():
                try:
                    wire, who = door.recvfrom(4096)
                except TimeoutError:
                    continue
                if not deaf:
                    door.sendto(answer(wire), who)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{door.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


RIGHT = {(NAME, "A"): ["192.0.2.10", "192.0.2.11"]}
STALE = {(NAME, "A"): ["192.0.2.9"]}


async def measure(*servers, **params):
    with ExitStack() as stack:
        asked = [one if isinstance(one, str) else stack.enter_context(one) for one in servers]
        given = {"names": [NAME], "expect": ["192.0.2.11", "192.0.2.10"], "resolvers": asked, **params}
        return await run_check("dns", **given)


async def test_servers_that_agree_pass():
    finding = await measure(name_server(RIGHT), name_server(RIGHT))
    assert finding.verdict is Verdict.PASS
    assert finding.summary == f"{NAME} is 192.0.2.10, 192.0.2.11 at 2 servers, kept for 1 min"


async def test_a_server_that_still_says_the_old_address_fails_and_is_named():
    finding = await measure(name_server(RIGHT), name_server(STALE))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["disagreeing"] == 1
    assert "is 192.0.2.9, not 192.0.2.10, 192.0.2.11" in finding.summary


async def test_a_cache_that_is_behind_is_a_warning_until_it_must_have_forgotten_the_old_answer():
    soon = await measure(name_server(RIGHT), name_server(STALE, memory=240))
    assert soon.verdict is Verdict.WARN
    assert soon.values["ttl_left"] == 240
    assert "still says that checkout.acme.test is 192.0.2.9, for 4 min at most; the zone has the new" in soon.summary
    late = await measure(name_server(RIGHT), name_server(STALE, memory=7200))
    assert late.verdict is Verdict.FAIL
    assert "ttl left 2 h, at most 5 min is allowed" in late.summary


async def test_a_cache_that_remembers_that_there_was_no_such_name_is_behind_as_well():
    finding = await measure(name_server(RIGHT), name_server({("other.test", "A"): ["192.0.2.1"]}, memory=120))
    assert finding.verdict is Verdict.WARN
    assert finding.values["ttl_left"] == 120
    assert f"still says that {NAME} does not exist" in finding.summary


async def test_a_cache_is_not_behind_while_the_zone_itself_is_wrong_or_not_asked():
    for servers in (
        [name_server(STALE, memory=60)],
        [name_server(RIGHT, memory=60), name_server(STALE, memory=60)],
        [name_server(STALE), name_server(STALE, memory=60)],
    ):
        finding = await measure(*servers)
        assert finding.verdict is Verdict.FAIL
        assert finding.values["behind"] == 0


async def test_an_ipv6_address_that_nobody_listed_is_a_warning_and_one_that_is_listed_has_to_be_there():
    both = {**RIGHT, (NAME, "AAAA"): ["2001:db8::10"]}
    listed = ["192.0.2.11", "192.0.2.10", "2001:db8::10"]
    forgotten = await measure(name_server(both))
    assert forgotten.verdict is Verdict.WARN
    assert f"{NAME} is also 2001:db8::10, by IPv6, which is not listed" in forgotten.summary
    assert (await measure(name_server(both), expect=listed)).verdict is Verdict.PASS
    gone = await measure(name_server(RIGHT), expect=listed)
    assert gone.verdict is Verdict.FAIL
    assert f"does not say that {NAME} is 2001:db8::10" in gone.summary


async def test_an_address_too_many_fails():
    finding = await measure(name_server({(NAME, "A"): [*RIGHT[NAME, "A"], "203.0.113.66"]}))
    assert finding.verdict is Verdict.FAIL
    assert finding.values["unexpected"] == 1


@pytest.mark.parametrize(
    ("records", "how", "said"),
    [
        ({("other.test", "A"): ["192.0.2.1"]}, {}, f"{NAME} does not exist"),
        ({(NAME, "MX"): ["10 mail.acme.test."]}, {}, f"{NAME} has no A record"),
        ({(NAME, "CNAME"): ["gone.acme.test."]}, {}, "gone.acme.test does not exist"),
        (RIGHT, {"code": dns.rcode.REFUSED}, "answers REFUSED"),
        (RIGHT, {"code": dns.rcode.SERVFAIL}, "answers SERVFAIL"),
    ],
)
async def test_a_name_without_an_answer_fails_and_says_which_way(records, how, said):
    finding = await measure(name_server(records, **how))
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary


async def test_an_alias_that_a_cache_follows_into_nothing_fails_and_says_where_it_ends():
    finding = await measure(name_server({(NAME, "CNAME"): ["gone.acme.test."]}, memory=60))
    assert finding.verdict is Verdict.FAIL
    assert "gone.acme.test does not exist" in finding.summary


async def test_an_alias_is_followed_to_its_addresses():
    records = {(NAME, "CNAME"): ["edge.acme.test."], ("edge.acme.test", "A"): RIGHT[NAME, "A"]}
    finding = await measure(name_server(records))
    assert finding.verdict is Verdict.PASS
    assert "edge.acme.test" in finding.rows[0].note


async def test_an_alias_can_be_what_is_expected():
    finding = await measure(
        name_server({(NAME, "CNAME"): ["Edge.CDN.example."]}), type="CNAME", expect=["edge.cdn.example"]
    )
    assert finding.verdict is Verdict.PASS


async def test_a_circle_of_aliases_ends():
    finding = await measure(name_server({(NAME, "CNAME"): ["b.test."], ("b.test", "CNAME"): [f"{NAME}."]}))
    assert finding.verdict is Verdict.FAIL


@pytest.mark.parametrize("silent", ["deaf", "down"])
async def test_a_silent_server_is_unknown_and_not_a_fail(silent):
    server = name_server(RIGHT, deaf=True) if silent == "deaf" else closed_port()
    alone = await measure(server, timeout_s=0.5)
    assert alone.verdict is Verdict.UNKNOWN
    assert "does not answer" in alone.summary
    beside = await measure(name_server(RIGHT), closed_port(), timeout_s=0.5)
    assert beside.verdict is Verdict.UNKNOWN
    assert beside.values["silent"] == 1


async def test_a_name_server_can_be_the_only_one_asked():
    with name_server(RIGHT) as one:
        finding = await run_check("dns", names=[NAME], expect=RIGHT[NAME, "A"], name_server=one)
    assert finding.verdict is Verdict.PASS


async def test_a_name_in_place_of_a_server_s_address_is_refused():
    finding = await measure("dns.example.com")
    assert finding.verdict is Verdict.UNKNOWN
    assert "is not the address of a name server" in finding.summary
