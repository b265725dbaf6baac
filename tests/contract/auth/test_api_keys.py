"""What is stored of service accounts and API keys, in memory and in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.auth.domain import (
    ApiKey,
    ApiKeyNotFound,
    Managed,
    Presented,
    ServiceAccount,
    ServiceAccountNotFound,
    State,
)
from services.chassis.lists import ListQuery
from tests.conftest import NOON
from tests.fakes.auth import Ports

NOW, DAY = NOON, timedelta(days=1)
ACME, OTHER = "organizations/org_acme", "organizations/org_other"
ADA, BOB = "users/usr_ada", "users/usr_bob"
ROBOT = ServiceAccount(f"{ACME}/serviceAccounts/sva_1", ACME, "Robot", "Counts", "roles/member", NOW, NOW)
ADAS = ApiKey(f"{ACME}/apiKeys/apk_1", ACME, ADA, "Laptop", ("teams.list", "users.list"), "abcd", NOW, NOW, NOW + 90 * DAY)
ROBOTS = replace(ADAS, name=f"{ACME}/apiKeys/apk_2", subject=ROBOT.name, create_time=NOW + DAY)
BOBS = replace(ADAS, name=f"{ACME}/apiKeys/apk_3", subject=BOB, create_time=NOW + 2 * DAY)
FOREIGN = replace(ADAS, name=f"{OTHER}/apiKeys/apk_4", organization=OTHER)
FIRST, SECOND, UNKNOWN = (bytes([number]) * 32 for number in range(3))


@pytest.fixture
async def filled(ports: Ports) -> Ports:
    async with ports.begin() as tx:
        await tx.service_accounts.add(ROBOT)
        for key in (ADAS, ROBOTS, BOBS, FOREIGN):
            await tx.api_keys.add(key)
        await tx.api_keys.add_secret(ADAS.name, FIRST, NOW + 90 * DAY)
        await tx.api_keys.add_secret(ROBOTS.name, SECOND, NOW + 90 * DAY)
        await tx.commit()
    return ports


async def names(ports: Ports, managed: Managed, *, show_ended: bool = False, at: timedelta = DAY * 0) -> list[str]:
    rows = await ports.api_keys.list(ACME, managed, NOW + at, ListQuery(), show_ended=show_ended)
    return [key.name for key in rows.items]


async def test_accounts_and_keys_come_back_as_they_went(filled: Ports) -> None:
    assert await filled.service_accounts.get(ROBOT.name) == ROBOT
    assert await filled.api_keys.get(ADAS.name) == ADAS


async def test_what_is_not_there(ports: Ports) -> None:
    with pytest.raises(ServiceAccountNotFound):
        await ports.service_accounts.get(ROBOT.name)
    with pytest.raises(ApiKeyNotFound):
        await ports.api_keys.get(ADAS.name)
    async with ports.begin() as tx:
        with pytest.raises(ServiceAccountNotFound):
            await tx.service_accounts.lock(ROBOT.name)
        with pytest.raises(ApiKeyNotFound):
            await tx.api_keys.lock(ADAS.name)


async def test_a_secret_is_found_by_its_hash(filled: Ports) -> None:
    assert await filled.api_keys.find_presented(FIRST) == Presented(ADAS, NOW + 90 * DAY, shut_out=False)
    assert await filled.api_keys.find_presented(SECOND) == Presented(ROBOTS, NOW + 90 * DAY, False, account_version=1)
    assert await filled.api_keys.find_presented(UNKNOWN) is None


async def test_secrets_end_when_they_are_to_and_never_later_than_they_would_have(filled: Ports) -> None:
    async with filled.begin() as tx:
        await tx.api_keys.end_secrets(ADAS.name, NOW + 7 * DAY)
        await tx.api_keys.add_secret(ADAS.name, UNKNOWN, NOW + 90 * DAY)
        await tx.commit()
    async with filled.begin() as tx:
        await tx.api_keys.end_secrets(ADAS.name, NOW + 30 * DAY)
        await tx.commit()

    found = [await filled.api_keys.find_presented(each) for each in (FIRST, UNKNOWN, SECOND)]
    assert [each and each.expire_time for each in found] == [NOW + 7 * DAY, NOW + 30 * DAY, NOW + 90 * DAY]


async def test_a_disabled_account_is_shut_out_and_nobody_else(filled: Ports) -> None:
    async with filled.begin() as tx:
        account = await tx.service_accounts.lock(ROBOT.name)
        await tx.service_accounts.save(account.disable(NOW + DAY)[0])
        await tx.commit()

    assert (await filled.service_accounts.get(ROBOT.name)).state is State.DISABLED
    robots, adas = [await filled.api_keys.find_presented(each) for each in (SECOND, FIRST)]
    assert robots == Presented(ROBOTS, NOW + 90 * DAY, shut_out=True, account_version=2)
    assert adas is not None
    assert not adas.shut_out


async def test_a_deleted_organization_is_shut_out_until_it_is_back(filled: Ports) -> None:
    for step in ("close", "close", "reopen", "reopen"):
        async with filled.begin() as tx:
            if step == "close":
                await tx.organizations.close(ACME, NOW)
            else:
                await tx.organizations.reopen(ACME)
            await tx.commit()
        found = await filled.api_keys.find_presented(FIRST)
        assert found is not None
        assert found.shut_out == (step == "close")


async def test_an_account_goes_with_its_keys_and_their_secrets(filled: Ports) -> None:
    async with filled.begin() as tx:
        await tx.service_accounts.remove(ROBOT.name)
        await tx.commit()

    assert await filled.api_keys.find_presented(SECOND) is None
    with pytest.raises(ApiKeyNotFound):
        await filled.api_keys.get(ROBOTS.name)
    assert await filled.api_keys.get(ADAS.name) == ADAS


async def test_a_changed_key_is_kept_and_its_use_is_no_change(filled: Ports) -> None:
    revoked, _ = ADAS.narrow(["users.list"], NOW + DAY).revoke(NOW + DAY)
    async with filled.begin() as tx:
        await tx.api_keys.save(revoked)
        await tx.commit()
    await filled.api_keys.note_use(ADAS.name, NOW + 2 * DAY)

    assert await filled.api_keys.get(ADAS.name) == replace(revoked, last_used_time=NOW + 2 * DAY)


@pytest.mark.parametrize(
    ("managed", "found"),
    [
        (Managed(ADA, of_accounts=False, of_users=False), [ADAS]),
        (Managed(ADA, of_accounts=True, of_users=False), [ROBOTS, ADAS]),
        (Managed(ADA, of_accounts=False, of_users=True), [BOBS, ADAS]),
        (Managed(ROBOT.name, of_accounts=False, of_users=False), [ROBOTS]),
        (Managed("users/usr_eve", of_accounts=True, of_users=True), [BOBS, ROBOTS, ADAS]),
    ],
)
async def test_a_list_has_what_the_caller_manages_in_this_organization(
    filled: Ports, managed: Managed, found: list[ApiKey]
) -> None:
    assert await names(filled, managed) == [key.name for key in found]


async def test_ended_keys_are_listed_if_asked_for(filled: Ports) -> None:
    everybody = Managed(ADA, of_accounts=True, of_users=True)
    async with filled.begin() as tx:
        await tx.api_keys.save(ADAS.revoke(NOW)[0])
        await tx.commit()

    assert await names(filled, everybody) == [BOBS.name, ROBOTS.name]
    assert await names(filled, everybody, at=90 * DAY) == []
    assert await names(filled, everybody, show_ended=True) == [BOBS.name, ROBOTS.name, ADAS.name]


async def test_accounts_are_listed_by_organization(filled: Ports) -> None:
    query = ListQuery(filter='role = "roles/member"', order_by="display_name")

    assert (await filled.service_accounts.list(ACME, query)).items == [ROBOT]
    assert (await filled.service_accounts.list(OTHER, query)).items == []
