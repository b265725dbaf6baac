"""DNS through a port. Nothing is cached: who asks has just changed a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver as DnspythonResolver

LOOKUP_S = 4.0
TRY_S = 1.5  # one server; then the next is asked, or the same again


class LookupFailed(OSError):
    """No server gave an answer, neither that there is a record nor that there is none."""


class Resolver(Protocol):
    """Looks records up."""

    async def texts(self, name: str) -> list[str]:
        """Return the values of all TXT records of a name, through any CNAME; none if there is none. Raises LookupFailed."""
        ...


class DnsResolver:
    """Asks name servers: the machine's, or those that are named, each as `address` or `address:port`."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._servers = servers
        self._made: DnspythonResolver | None = None

    async def texts(self, name: str) -> list[str]:
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            answer = await self._resolver().resolve(name, "TXT", search=False, lifetime=LOOKUP_S)
        except (NXDOMAIN, NoAnswer):
            return []
        except (DNSException, OSError) as error:
            raise LookupFailed(type(error).__name__) from None
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    def _resolver(self) -> DnspythonResolver:
        """Return the library's resolver; a machine without name servers is told when somebody asks, not at start."""
        if self._made is None:
            from dns.asyncresolver import Resolver as DnspythonResolver
            from dns.nameserver import Do53Nameserver

            self._made = DnspythonResolver(configure=not self._servers)
            self._made.timeout = TRY_S
            if self._servers:
                self._made.nameservers = [Do53Nameserver(*_address(server)) for server in self._servers]
        return self._made


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.partition(":")
    return host, int(port or 53)
