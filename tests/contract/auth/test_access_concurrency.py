"""Roles and role bindings changed by many at once, over PostgreSQL."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import grpc
import pytest

from services.auth.domain import Account
from services.auth.domain.roles import MOST_ROLES
from services.chassis.db.session import Database
from tests.component.auth.acme import ACME, ADA, BOB, CID, ROLES, TEAM, Acme
from tests.component.refusals import refused_by
from tests.conftest import Time
from tests.fakes.auth import Ports
from tests.fakes.auth_process import PASSWORD, Parts, running
from trellis.auth.v1 import role_binding_service_pb2 as bindings
from trellis.auth.v1 import role_service_pb2 as roles
from trellis.policies import ROLE_PERMISSIONS


@pytest.fixture
async def acme(sql: Ports, time: Time) -> AsyncIterator[Acme]:
    """ACME with two owners and a member."""
    await sql.crowd()
    async with running(Parts(sql, time)) as service:
        async with sql.begin() as tx:
            for user in (ADA, BOB, CID):
                email = f"{user.removeprefix('users/usr_')}@example.com"
                await tx.accounts.add(Account(user, email, user, f"new:{PASSWORD}", time()))
            await tx.commit()
        for user, role in {**ROLES, BOB: "owner"}.items():
            service.parts.memberships.known[ACME, user] = ROLE_PERMISSIONS[role]
        yield Acme(service)


async def outcome(call: Awaitable[Any]) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return refused_by(error).reason
    return "done"


async def stored(database: Database, what: str) -> list[Any]:
    return await database.pool.fetch(f"SELECT * FROM {what}")


async def test_of_two_owners_who_change_a_role_at_once_one_reads_it_again(acme: Acme, database: Database) -> None:
    role = await acme.make_role("users.list")
    tokens = [await acme.token(ADA), await acme.token(BOB)] * 5

    def change(number: int) -> Awaitable[roles.Role]:
        changed = roles.Role(name=role.name, display_name=f"Name {number}", etag=role.etag)
        return acme.service.roles.UpdateRole(roles.UpdateRoleRequest(role=changed), metadata=tokens[number])

    outcomes = Counter(await asyncio.gather(*(outcome(change(number)) for number in range(10))))

    assert outcomes == {"done": 1, "ETAG_MISMATCH": 9}
    [row] = await stored(database, "roles")
    assert row["version"] == 2


async def test_a_role_is_never_deleted_from_under_a_binding(acme: Acme, database: Database) -> None:
    token = await acme.token(ADA)
    made = [await acme.make_role("users.list") for _ in range(8)]

    def delete(role: roles.Role) -> Awaitable[roles.Role]:
        return acme.service.roles.DeleteRole(roles.DeleteRoleRequest(name=role.name), metadata=token)

    def bind(role: roles.Role) -> Awaitable[bindings.RoleBinding]:
        binding = bindings.RoleBinding(role=role.name, subject=CID)
        request = bindings.CreateRoleBindingRequest(parent=ACME, role_binding=binding)
        return acme.service.role_bindings.CreateRoleBinding(request, metadata=token)

    outcomes = await asyncio.gather(
        *(asyncio.gather(outcome(delete(role)), outcome(bind(role))) for role in made[:4]),
        *(asyncio.gather(outcome(bind(role)), outcome(delete(role))) for role in made[4:]),
    )

    for one, other in outcomes:
        assert {one, other} in ({"done", "ROLE_NOT_FOUND"}, {"done", "ROLE_IN_USE"})
    kept = {row["name"] for row in await stored(database, "roles")}
    assert {row["role"] for row in await stored(database, "role_bindings")} == kept


async def test_a_role_of_owners_never_ends_up_with_a_team(acme: Acme, database: Database) -> None:
    token = await acme.token(ADA)
    made = [await acme.make_role("users.list") for _ in range(6)]

    def strengthen(role: roles.Role) -> Awaitable[roles.Role]:
        stronger = roles.Role(name=role.name, permissions=["organizations.delete"])
        return acme.service.roles.UpdateRole(roles.UpdateRoleRequest(role=stronger), metadata=token)

    def bind(role: roles.Role) -> Awaitable[bindings.RoleBinding]:
        binding = bindings.RoleBinding(role=role.name, subject=TEAM)
        request = bindings.CreateRoleBindingRequest(parent=ACME, role_binding=binding)
        return acme.service.role_bindings.CreateRoleBinding(request, metadata=token)

    outcomes = await asyncio.gather(*(asyncio.gather(outcome(strengthen(role)), outcome(bind(role))) for role in made))

    assert [sorted(pair) for pair in outcomes] == [["ROLE_FOR_USERS_ONLY", "done"]] * 6


async def test_the_same_binding_made_by_twenty_is_made_once(acme: Acme, database: Database) -> None:
    tokens = [await acme.token(ADA), await acme.token(BOB)]
    request = bindings.CreateRoleBindingRequest(
        parent=ACME, role_binding=bindings.RoleBinding(role="roles/admin", subject=CID)
    )

    outcomes = Counter(
        await asyncio.gather(
            *(
                outcome(acme.service.role_bindings.CreateRoleBinding(request, metadata=tokens[number % 2]))
                for number in range(20)
            )
        )
    )

    assert outcomes == {"done": 1, "ROLE_BINDING_EXISTS": 19}
    topics = Counter(row["topic"] for row in await stored(database, "outbox"))
    assert topics["auth.v1.role_binding_created"] == 1


async def test_the_last_role_there_may_be_is_made_once(acme: Acme, database: Database) -> None:
    await database.pool.executemany(
        "INSERT INTO roles VALUES ($1, $2, '', '', '{}', now(), now(), 1)",
        [(f"{ACME}/roles/rol_{number}", ACME) for number in range(MOST_ROLES - 1)],
    )

    outcomes = Counter(await asyncio.gather(*(outcome(acme.make_role("users.list")) for _ in range(5))))

    assert outcomes == {"done": 1, "TOO_MANY_ROLES": 4}


async def test_sent_again_a_change_works_once(acme: Acme, database: Database) -> None:
    token, request_id = await acme.token(ADA), str(uuid.uuid4())
    create = roles.CreateRoleRequest(
        parent=ACME, role=roles.Role(display_name="Helper", permissions=["users.list"]), request_id=request_id
    )
    made = [await acme.service.roles.CreateRole(create, metadata=token) for _ in range(2)]
    bind = bindings.CreateRoleBindingRequest(
        parent=ACME, role_binding=bindings.RoleBinding(role=made[0].name, subject=CID), request_id=request_id
    )
    bound = await asyncio.gather(*(acme.service.role_bindings.CreateRoleBinding(bind, metadata=token) for _ in range(20)))
    unbind = bindings.DeleteRoleBindingRequest(name=bound[0].name, request_id=request_id)
    unbound = [await acme.service.role_bindings.DeleteRoleBinding(unbind, metadata=token) for _ in range(2)]
    delete = roles.DeleteRoleRequest(name=made[0].name, request_id=request_id)
    deleted = [await acme.service.roles.DeleteRole(delete, metadata=token) for _ in range(2)]

    assert made[0] == made[1] == deleted[0] == deleted[1]
    assert all(each == bound[0] for each in (*bound, *unbound))
    topics = Counter(row["topic"].removeprefix("auth.v1.") for row in await stored(database, "outbox"))
    assert {topic: topics[topic] for topic in topics if topic.startswith("role")} == {
        "role_created": 1,
        "role_binding_created": 1,
        "role_binding_deleted": 1,
        "role_deleted": 1,
    }
