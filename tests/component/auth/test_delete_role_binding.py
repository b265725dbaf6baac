"""RoleBindingService.DeleteRoleBinding."""

from __future__ import annotations

from google.protobuf.message import Message
from grpc import StatusCode

from services.auth import consumers
from services.auth.domain import RoleBindingDeleted, TeamAccessChanged
from services.chassis.bus.bus import Event
from tests.component.auth.acme import ACME, ADA, BOB, CID, EVE, OTHER, TEAM, Acme
from tests.component.refusals import refusal
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import role_binding_service_pb2 as rpc
from trellis.user.v1 import events_pb2 as user_events

NONE = f"{ACME}/roleBindings/rbd_none"


async def test_takes_the_role_away(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    made = await acme.bind("roles/admin", CID)

    assert await acme.unbind(made.name) == made

    assert store.events[-1] == RoleBindingDeleted(made.name, ACME, "roles/admin", CID, ACME, time())
    assert "memberships.update" not in await acme.permissions(CID)
    assert (await refusal(acme.unbind(made.name))).reason == "ROLE_BINDING_NOT_FOUND"


async def test_a_team_loses_it_for_its_members(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    acme.put_into(CID, TEAM)
    made = await acme.bind("roles/admin", TEAM)

    await acme.unbind(made.name)

    assert store.events[-1] == TeamAccessChanged(ACME, TEAM, time())
    assert "memberships.update" not in await acme.permissions(CID)


async def test_an_administrator_takes_nothing_from_an_owner(acme: Acme, store: FakeAuthStore) -> None:
    made = await acme.bind("roles/owner", CID)

    refused = await refusal(acme.unbind(made.name, by=BOB))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "PERMISSION_NOT_HELD",
        {"permission": "organizations.delete"},
    )
    assert made.name in store.tables.role_bindings


async def test_what_is_not_there(acme: Acme) -> None:
    refused = await refusal(acme.unbind(NONE))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "ROLE_BINDING_NOT_FOUND",
        {"role_binding": NONE},
    )


async def test_validate_only_takes_nothing(acme: Acme, store: FakeAuthStore) -> None:
    made = await acme.bind("roles/admin", CID)
    request = rpc.DeleteRoleBindingRequest(name=made.name, validate_only=True)

    await acme.service.role_bindings.DeleteRoleBinding(request, metadata=await acme.token(ADA))

    assert made.name in store.tables.role_bindings


async def test_members_and_others_are_denied_whether_or_not_it_exists(acme: Acme) -> None:
    made = await acme.bind("roles/member", CID)

    async def attempt(name: str, by: str, organization: str) -> object:
        request = rpc.DeleteRoleBindingRequest(name=name)
        return await acme.service.role_bindings.DeleteRoleBinding(request, metadata=await acme.token(by, organization))

    member = await refusal(attempt(made.name, CID, ACME))
    foreign = await refusal(attempt(made.name, EVE, OTHER))
    unknown = await refusal(attempt(NONE, EVE, OTHER))

    assert (member.code, member.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert member == foreign == unknown


async def deliver(acme: Acme, topic: str, message: Message) -> None:
    """Let auth have an event of user."""
    event = Event("evt_1", "services/user", topic, ACME, NOON, message.SerializeToString())
    await consumers.leavers(acme.service.parts.role_bindings).handle(event)


async def test_whoever_leaves_leaves_the_roles_behind(acme: Acme, store: FakeAuthStore) -> None:
    gone = await acme.bind("roles/admin", CID)
    stays = await acme.bind("roles/admin", TEAM)
    left = user_events.MembershipDeleted(membership=f"{ACME}/memberships/usr_cid", organization=ACME, user=CID)

    await deliver(acme, "user.v1.membership_deleted", left)

    assert list(store.tables.role_bindings) == [stays.name]
    assert isinstance(store.events[-1], RoleBindingDeleted)
    assert store.events[-1].role_binding == gone.name


async def test_a_team_that_goes_takes_its_roles_along(acme: Acme, store: FakeAuthStore) -> None:
    stays = await acme.bind("roles/admin", CID)
    await acme.bind("roles/admin", TEAM)

    await deliver(acme, "user.v1.team_deleted", user_events.TeamDeleted(team=TEAM, organization=ACME))

    assert list(store.tables.role_bindings) == [stays.name]
