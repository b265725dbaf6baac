"""`kill -9` in traffic: it comes back by itself, nobody sees worse than UNAVAILABLE, and nothing is lost or done twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

import pytest
import redis

from tests.e2e.client import Person, new_email, verification_of
from tests.e2e.platform import Platform, eventually
from tests.e2e.traffic import Record, traffic
from trellis.user.v1.events_pb2 import OrganizationCreated

VICTIMS = ("postgres", "valkey", "envoy", "auth", "user")
CREATED = b"user.v1.organization_created"
LINKS = 3
"""How many people follow their link while something is down: the edge lets few sign up in a minute."""


@pytest.mark.parametrize("victim", VICTIMS)
async def test_kill_9_in_traffic_loses_nothing(victim: str, platform: Platform, ada: Person) -> None:
    links = [verification_of(platform.rest, platform.mail, "Link", new_email()) for _ in range(LINKS)]
    old = platform.pids()[victim]
    record = await killed_in_traffic(victim, platform, ada, links)
    assert platform.pids()[victim] != old
    assert set(record.codes) <= {"OK", "UNAVAILABLE"}
    assert (record.lost, len(record.verified)) == ([], LINKS)
    assert stored(platform, record.acknowledged) == dict.fromkeys(record.acknowledged, 1)
    await asyncio.to_thread(every_event_took_effect_once, platform, record)


async def killed_in_traffic(victim: str, platform: Platform, person: Person, links: list[str]) -> Record:
    """Kill it while calls are under way, and let them go on until all is well again."""
    async with traffic(platform, person) as callers:
        await callers.until_acknowledged(20)
        following = asyncio.gather(*(callers.verify(link) for link in links))
        await asyncio.to_thread(platform.kill, victim)
        await following
        await callers.until_acknowledged(20)
    return callers.record


def stored(platform: Platform, names: Iterable[str]) -> dict[str, int]:
    """Return how often an organization of each name is stored."""
    wanted = ", ".join(f"'{name}'" for name in names)
    rows = platform.sql(
        "user", f"SELECT display_name, count(*) FROM organizations WHERE display_name IN ({wanted}) GROUP BY 1"
    )
    return {name: int(count) for name, count in (row.split("|") for row in rows.splitlines())}


def every_event_took_effect_once(platform: Platform, record: Record) -> None:
    """Every account that was verified is one user by one event; every organization that was made was announced."""
    for service in ("auth", "user"):
        eventually(lambda service=service: platform.sql(service, "SELECT count(*) FROM outbox") == "0")  # type: ignore[misc]
    accounts = platform.sql("auth", "SELECT count(*) FROM accounts")
    eventually(lambda: platform.sql("user", "SELECT count(*) FROM inbox WHERE subscription = 'user.accounts'") == accounts)
    assert platform.sql("user", "SELECT count(*) FROM users") == accounts
    assert users_among(platform, record.verified) == len(record.verified)
    announced = announcements(platform)
    made = organizations(platform, record.acknowledged)
    assert {name: announced[name] for name in made} == dict.fromkeys(made, 1)


def users_among(platform: Platform, names: list[str]) -> int:
    """Return how many of these users exist."""
    wanted = ", ".join(f"'{name}'" for name in names)
    return int(platform.sql("user", f"SELECT count(*) FROM users WHERE name IN ({wanted})"))


def organizations(platform: Platform, display_names: list[str]) -> set[str]:
    """Return the resource names of organizations."""
    wanted = ", ".join(f"'{name}'" for name in display_names)
    return set(platform.sql("user", f"SELECT name FROM organizations WHERE display_name IN ({wanted})").splitlines())


def announcements(platform: Platform) -> Counter[str]:
    """Return how many different events announced each organization's making: the wire may repeat one, not invent one."""
    with redis.Redis.from_url(platform.valkey_url) as valkey:
        entries = valkey.xrange("trellis:events:user.v1")
    created = {
        fields[b"id"]: OrganizationCreated.FromString(fields[b"data"]).organization
        for _, fields in entries
        if fields[b"type"] == CREATED
    }
    return Counter(created.values())
