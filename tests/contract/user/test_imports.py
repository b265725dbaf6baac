"""Imports over what user stores, in memory and in PostgreSQL: again, at once, and when people sign up meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.chassis import repeat
from services.chassis.principal import Principal
from services.user.domain import (
    AttributeSchema,
    Domain,
    DomainState,
    ImportedRows,
    ImportRow,
    Membership,
    MembershipNotFound,
    Organization,
    Outcome,
    Role,
    Team,
    TeamMember,
    User,
    UserState,
    membership_name,
)
from tests.conftest import NOON, Time
from tests.fakes.user import Ports
from tests.fakes.user_process import Parts, running
from trellis.user.v1 import import_service_pb2 as rpc

ACME, HIDDEN = "organizations/org_acme", "organizations/org_hidden"
ADA, EVE, FAY = "users/usr_ada", "users/usr_eve", "users/usr_fay"
OWNERS = {ACME: Principal(ADA, ACME), HIDDEN: Principal(EVE, HIDDEN)}
TEAM = f"{ACME}/teams/tea_1"
REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def fill(ports: Ports) -> None:
    """Ada owns ACME, where levels are known, and Eve owns HIDDEN."""
    async with ports.begin() as tx:
        for owner, where in ((ADA, ACME), (EVE, HIDDEN)):
            await tx.users.add(User(owner, f"{owner.removeprefix('users/usr_')}@example.com", "Owner", NOON, NOON))
            await tx.organizations.add(Organization(where, "Somewhere", NOON, NOON))
            await tx.memberships.add(Membership(where, owner, Role.OWNER, NOON, NOON))
        schema = {"type": "object", "properties": {"level": {"type": "integer"}}}
        await tx.attribute_schemas.save(AttributeSchema(ACME, schema, NOON, 1))
        await tx.commit()


def rows(*numbers: int, **values: object) -> list[ImportRow]:
    return [ImportRow(number, f"p{number}@example.com", f"P {number}", **values) for number in numbers]  # type: ignore[arg-type]


async def imported(parts: Parts, batch: list[ImportRow], where: str = ACME) -> ImportedRows:
    asked = repeat.current.set(repeat.NOT_REPEATABLE)
    try:
        return await parts.handlers.imports.import_users(where, batch, OWNERS[where])
    finally:
        repeat.current.reset(asked)


def outcomes(*answers: ImportedRows) -> list[Outcome]:
    return [result.outcome for answer in answers for result in answer.results]


async def test_what_is_imported_is_read_back_whole(ports: Ports, time: Time) -> None:
    await fill(ports)
    [fay] = rows(1, role=Role.ADMIN, attributes={"level": 3})
    found = await imported(Parts(ports, time), [replace(fay, language_code="de", time_zone="Europe/Zurich")])

    name = found.results[0].user
    assert await ports.users.get(name) == User(
        name,
        "p1@example.com",
        "P 1",
        NOON,
        NOON,
        "de",
        "Europe/Zurich",
        state=UserState.PROVISIONED,
        provisioned_by=ACME,
    )
    membership = await ports.memberships.get(membership_name(ACME, name))
    assert membership == Membership(ACME, name, Role.ADMIN, NOON, NOON, attributes={"level": 3})


async def test_the_same_rows_again_add_nobody(ports: Ports, time: Time) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    first = await imported(parts, rows(1, 2, attributes={"level": 1}))
    again = await imported(parts, rows(1, 2, attributes={"level": 1}))

    assert outcomes(first, again) == [Outcome.CREATED] * 2 + [Outcome.UNCHANGED] * 2
    assert [each.user for each in first.results] == [each.user for each in again.results]


async def test_attributes_of_many_change_at_once(ports: Ports, time: Time) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    first = await imported(parts, rows(1, 2, 3))
    time.move(hours=1)
    changed = await imported(parts, [*rows(1, attributes={"level": 1}), *rows(2), *rows(3, attributes={"level": 3})])

    assert outcomes(changed) == [Outcome.UPDATED, Outcome.UNCHANGED, Outcome.UPDATED]
    found = [await ports.memberships.get(membership_name(ACME, each.user)) for each in first.results]
    assert [(each.attributes, each.version, each.update_time == time()) for each in found] == [
        ({"level": 1}, 2, True),
        ({}, 1, False),
        ({"level": 3}, 2, True),
    ]


async def test_two_organizations_have_provisioned_users_of_their_own(ports: Ports, time: Time) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    here, there = await imported(parts, rows(1)), await imported(parts, rows(1), HIDDEN)

    assert outcomes(here, there) == [Outcome.CREATED, Outcome.CREATED]
    assert here.results[0].user != there.results[0].user


async def test_two_imports_at_once_with_the_same_people_make_each_once(ports: Ports, time: Time) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    batches = [rows(*range(first, first + 20)) for first in (1, 11, 1, 11)]
    answers = await asyncio.gather(*(imported(parts, batch) for batch in batches))

    assert outcomes(*answers).count(Outcome.CREATED) == 30
    assert len({each.user for answer in answers for each in answer.results}) == 30


async def test_twenty_streams_of_one_import_have_one_effect(ports: Ports, time: Time) -> None:
    await fill(ports)

    async def messages() -> AsyncIterator[rpc.ImportUsersRequest]:
        for number in range(3):
            people = [rpc.ImportedUser(email=f"p{number}{each}@example.com", display_name="P") for each in range(10)]
            yield rpc.ImportUsersRequest(parent=ACME, request_id=REQUEST_ID, rows=people)

    async with running(Parts(ports, time)) as process:
        caller = process.called_by(ADA, ACME, "owner")

        async def stream() -> list[rpc.ImportUsersResponse]:
            return [answer async for answer in process.imports.ImportUsers(messages(), metadata=caller)]

        answers = await asyncio.gather(*(stream() for _ in range(20)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0][-1].totals == rpc.ImportTotals(created=30)
    assert len({result.user for answer in answers[0] for result in answer.results}) == 30


async def sign_up(parts: Parts) -> None:
    """Let auth announce Fay, whose address is that of row 1."""
    asked = repeat.current.set(repeat.NOT_REPEATABLE)
    try:
        await parts.handlers.users.create_user(User(FAY, "p1@example.com", "Fay", NOON, NOON))
    finally:
        repeat.current.reset(asked)


async def test_whoever_signs_up_takes_over_every_membership_and_team(ports: Ports, time: Time) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    here = (await imported(parts, rows(1, role=Role.ADMIN, attributes={"level": 2}))).results[0].user
    there = (await imported(parts, rows(1), HIDDEN)).results[0].user
    async with ports.begin() as tx:
        await tx.teams.add(Team(TEAM, "Ops", NOON, NOON))
        await tx.teams.add_member(TeamMember(TEAM, here, NOON))
        await tx.commit()

    await sign_up(parts)

    own = await ports.memberships.resolve(ACME, FAY)
    assert (own.role, own.attributes, own.teams) == (Role.ADMIN, {"level": 2}, (TEAM,))
    assert (await ports.memberships.resolve(HIDDEN, FAY)).role is Role.MEMBER
    assert await gone(ports, here)
    assert await gone(ports, there)


async def test_signing_up_and_being_imported_at_once_makes_one_member_a_name(ports: Ports, time: Time) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    await imported(parts, rows(1))
    await asyncio.gather(*(sign_up(parts) for _ in range(5)), *(imported(parts, rows(1)) for _ in range(5)))

    again = await imported(parts, rows(1))
    assert (again.results[0].outcome, again.results[0].user) == (Outcome.UNCHANGED, FAY)


async def test_who_was_imported_and_captured_by_one_organization_is_a_member_once(ports: Ports, time: Time) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    await imported(parts, rows(1, role=Role.ADMIN))
    async with ports.begin() as tx:
        domain = Domain(ACME, "example.com", "c", NOON, NOON, capture=True)
        await tx.domains.add(replace(domain, state=DomainState.VERIFIED, verify_time=NOON, check_time=NOON))
        await tx.commit()

    await sign_up(parts)

    assert (await ports.memberships.resolve(ACME, FAY)).role is Role.ADMIN


async def test_a_provisioned_user_gets_no_token_and_goes_with_the_organization(ports: Ports, time: Time) -> None:
    await fill(ports)
    name = (await imported(Parts(ports, time), rows(1))).results[0].user
    async with ports.begin() as tx:
        organization = await tx.organizations.get(ACME)
        await tx.organizations.save(replace(organization, delete_time=NOON, purge_time=NOON))
        await tx.organizations.empty(ACME, 10)
        await tx.organizations.remove(ACME)
        await tx.commit()

    assert await gone(ports, name)


async def test_a_provisioned_user_whom_another_organization_took_in_keeps_no_organization_from_being_purged(
    ports: Ports, time: Time
) -> None:
    await fill(ports)
    parts = Parts(ports, time)
    name = (await imported(parts, rows(1))).results[0].user
    async with ports.begin() as tx:
        await tx.memberships.add(Membership(HIDDEN, name, Role.MEMBER, NOON, NOON))
        organization = await tx.organizations.get(ACME)
        await tx.organizations.save(replace(organization, delete_time=NOON, purge_time=NOON))
        await tx.commit()

    assert [await parts.lifecycle.purge_organizations() for _ in range(2)] == [True, False]

    assert await gone(ports, name)
    with pytest.raises(MembershipNotFound):
        await ports.memberships.get(membership_name(HIDDEN, name))


async def gone(ports: Ports, name: str) -> bool:
    """Whether a user is not there any more."""
    return not await ports.users.find_visible([name], name, "")
