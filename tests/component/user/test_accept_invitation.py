"""InvitationService.AcceptInvitation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import (
    InvitationAccepted,
    InvitationState,
    MembershipCreated,
    MembershipUpdated,
    Role,
    User,
    UserState,
)
from services.user.handlers.newcomers import Newcomers
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, BOB, DAN, invited, own_example_com, stamp
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"
NAME = f"{ACME}/memberships/usr_dan"


async def accept(service: UserProcess, caller: Metadata, token: str, **values: Any) -> pb.Membership:
    request = rpc.AcceptInvitationRequest(token=token, **values)
    return await service.invitations.AcceptInvitation(request, metadata=caller)


async def test_the_invited_person_becomes_a_member(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata, time: Time
) -> None:
    invitation, token = await invited(service, ada, role=pb.ROLE_ADMIN)
    store.events.clear()

    joined = await accept(service, dan, token)

    now = stamp(time)
    assert joined == pb.Membership(name=NAME, user=DAN, role=pb.ROLE_ADMIN, create_time=now, update_time=now, etag='"1"')
    assert store.events == [
        MembershipCreated(NAME, ACME, DAN, Role.ADMIN, time()),
        InvitationAccepted(invitation, ACME, DAN, time()),
    ]
    kept = store.tables.invitations[invitation]
    assert (kept.state, kept.user) == (InvitationState.ACCEPTED, DAN)


async def test_somebody_who_signed_up_a_moment_ago_is_asked_for_at_auth(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    _, token = await invited(service, ada, "new@example.com")
    service.parts.accounts.known["users/usr_new"] = User("users/usr_new", "new@example.com", "New", NOON, NOON)

    joined = await accept(service, service.called_by("users/usr_new"), token, request_id=REQUEST_ID)

    assert joined.name == f"{ACME}/memberships/usr_new"
    assert store.tables.users["users/usr_new"].display_name == "New"


async def test_accepting_again_gives_the_same_membership(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata, time: Time
) -> None:
    _, token = await invited(service, ada)
    first = await accept(service, dan, token)
    announced = list(store.events)
    time.move(days=8)

    assert await accept(service, service.called_by(DAN), token) == first

    assert store.events == announced


async def test_the_same_request_is_answered_again(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata
) -> None:
    _, token = await invited(service, ada)
    first = await accept(service, dan, token, request_id=REQUEST_ID)

    assert await accept(service, dan, token, request_id=REQUEST_ID) == first

    assert len(store.events) == 3


async def test_whoever_was_removed_does_not_come_back_by_the_same_link(
    service: UserProcess, ada: Metadata, dan: Metadata
) -> None:
    _, token = await invited(service, ada)
    await accept(service, dan, token)
    await service.memberships.DeleteMembership(service_pb2.DeleteMembershipRequest(name=NAME), metadata=ada)

    assert (await refusal(accept(service, dan, token))).reason == "INVITATION_INVALID"


async def test_the_verified_address_must_be_the_invited_one(
    service: UserProcess, store: FakeUserStore, ada: Metadata, eve: Metadata
) -> None:
    invitation, token = await invited(service, ada)

    refused = await refusal(accept(service, eve, token))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "INVITATION_FOR_ANOTHER_ADDRESS",
        {},
    )
    assert store.tables.invitations[invitation].state is InvitationState.PENDING


async def test_who_is_erased_while_accepting_becomes_no_member(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = await invited(service, ada)
    as_read = store.tables.users[DAN]
    store.tables.users[DAN] = replace(as_read, email="", display_name="", state=UserState.ERASED)

    async def read_before(self: Newcomers, name: str) -> User:
        return as_read

    monkeypatch.setattr(Newcomers, "get", read_before)

    assert (await refusal(accept(service, dan, token))).reason == "INVITATION_FOR_ANOTHER_ADDRESS"
    assert NAME not in store.tables.memberships


@pytest.mark.parametrize("subject", ["users/usr_nobody", f"{ACME}/serviceAccounts/sva_1"])
async def test_who_has_no_address_accepts_nothing(service: UserProcess, ada: Metadata, subject: str) -> None:
    _, token = await invited(service, ada)

    refused = await refusal(accept(service, service.called_by(subject), token))

    assert refused.reason == "INVITATION_FOR_ANOTHER_ADDRESS"


@pytest.mark.parametrize(
    ("had", "invited_as", "has"),
    [
        (Role.MEMBER, pb.ROLE_ADMIN, pb.ROLE_ADMIN),
        (Role.ADMIN, pb.ROLE_MEMBER, pb.ROLE_ADMIN),
        (Role.MEMBER, pb.ROLE_OWNER, pb.ROLE_OWNER),
        (Role.OWNER, pb.ROLE_ADMIN, pb.ROLE_OWNER),
    ],
)
async def test_a_member_gets_the_invited_role_only_if_it_allows_more(
    service: UserProcess,
    store: FakeUserStore,
    ada: Metadata,
    dan: Metadata,
    had: Role,
    invited_as: pb.Role.ValueType,
    has: pb.Role.ValueType,
) -> None:
    own_example_com(store)
    _, token = await invited(service, ada, role=invited_as)
    member = service_pb2.CreateMembershipRequest(
        parent=ACME, membership=pb.Membership(user=DAN, role=pb.Role.ValueType(had))
    )
    await service.memberships.CreateMembership(member, metadata=ada)

    assert (await accept(service, dan, token)).role == has

    assert any(isinstance(event, MembershipUpdated) for event in store.events) == (int(has) != int(had))


async def test_an_expired_invitation_is_not_accepted(service: UserProcess, ada: Metadata, dan: Metadata, time: Time) -> None:
    _, token = await invited(service, ada)
    time.move(days=7)

    refused = await refusal(accept(service, service.called_by(DAN), token))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "INVITATION_INVALID")


async def test_a_declined_or_replaced_invitation_is_not_accepted(service: UserProcess, ada: Metadata, dan: Metadata) -> None:
    _, replaced = await invited(service, ada)
    _, declined = await invited(service, ada)
    await service.invitations.DeclineInvitation(rpc.DeclineInvitationRequest(token=declined))

    assert (await refusal(accept(service, dan, replaced))).reason == "INVITATION_INVALID"
    assert (await refusal(accept(service, dan, declined))).reason == "INVITATION_INVALID"


async def test_a_deleted_or_purged_organization_takes_nobody_in(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata
) -> None:
    _, token = await invited(service, ada)
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(accept(service, dan, token))).reason == "INVITATION_INVALID"
    del store.tables.organizations[ACME]
    assert (await refusal(accept(service, dan, token))).reason == "INVITATION_INVALID"


async def test_a_thousand_guesses_find_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    _, token = await invited(service, ada)
    invitation_id, _, mac = token.partition(".")
    store.tables.invitations = None  # type: ignore[assignment]  # a guess reads nothing: whoever reads it fails
    links = service.parts.links

    guesses = (f"{invitation_id}.{mac[:-4]}{number:04}" for number in range(1000))

    assert [guess for guess in guesses if guess != token and links.read(guess) is not None] == []
    assert (await refusal(accept(service, service.called_by(BOB), f"{invitation_id}.{mac[:-1]}"))).reason == (
        "INVITATION_INVALID"
    )


async def test_validate_only_takes_nobody_in(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata
) -> None:
    _, token = await invited(service, ada)

    assert (await accept(service, dan, token, validate_only=True)).name == NAME

    assert NAME not in store.tables.memberships


async def test_validate_only_tells_a_newcomer_too(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    _, token = await invited(service, ada, "new@example.com")
    service.parts.accounts.known["users/usr_new"] = User("users/usr_new", "new@example.com", "New", NOON, NOON)

    told = await accept(service, service.called_by("users/usr_new"), token, validate_only=True)

    assert told.name == f"{ACME}/memberships/usr_new"
    assert told.name not in store.tables.memberships


async def test_refuses_strangers(service: UserProcess, ada: Metadata) -> None:
    _, token = await invited(service, ada)

    assert (await refusal(accept(service, (), token))).code is StatusCode.UNAUTHENTICATED
