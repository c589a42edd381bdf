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
def name_server(records, *, code=None, deaf=False):
    """Answer over UDP from `{(name, type): [texts]}`; yields `host:port`."""
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
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *texts))
        elif alias:
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", *alias))
        elif name.to_text(omit_final_dot=True) not in known:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        reply.flags |= dns.flags.AA
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
