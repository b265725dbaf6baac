"""The promises of the ports of custom attributes, held by the fakes and by PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.chassis.lists import ListQuery
from services.user.domain import AttributeSchema, unsaid
from tests.conftest import NOON
from tests.contract.user.test_store import ACME, BOB, HIDDEN, fill
from tests.fakes.user import Ports

KNOWN = {"department": "ops", "level": 3, "tags": ["a", "b"], "address": {"city": "Zürich"}, "since": None, "remote": True}


async def know(ports: Ports) -> None:
    """Let ACME know something of Bob."""
    await fill(ports)
    async with ports.begin() as tx:
        bob = await tx.memberships.get(f"{ACME}/memberships/usr_bob")
        await tx.memberships.save(replace(bob, attributes=KNOWN, version=2))
        await tx.commit()


async def test_a_schema_is_read_back_whole_and_none_is_the_one_that_allows_nothing(ports: Ports) -> None:
    await fill(ports)
    schema = AttributeSchema(ACME, {"type": "object", "properties": {"größe": {"type": "number", "maximum": 2.5}}}, NOON, 1)

    async with ports.begin() as tx:
        assert await tx.attribute_schemas.get(ACME) == unsaid(ACME)
        await tx.attribute_schemas.save(schema)
        await tx.commit()
    async with ports.begin() as tx:
        await tx.attribute_schemas.save(replace(schema, version=2))
        await tx.commit()

    assert await ports.attribute_schemas.get(ACME) == replace(schema, version=2)
    assert await ports.attribute_schemas.get(HIDDEN) == unsaid(HIDDEN)


async def test_attributes_are_read_back_whole(ports: Ports) -> None:
    await know(ports)

    assert (await ports.memberships.get(f"{ACME}/memberships/usr_bob")).attributes == KNOWN


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ('attributes.department = "ops"', [BOB]),
        ("attributes.level = 3", [BOB]),
        ("attributes.remote = true", [BOB]),
        ('attributes.address.city : "zür"', [BOB]),
        ('attributes.department = "sales"', []),
        ('attributes.nothing = "ops"', []),
        ('attributes.nothing != "ops"', []),
    ],
)
async def test_members_are_found_by_their_attributes(ports: Ports, filter_: str, found: list[str]) -> None:
    await know(ports)

    rows = await ports.memberships.list(ACME, ListQuery(filter=filter_))

    assert [each.user for each in rows.items] == found
