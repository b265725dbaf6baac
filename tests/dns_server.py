"""A real name server on loopback, UDP and TCP, that knows what a test tells it."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

UDP_BYTES = 1232


class DnsServer:
    """Answers TXT and CNAME. It follows a CNAME itself, as a recursive server does."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        """Values by name; one longer than 255 bytes is sent in pieces."""
        self.aliases: dict[str, str] = {}
        self.empty: set[str] = set()
        """Names that exist without any TXT record."""
        self.broken: set[str] = set()
        """Names that are answered with SERVFAIL."""
        self.silent: set[str] = set()
        """Names that are not answered at all."""
        self.asked: list[str] = []
        """`udp name` or `tcp name` of each question."""
        self.port = 0

    @property
    def address(self) -> str:
        """What a resolver is given."""
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        """Return the answer to a question, None for silence."""
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(f"{transport} {name}")
        if name in self.silent:
            return None
        reply = dns.message.make_response(query, recursion_available=True)
        self._fill(reply, name)
        whole = reply.to_wire()
        if transport == "tcp" or len(whole) <= UDP_BYTES:
            return whole
        short = dns.message.make_response(query, recursion_available=True)
        short.flags |= dns.flags.TC
        return short.to_wire()

    def _fill(self, reply: dns.message.Message, name: str) -> None:
        if name in self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return
        while name in self.aliases:
            target = self.aliases[name]
            reply.answer.append(dns.rrset.from_text(f"{name}.", 1, "IN", "CNAME", f"{target}."))
            name = target
        if texts := self.texts.get(name):
            quoted = [" ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255)) for text in texts]
            reply.answer.append(dns.rrset.from_text(f"{name}.", 1, "IN", "TXT", *quoted))
        elif name not in self.empty:
            reply.set_rcode(dns.rcode.NXDOMAIN)


@contextmanager
def dns_server() -> Iterator[DnsServer]:
    """Serve on a free port of loopback."""
    known = DnsServer()

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, socket = self.request
            if (answer := known.answer(wire, "udp")) is not None:
                socket.sendto(answer, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
            if (answer := known.answer(self.rfile.read(length), "tcp")) is not None:
                self.wfile.write(struct.pack("!H", len(answer)) + answer)

    udp, tcp = _on_one_port(Udp, Tcp)
    known.port = udp.server_address[1]
    with udp, tcp, _serving(udp), _serving(tcp):
        yield known


def _on_one_port(
    udp_handler: type[socketserver.BaseRequestHandler], tcp_handler: type[socketserver.BaseRequestHandler]
) -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
    """Bind both to a port that is free for both."""
    while True:
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), udp_handler)
        try:
            return udp, socketserver.ThreadingTCPServer(udp.server_address, tcp_handler)
        except OSError:
            udp.server_close()


@contextmanager
def _serving(server: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
