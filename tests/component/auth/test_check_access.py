"""AccessService.CheckAccess."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.auth.domain import RoleBinding
from services.chassis.times import timestamp
from tests.component.auth.acme import ACME, ADA, BOB, CID, EVE, OTHER, ROBOT, TEAM, Acme
from tests.component.refusals import refusal
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore, FakeRoleBindings
from tests.fakes.auth_process import AuthProcess, Metadata
from trellis.auth.v1 import access_service_pb2 as rpc

PROJECT, TASK = f"{ACME}/projects/prj_1", f"{ACME}/projects/prj_1/tasks/tsk_1"
UPDATE = "memberships.update"
NO = rpc.CheckAccessResponse(allowed=False, explanation="No role of the subject permits this on the resource.")


async def check(acme: Acme, token: Metadata, permission: str, resource: str, subject: str = "") -> rpc.CheckAccessResponse:
    request = rpc.CheckAccessRequest(subject=subject, permission=permission, resource=resource)
    return await acme.service.access.CheckAccess(request, metadata=token)


async def test_a_membership_counts_everywhere_in_the_organization(acme: Acme) -> None:
    token = await acme.token(CID)

    answer = await check(acme, token, "users.list", TASK)

    assert (answer.allowed, answer.role, answer.source, answer.team, answer.resource) == (
        True,
        "roles/member",
        f"{ACME}/memberships/usr_cid",
        "",
        ACME,
    )
    assert await check(acme, token, UPDATE, ACME) == NO


async def test_a_role_counts_on_its_resource_and_below_it(acme: Acme) -> None:
    made = await acme.bind("roles/admin", CID, PROJECT)
    token = await acme.token(CID)

    answers = {
        resource: (await check(acme, token, UPDATE, resource)).allowed
        for resource in (ACME, PROJECT, TASK, f"{ACME}/projects/prj_10", f"{ACME}/projects/prj_2")
    }

    assert answers == {
        ACME: False,
        PROJECT: True,
        TASK: True,
        f"{ACME}/projects/prj_10": False,
        f"{ACME}/projects/prj_2": False,
    }
    answer = await check(acme, token, UPDATE, TASK)
    assert (answer.role, answer.source, answer.resource) == ("roles/admin", made.name, PROJECT)
    assert answer.explanation == f"{made.name} gives roles/admin on {PROJECT}."


async def test_a_team_counts_for_its_members(acme: Acme) -> None:
    made = await acme.bind("roles/admin", TEAM)
    acme.put_into(CID, TEAM)

    answer = await check(acme, await acme.token(CID), UPDATE, ACME)

    assert (answer.source, answer.team) == (made.name, TEAM)
    assert answer.explanation == f"{made.name} gives roles/admin on {ACME} through {TEAM}."


async def test_what_has_expired_does_not_count(acme: Acme, time: Time) -> None:
    token = await acme.token(ADA)
    await acme.bind("roles/admin", CID, PROJECT, expire_time=timestamp(NOON.replace(minute=1)))

    before = await check(acme, token, UPDATE, PROJECT, CID)
    time.move(seconds=59)
    just_before = await check(acme, token, UPDATE, PROJECT, CID)
    time.move(seconds=1)

    assert (before.allowed, just_before.allowed) == (True, True)
    assert await check(acme, token, UPDATE, PROJECT, CID) == NO


async def test_administrators_ask_about_others_also_robots(acme: Acme) -> None:
    made = await acme.bind("roles/admin", ROBOT, PROJECT)
    token = await acme.token(BOB)

    assert (await check(acme, token, UPDATE, ACME, BOB)).allowed
    assert not (await check(acme, token, UPDATE, ACME, CID)).allowed
    assert (await check(acme, token, UPDATE, PROJECT, ROBOT)).source == made.name


async def test_members_ask_about_themselves_only(acme: Acme) -> None:
    token = await acme.token(CID)

    known = await refusal(check(acme, token, UPDATE, ACME, BOB))
    unknown = await refusal(check(acme, token, UPDATE, ACME, "users/usr_nobody"))

    assert (known.code, known.reason, known.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "PERMISSION_DENIED",
        {"permission": "access.check"},
    )
    assert known == unknown
    for me in ("users/me", CID):
        assert (await check(acme, token, "users.list", ACME, me)).allowed


async def test_foreign_and_unknown_get_the_same_answer(acme: Acme) -> None:
    token = await acme.token(ADA)

    for subject, resource in (
        (EVE, ACME),
        ("users/usr_nobody", ACME),
        (f"{OTHER}/serviceAccounts/sva_1", ACME),
        (f"{ACME}/serviceAccounts/sva_none", ACME),
        ("", OTHER),
        ("", "organizations/org_nobody"),
        (EVE, OTHER),
        ("", f"{OTHER}/projects/prj_1"),
    ):
        assert await check(acme, token, "users.list", resource, subject) == NO
    assert await check(acme, token, "memberships.fly", ACME) == NO


async def test_a_token_of_no_organization_learns_nothing(acme: Acme) -> None:
    token = await acme.token(ADA, "")

    assert await check(acme, token, "users.list", ACME) == NO


async def test_what_was_asked_a_moment_ago_is_not_read_again(acme: Acme, time: Time) -> None:
    token = await acme.token(CID)
    reads, memberships = acme.service.parts.ports.role_bindings, acme.service.parts.memberships
    assert isinstance(reads, FakeRoleBindings)
    await check(acme, token, UPDATE, ACME)
    before = (reads.reads, len(memberships.asked))

    for resource in (ACME, PROJECT, TASK):
        await check(acme, token, UPDATE, resource)
    time.move(milliseconds=999)
    await check(acme, token, "users.list", ACME)
    assert (reads.reads, len(memberships.asked)) == before

    time.move(milliseconds=1)
    await check(acme, token, UPDATE, ACME)
    assert reads.reads == before[0] + 1


async def test_a_change_made_elsewhere_is_known_after_a_second(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    token = await acme.token(CID)
    assert not (await check(acme, token, UPDATE, ACME)).allowed
    name = f"{ACME}/roleBindings/rbd_1"
    store.tables.role_bindings[name] = RoleBinding(name, "roles/admin", CID, ACME, None, ADA, time())

    time.move(seconds=1)

    assert (await check(acme, token, UPDATE, ACME)).allowed


async def test_a_change_made_here_is_known_at_once(acme: Acme) -> None:
    token = await acme.token(CID)
    assert not (await check(acme, token, UPDATE, ACME)).allowed

    made = await acme.bind("roles/admin", CID)
    after = await check(acme, token, UPDATE, ACME)
    await acme.unbind(made.name)

    assert after.allowed
    assert not (await check(acme, token, UPDATE, ACME)).allowed


async def test_while_memberships_cannot_be_read_it_does_not_guess(acme: Acme) -> None:
    token = await acme.token(CID)
    acme.service.parts.memberships.down = True

    refused = await refusal(check(acme, token, "users.list", ACME))

    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "MEMBERSHIP_UNAVAILABLE")
    acme.service.parts.memberships.down = False
    assert (await check(acme, token, "users.list", ACME)).allowed


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"resource": "users/usr_ada"}, "resource"),
        ({"resource": ""}, "resource"),
        ({"permission": ""}, "permission"),
        ({"subject": TEAM}, "subject"),
        ({"subject": "services/user"}, "subject"),
    ],
)
async def test_names_what_cannot_be_asked(acme: Acme, values: dict[str, str], field: str) -> None:
    question = {"permission": UPDATE, "resource": ACME, **values}

    refused = await refusal(check(acme, await acme.token(ADA), **question))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, [field])


async def test_refuses_strangers(service: AuthProcess) -> None:
    refused = await refusal(service.access.CheckAccess(rpc.CheckAccessRequest(permission=UPDATE, resource=ACME)))

    assert refused.code is StatusCode.UNAUTHENTICATED
