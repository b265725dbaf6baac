"""Where calls come from, as far as what is counted together goes."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

HOUSEHOLD_BITS = 64


def network_of(forwarded: str) -> str:
    """Return the network a call came from: an address of IPv4, a household's /64 of IPv6; empty if the edge said nothing.

    Only the last hop counts: the edge wrote it, and the caller whatever stands before.
    """
    try:
        address = ip_address(forwarded.rpartition(",")[2].strip())
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(ip_network((address, HOUSEHOLD_BITS), strict=False)) if address.version == 6 else str(address)
