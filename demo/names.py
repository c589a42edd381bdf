"""Which address belongs to which name of acme.test?"""

import asyncio
import socket

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.zone

TTL = 60
LONGEST_TCP_WAIT_S = 10


def zone(addresses: dict[str, str], server: str) -> dns.zone.Zone:
    lines = [
        f"$TTL {TTL}",
        "@ IN SOA ns hostmaster 2026112301 3600 600 604800 60",
        "@ IN NS ns",
        f"ns IN A {server}",
        *(f"{name} IN A {address}" for name, address in sorted(addresses.items())),
    ]
    return dns.zone.from_text("\n".join(lines) + "\n", origin="acme.test.", relativize=False)


def answer(ours: dns.zone.Zone, wire: bytes) -> bytes | None:
    """Answer one question with authority, or say why not; noise gets silence."""
    try:
        query = dns.message.from_wire(wire)
        reply = dns.message.make_response(query)
    except dns.exception.DNSException:
        return None
    if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
        reply.set_rcode(dns.rcode.NOTIMP)
        return reply.to_wire()
    question = query.question[0]
    if ours.origin is None or not question.name.is_subdomain(ours.origin):
        reply.set_rcode(dns.rcode.REFUSED)
        return reply.to_wire()
    reply.flags |= dns.flags.AA
    node = ours.get_node(question.name)
    found = node.get_rdataset(dns.rdataclass.IN, question.rdtype) if node else None
    if found is not None:
        reply.find_rrset(reply.answer, question.name, found.rdclass, found.rdtype, create=True).update(found)
    else:
        if node is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        soa = ours.find_rdataset(ours.origin, dns.rdatatype.SOA)
        reply.find_rrset(reply.authority, ours.origin, soa.rdclass, soa.rdtype, create=True).update(soa)
    return reply.to_wire()


class OverUdp(asyncio.DatagramProtocol):
    def __init__(self, ours: dns.zone.Zone) -> None:
        self._ours = ours
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (reply := answer(self._ours, data)) and self._transport:
            self._transport.sendto(reply, addr)


async def serve(
    ours: dns.zone.Zone, udp: socket.socket, tcp: socket.socket
) -> tuple[asyncio.DatagramTransport, asyncio.Server]:
    async def over_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(LONGEST_TCP_WAIT_S):
                while True:
                    length = int.from_bytes(await reader.readexactly(2))
                    reply = answer(ours, await reader.readexactly(length))
                    if reply is None:
                        break
                    writer.write(len(reply).to_bytes(2) + reply)
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: OverUdp(ours), sock=udp)
    return transport, await asyncio.start_server(over_tcp, sock=tcp)
