"""Where service accounts and API keys are kept, by the fake and by PostgreSQL alike."""

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

ORG, OTHER = "organizations/org_1", "organizations/org_2"
ADA, BOB = "users/usr_ada", "users/usr_bob"
HOUR = timedelta(hours=1)
ROBOT = ServiceAccount(f"{ORG}/serviceAccounts/sva_1", ORG, "Robot", "Imports.", "roles/member", NOON, NOON)
KEY = ApiKey(f"{ORG}/apiKeys/apk_1", ORG, ADA, "Nightly", ("teams.get", "users.list"), "abcd", NOON, NOON, NOON + 9 * HOUR)
OF_ROBOT = replace(KEY, name=f"{ORG}/apiKeys/apk_2", subject=ROBOT.name, create_time=NOON + HOUR)
HASH, SECOND = b"\x01" * 32, b"\x02" * 32
ALL = Managed(ADA, of_accounts=True, of_users=True)


async def add(ports: Ports, *things: ServiceAccount | ApiKey) -> None:
    async with ports.begin() as tx:
        for thing in things:
            if isinstance(thing, ServiceAccount):
                await tx.service_accounts.add(thing)
            else:
                await tx.api_keys.add(thing)
        await tx.commit()


async def give(ports: Ports, key: ApiKey, secret_hash: bytes = HASH) -> None:
    async with ports.begin() as tx:
        await tx.api_keys.add_secret(key.name, secret_hash, key.expire_time)
        await tx.commit()


async def names(ports: Ports, managed: Managed, *, organization: str = ORG, show_ended: bool = False) -> list[str]:
    found = await ports.api_keys.list(organization, managed, NOON + 2 * HOUR, ListQuery(), show_ended=show_ended)
    return [key.name for key in found.items]


async def test_accounts_are_found_change_and_go(ports: Ports) -> None:
    await add(ports, ROBOT)
    changed = replace(
        ROBOT,
        display_name="Other",
        description="",
        role="roles/admin",
        state=State.DISABLED,
        update_time=NOON + HOUR,
        version=2,
    )

    async with ports.begin() as tx:
        assert await tx.service_accounts.lock(ROBOT.name) == ROBOT
        await tx.service_accounts.save(changed)
        await tx.commit()
    assert await ports.service_accounts.get(ROBOT.name) == changed

    async with ports.begin() as tx:
        await tx.service_accounts.remove(ROBOT.name)
        await tx.commit()
    with pytest.raises(ServiceAccountNotFound) as caught:
        await ports.service_accounts.get(ROBOT.name)
    assert caught.value.metadata == {"service_account": ROBOT.name}


async def test_what_is_not_there_cannot_be_locked(ports: Ports) -> None:
    async with ports.begin() as tx:
        with pytest.raises(ServiceAccountNotFound):
            await tx.service_accounts.lock(ROBOT.name)
        with pytest.raises(ApiKeyNotFound) as caught:
            await tx.api_keys.lock(KEY.name)
    assert caught.value.metadata == {"api_key": KEY.name}


async def test_accounts_are_listed_by_organization_and_filter(ports: Ports) -> None:
    second = replace(ROBOT, name=f"{ORG}/serviceAccounts/sva_2", role="roles/admin", create_time=NOON + HOUR)
    await add(ports, ROBOT, second, replace(ROBOT, name=f"{OTHER}/serviceAccounts/sva_3", organization=OTHER))

    newest_first = await ports.service_accounts.list(ORG, ListQuery())
    members = await ports.service_accounts.list(ORG, ListQuery(filter='role = "roles/member"'))

    assert newest_first.items == [second, ROBOT]
    assert members.items == [ROBOT]


async def test_keys_are_found_and_change(ports: Ports) -> None:
    await add(ports, KEY)
    changed = replace(
        KEY,
        display_name="Other",
        scopes=("users.list",),
        hint="wxyz",
        update_time=NOON + HOUR,
        expire_time=NOON + 3 * HOUR,
        revoke_time=NOON + HOUR,
        version=2,
    )

    async with ports.begin() as tx:
        assert await tx.api_keys.lock(KEY.name) == KEY
        await tx.api_keys.save(changed)
        await tx.commit()

    assert await ports.api_keys.get(KEY.name) == changed
    with pytest.raises(ApiKeyNotFound):
        await ports.api_keys.get(OF_ROBOT.name)


async def test_noting_a_use_makes_no_other_version(ports: Ports) -> None:
    await add(ports, KEY)

    await ports.api_keys.note_use(KEY.name, NOON + HOUR)

    assert await ports.api_keys.get(KEY.name) == replace(KEY, last_used_time=NOON + HOUR)


async def test_everybody_lists_the_keys_they_manage(ports: Ports) -> None:
    of_bob = replace(KEY, name=f"{ORG}/apiKeys/apk_3", subject=BOB)
    ended = replace(KEY, name=f"{ORG}/apiKeys/apk_4", revoke_time=NOON + HOUR)
    expired = replace(KEY, name=f"{ORG}/apiKeys/apk_5", expire_time=NOON + 2 * HOUR)
    foreign = replace(KEY, name=f"{OTHER}/apiKeys/apk_6", organization=OTHER)
    await add(ports, ROBOT, KEY, OF_ROBOT, of_bob, ended, expired, foreign)

    own = Managed(ADA, of_accounts=False, of_users=False)
    assert await names(ports, own) == [KEY.name]
    assert sorted(await names(ports, replace(own, of_accounts=True))) == [KEY.name, OF_ROBOT.name]
    assert sorted(await names(ports, replace(own, of_users=True))) == [KEY.name, of_bob.name]
    assert sorted(await names(ports, own, show_ended=True)) == [KEY.name, ended.name, expired.name]
    assert sorted(await names(ports, ALL)) == [KEY.name, OF_ROBOT.name, of_bob.name]
    assert await names(ports, ALL, organization=OTHER) == [foreign.name]


async def test_a_secret_is_found_by_its_hash_alone(ports: Ports) -> None:
    await add(ports, ROBOT, KEY, OF_ROBOT)
    await give(ports, KEY)
    await give(ports, OF_ROBOT, SECOND)

    assert await ports.api_keys.find_presented(HASH) == Presented(KEY, KEY.expire_time, shut_out=False)
    of_robot = Presented(OF_ROBOT, OF_ROBOT.expire_time, shut_out=False, account_version=1)
    assert await ports.api_keys.find_presented(SECOND) == of_robot
    assert await ports.api_keys.find_presented(b"\x03" * 32) is None


async def test_older_secrets_end_and_never_later_than_they_would(ports: Ports) -> None:
    await add(ports, KEY)
    await give(ports, KEY)
    for end in (NOON + HOUR, NOON + 2 * HOUR):
        async with ports.begin() as tx:
            await tx.api_keys.end_secrets(KEY.name, end, now=NOON)
            await tx.commit()
    await give(ports, KEY, SECOND)

    found = [await ports.api_keys.find_presented(secret) for secret in (HASH, SECOND)]
    assert [each and each.expire_time for each in found] == [NOON + HOUR, KEY.expire_time]


async def test_secrets_whose_end_has_come_are_forgotten(ports: Ports) -> None:
    other = replace(KEY, name=f"{KEY.name}_other")
    await add(ports, KEY, other)
    await give(ports, KEY)
    await give(ports, other, SECOND)
    for now in (NOON, KEY.expire_time - HOUR):
        async with ports.begin() as tx:
            await tx.api_keys.end_secrets(KEY.name, NOON + HOUR, now=now)
            await tx.commit()

    assert await ports.api_keys.find_presented(HASH) is None
    assert await ports.api_keys.find_presented(SECOND) is not None


async def test_a_disabled_account_shuts_its_keys_out(ports: Ports) -> None:
    await add(ports, ROBOT, OF_ROBOT)
    await give(ports, OF_ROBOT)
    async with ports.begin() as tx:
        await tx.service_accounts.save(replace(ROBOT, state=State.DISABLED, version=2))
        await tx.commit()

    shut_out = Presented(OF_ROBOT, OF_ROBOT.expire_time, shut_out=True, account_version=2)
    assert await ports.api_keys.find_presented(HASH) == shut_out


async def test_a_deleted_account_takes_its_keys_and_no_others(ports: Ports) -> None:
    await add(ports, ROBOT, KEY, OF_ROBOT)
    await give(ports, KEY)
    await give(ports, OF_ROBOT, SECOND)

    async with ports.begin() as tx:
        await tx.service_accounts.remove(ROBOT.name)
        await tx.commit()

    assert await names(ports, ALL, show_ended=True) == [KEY.name]
    assert await ports.api_keys.find_presented(SECOND) is None
    assert await ports.api_keys.find_presented(HASH) is not None


async def test_a_deleted_organization_shuts_its_keys_out_until_it_is_back(ports: Ports) -> None:
    await add(ports, KEY)
    await give(ports, KEY)
    seen = []
    for change in ("close", "close", "reopen", "reopen"):
        async with ports.begin() as tx:
            if change == "close":
                await tx.organizations.close(ORG, NOON)
            else:
                await tx.organizations.reopen(ORG)
            await tx.commit()
        found = await ports.api_keys.find_presented(HASH)
        seen.append(found and found.shut_out)

    assert seen == [True, True, False, False]


async def test_the_keys_of_one_subject_in_one_organization_are_found(ports: Ports) -> None:
    elsewhere = replace(KEY, name=f"{OTHER}/apiKeys/apk_3", organization=OTHER)
    revoked = replace(KEY, name=f"{ORG}/apiKeys/apk_4", revoke_time=NOON)
    second = replace(KEY, name=f"{ORG}/apiKeys/apk_0")
    await add(
        ports, ROBOT, KEY, OF_ROBOT, elsewhere, revoked, second, replace(KEY, name=f"{ORG}/apiKeys/apk_5", subject=BOB)
    )

    async with ports.begin() as tx:
        assert await tx.api_keys.lock_unrevoked(ORG, ADA) == [second, KEY]
