"""InvitationService.CreateInvitation."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.chassis.times import timestamp
from services.user.domain import InvitationCreated, InvitationRevoked, InvitationState, Role
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, HIDDEN, NOTHING, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import TERMS, Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"
NAME = f"{ACME}/invitations/inv_1"


async def create(
    service: UserProcess,
    caller: Metadata,
    email: str = "dan@example.com",
    role: pb.Role.ValueType = pb.ROLE_MEMBER,
    parent: str = ACME,
    **values: Any,
) -> rpc.Invitation:
    invitation = rpc.Invitation(email=email, role=role)
    request = rpc.CreateInvitationRequest(parent=parent, invitation=invitation, **values)
    return await service.invitations.CreateInvitation(request, metadata=caller)


async def test_an_address_is_invited(service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time) -> None:
    created = await create(service, ada, "Dan@Example.COM")

    now, end = stamp(time), time() + TERMS.lifetime
    assert created == rpc.Invitation(
        name=NAME,
        email="dan@example.com",
        role=pb.ROLE_MEMBER,
        state=rpc.Invitation.STATE_PENDING,
        inviter=ADA,
        create_time=now,
        update_time=now,
        expire_time=timestamp(end),
    )
    assert store.events == [InvitationCreated(NAME, ACME, Role.MEMBER, ADA, time(), end)]


async def test_the_answer_is_the_same_whether_or_not_the_address_has_an_account(service: UserProcess, cid: Metadata) -> None:
    known, unknown = await create(service, cid, "eve@example.com"), await create(service, cid, "nobody@example.com")

    known.name = unknown.name = known.email = unknown.email = ""
    assert known == unknown


async def test_only_an_owner_invites_an_owner(service: UserProcess, ada: Metadata, cid: Metadata) -> None:
    refused = await refusal(create(service, cid, role=pb.ROLE_OWNER))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "OWNER_REQUIRED")
    assert (await create(service, ada, role=pb.ROLE_OWNER)).role == pb.ROLE_OWNER


async def test_a_member_is_not_invited(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(create(service, ada, "bob@example.com"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.ALREADY_EXISTS,
        "MEMBERSHIP_EXISTS",
        {"membership": f"{ACME}/memberships/usr_bob"},
    )


async def test_a_newer_invitation_takes_the_place_of_the_open_one(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    await create(service, ada)

    second = await create(service, ada, role=pb.ROLE_ADMIN)

    assert (second.name, second.role) == (f"{ACME}/invitations/inv_2", pb.ROLE_ADMIN)
    assert store.tables.invitations[NAME].state is InvitationState.REVOKED
    assert InvitationRevoked(NAME, ACME, time()) in store.events


async def test_open_invitations_are_limited(service: UserProcess, ada: Metadata, time: Time) -> None:
    for number in range(TERMS.open_limit):
        await create(service, ada, f"guest{number}@example.com")

    refused = await refusal(create(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.RESOURCE_EXHAUSTED,
        "INVITATION_LIMIT_REACHED",
        {"organization": ACME, "limit": "5"},
    )
    time.move(days=7)
    assert (await create(service, service.called_by(ADA, ACME, "owner"))).state == rpc.Invitation.STATE_PENDING


async def test_mails_to_one_address_are_limited(service: UserProcess, ada: Metadata, time: Time) -> None:
    for _ in range(TERMS.mails_per_address):
        await create(service, ada)

    refused = await refusal(create(service, ada))

    assert (refused.code, refused.reason, refused.metadata, refused.retry_after_s) == (
        StatusCode.RESOURCE_EXHAUSTED,
        "INVITATION_MAIL_LIMIT_REACHED",
        {"retry_after_s": "3600"},
        3600,
    )
    time.move(hours=1)
    assert (await create(service, service.called_by(ADA, ACME, "owner"))).state == rpc.Invitation.STATE_PENDING


async def test_mails_of_an_hour_are_limited(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    for number in range(TERMS.mails_per_hour):
        created = await create(service, ada, f"guest{number}@example.com")
        revoke = rpc.RevokeInvitationRequest(name=created.name)
        await service.invitations.RevokeInvitation(revoke, metadata=ada)

    assert (await refusal(create(service, ada))).reason == "INVITATION_MAIL_LIMIT_REACHED"


async def test_somebody_with_many_organizations_writes_no_more_mails(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    store.tables.invitation_mails += [(HIDDEN, ADA, f"guest{n}@example.com", time()) for n in range(TERMS.mails_per_hour)]

    assert (await refusal(create(service, ada))).reason == "INVITATION_MAIL_LIMIT_REACHED"


async def test_the_role_of_now_counts_and_not_the_token(service: UserProcess, store: FakeUserStore, cid: Metadata) -> None:
    del store.tables.memberships[f"{ACME}/memberships/usr_cid"]

    assert (await refusal(create(service, cid))).reason == "OWNER_REQUIRED"


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(create(service, bob))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "invitations.create"})


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(create(service, ada, parent=HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(create(service, ada, parent=NOTHING))


async def test_a_deleted_organization_invites_nobody(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    refused = await refusal(create(service, ada))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "ORGANIZATION_DELETED")


async def test_a_purged_organization_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(create(service, ada))).reason == "ORGANIZATION_NOT_FOUND"


async def test_the_same_request_invites_once(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    first = await create(service, ada, request_id=REQUEST_ID)

    assert await create(service, ada, request_id=REQUEST_ID) == first

    assert (len(store.events), len(store.tables.invitation_mails)) == (1, 1)


async def test_validate_only_invites_nobody(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    assert (await create(service, ada, validate_only=True)).name == NAME

    assert (store.tables.invitations, store.events) == ({}, [])


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [
        ("", pb.ROLE_MEMBER, "invitation.email"),
        ("dan", pb.ROLE_MEMBER, "invitation.email"),
        ("dan@example.com\nBcc: all@example.com", pb.ROLE_MEMBER, "invitation.email"),
        ("dan@example.com", pb.ROLE_UNSPECIFIED, "invitation.role"),
    ],
)
async def test_refuses_what_cannot_be(
    service: UserProcess, ada: Metadata, email: str, role: pb.Role.ValueType, field: str
) -> None:
    refused = await refusal(create(service, ada, email, role))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(create(service, ()))).code is StatusCode.UNAUTHENTICATED


async def test_an_api_key_invites_to_no_role_that_permits_more_than_its_scopes(service: UserProcess) -> None:
    narrow = service.called_by_key("invitations.create")

    refused = await refusal(create(service, narrow, role=pb.ROLE_ADMIN))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert (await create(service, narrow)).role == pb.ROLE_MEMBER
