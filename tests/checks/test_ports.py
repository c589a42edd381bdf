"""The check `ports`, on real sockets."""

import socket
from contextlib import ExitStack

import pytest

from bot.check import plugins
from bot.errors import ConfigError
from bot.model import Verdict
from checks.ports import ranges
from tests.checks.helpers import run_check


@pytest.fixture
def listening():
    """Ports at which somebody listens, and one at which nobody does."""
    with ExitStack() as stack:
        doors = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        yield [one.getsockname()[1] for one in doors], closed.getsockname()[1]


async def scan(allowed, look, **more):
    given = {"hosts": ["127.0.0.1"], "allow_private": True, "inside": True, "allow_on": ["staging"], **more}
    return await run_check(
        "ports", allowed=allowed, look=" ".join(map(str, look)), **{"release": {"environment": "staging"}, **given}
    )


async def test_exactly_what_is_allowed_is_open(listening):
    opened, closed = listening
    finding = await scan(opened, [*opened, closed])

    assert finding.verdict is Verdict.PASS, finding.summary
    assert (finding.values["open"], finding.values["closed"]) == (3, 1)
    assert finding.rows[0].values["from"] == "127.0.0.1"
    assert "seen from 127.0.0.1" in finding.summary


async def test_one_port_too_many_fails_and_is_named(listening):
    opened, _ = listening
    finding = await scan(opened[:2], opened)

    assert finding.verdict is Verdict.FAIL
    assert f"127.0.0.1:{opened[2]} is open and should not be" in finding.summary


async def test_one_port_too_few_fails_and_says_that_the_machine_refuses(listening):
    opened, closed = listening
    finding = await scan([*opened, closed], opened)

    assert finding.verdict is Verdict.FAIL
    assert finding.values["missing"] == 1
    assert f"127.0.0.1:{closed} is closed and should be open" in finding.summary


async def test_a_port_that_says_nothing_is_filtered_and_not_closed():
    """A listener whose queue is full answers nothing, as a firewall that drops does."""
    with socket.socket() as door, ExitStack() as stack:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        where = door.getsockname()
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(where)
        finding = await scan([], [where[1]], timeout_s=0.5)

    assert (finding.values["filtered"], finding.values["closed"], finding.values["open"]) == (1, 0, 0)


async def test_every_address_is_looked_at(listening):
    opened, _ = listening
    finding = await scan(opened, opened, hosts=["127.0.0.1", "127.0.0.2"])

    assert finding.verdict is Verdict.FAIL
    assert finding.values["tried"] == 6
    assert finding.values["missing"] == 3
    assert "127.0.0.2" in finding.summary


async def test_from_within_the_private_network_nothing_is_known_about_the_firewall(listening):
    opened, _ = listening
    finding = await scan(opened, opened, inside=False)

    assert finding.verdict is Verdict.UNKNOWN
    assert "within the same private network" in finding.summary


async def test_private_addresses_are_only_scanned_where_that_is_permitted(listening):
    finding = await scan([], listening[0], allow_private=False)

    assert finding.verdict is Verdict.UNKNOWN
    assert "127.0.0.1 is a private address" in finding.summary


async def test_ports_are_tried_where_that_is_allowed_and_no_more_than_the_budget(listening):
    opened, _ = listening
    elsewhere = await scan(opened, opened, release={"environment": "production"})
    many = await scan(opened, opened, hosts=["127.0.0.1", "127.0.0.2"], budget=5)

    assert elsewhere.verdict is Verdict.UNKNOWN
    assert "not measured in production: 'allow_on' permits it in staging" in elsewhere.summary
    assert many.verdict is Verdict.UNKNOWN
    assert "would be 6 connections, and 'budget' permits 5" in many.summary


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ("22 http", "'http' is neither a port nor a range"),
        ("80-22", "'80-22' ends before it begins"),
        ("0", "0 is no port"),
        ("65530-65536", "65536 is no port"),
        ("1-65535", "more than 5000 ports"),
    ],
)
async def test_what_cannot_be_scanned_is_refused(look, said):
    with pytest.raises(ConfigError, match=said):
        await scan([443], [look])


def test_ranges_are_read_and_the_scan_is_measured_by_itself():
    assert ranges("22, 8000-8002 22") == [22, 8000, 8001, 8002]
    assert plugins()["ports"].intrusive
    assert {22, 5432, 6379, 9200, 27017} <= set(ranges(plugins()["ports"].params.model_fields["look"].default))
