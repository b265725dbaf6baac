"""The resolver against a real name server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from services.chassis import dns
from services.chassis.dns import DnsResolver, LookupFailed
from tests.dns_server import DnsServer, dns_server

NAME = "_trellis-challenge.example.com"


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with dns_server() as running:
        yield running


@pytest.fixture
def resolver(server: DnsServer) -> DnsResolver:
    return DnsResolver([server.address])


async def test_all_values_of_a_name_are_found(server: DnsServer, resolver: DnsResolver) -> None:
    server.texts[NAME] = ["v=spf1 -all", "trellis-verification=1"]

    assert sorted(await resolver.texts(NAME)) == ["trellis-verification=1", "v=spf1 -all"]


async def test_an_alias_is_followed(server: DnsServer, resolver: DnsResolver) -> None:
    server.aliases[NAME] = "challenges.example.net"
    server.texts["challenges.example.net"] = ["trellis-verification=1"]

    assert await resolver.texts(NAME) == ["trellis-verification=1"]


async def test_a_value_in_pieces_is_one_value(server: DnsServer, resolver: DnsResolver) -> None:
    server.texts[NAME] = ["x" * 300]

    assert await resolver.texts(NAME) == ["x" * 300]


async def test_an_answer_too_large_for_udp_comes_by_tcp(server: DnsServer, resolver: DnsResolver) -> None:
    server.texts[NAME] = [f"{number:0250}" for number in range(20)]

    assert len(await resolver.texts(NAME)) == 20
    assert server.asked == [f"udp {NAME}", f"tcp {NAME}"]


async def test_a_name_that_is_not_there_has_no_values(resolver: DnsResolver) -> None:
    assert await resolver.texts(NAME) == []


async def test_a_name_without_such_a_record_has_no_values(server: DnsServer, resolver: DnsResolver) -> None:
    server.empty.add(NAME)

    assert await resolver.texts(NAME) == []


async def test_an_alias_that_leads_nowhere_has_no_values(server: DnsServer, resolver: DnsResolver) -> None:
    server.aliases[NAME] = "nothing.example.net"

    assert await resolver.texts(NAME) == []


async def test_a_change_is_seen_at_once(server: DnsServer, resolver: DnsResolver) -> None:
    assert await resolver.texts(NAME) == []
    server.texts[NAME] = ["trellis-verification=1"]

    assert await resolver.texts(NAME) == ["trellis-verification=1"]


async def test_a_server_that_fails_is_no_answer(server: DnsServer, resolver: DnsResolver) -> None:
    server.broken.add(NAME)

    with pytest.raises(LookupFailed):
        await resolver.texts(NAME)


async def test_silence_ends(server: DnsServer, resolver: DnsResolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "LOOKUP_S", 0.3)
    server.silent.add(NAME)
    began_s = time.monotonic()

    with pytest.raises(LookupFailed):
        await resolver.texts(NAME)

    assert 0.3 <= time.monotonic() - began_s < 3


async def test_the_next_server_is_asked_where_one_fails(server: DnsServer) -> None:
    server.texts[NAME] = ["trellis-verification=1"]
    with dns_server() as failing:
        failing.broken.add(NAME)
        resolver = DnsResolver([failing.address, server.address])

        assert await resolver.texts(NAME) == ["trellis-verification=1"]

    assert failing.asked == [f"udp {NAME}"]


async def test_many_lookups_at_once_are_told_apart(server: DnsServer, resolver: DnsResolver) -> None:
    names = [f"_trellis-challenge.n{number}.example.com" for number in range(20)]
    server.texts |= {name: [name] for name in names}

    assert await asyncio.gather(*(resolver.texts(name) for name in names)) == [[name] for name in names]
