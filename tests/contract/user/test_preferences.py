"""The promises of the port of preferences, held by the fake and by PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.user.domain import OrganizationNotFound, Preferences, UserNotFound, preferences_of
from tests.conftest import NOON
from tests.contract.user.test_store import ACME, ADA, BOB, fill
from tests.fakes.user import Ports

MINE, OURS = preferences_of(ADA), preferences_of(ACME)


async def test_what_was_never_said_is_there_empty(ports: Ports) -> None:
    await fill(ports)

    assert await ports.preferences.find([MINE, OURS]) == {MINE: Preferences(MINE), OURS: Preferences(OURS)}


@pytest.mark.parametrize("name", [MINE, OURS])
async def test_what_was_committed_is_read_back_whole(ports: Ports, name: str) -> None:
    await fill(ports)
    said = Preferences(name, 2, 3, 2, 3, 2, 100, NOON, 1)

    async with ports.begin() as tx:
        assert await tx.preferences.get(name) == Preferences(name)
        await tx.preferences.save(said)
        await tx.commit()
    async with ports.begin() as tx:
        await tx.preferences.save(replace(await tx.preferences.get(name), theme=1, version=2))
        await tx.commit()

    assert await ports.preferences.find([name]) == {name: replace(said, theme=1, version=2)}
    assert await ports.preferences.find([preferences_of(BOB)]) == {preferences_of(BOB): Preferences(preferences_of(BOB))}


async def test_nobody_has_none(ports: Ports) -> None:
    async with ports.begin() as tx:
        with pytest.raises(UserNotFound):
            await tx.preferences.get(MINE)
        with pytest.raises(OrganizationNotFound):
            await tx.preferences.get(OURS)
