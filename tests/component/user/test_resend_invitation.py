"""InvitationService.ResendInvitation."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from services.chassis.times import timestamp
from services.user.domain import InvitationResent
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, NOTHING, invited
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import TERMS, Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def resend(service: UserProcess, caller: Metadata, name: str, **values: Any) -> rpc.Invitation:
    request = rpc.ResendInvitationRequest(name=name, **values)
    return await service.invitations.ResendInvitation(request, metadata=caller)


async def test_the_same_link_works_longer(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata, time: Time
) -> None:
    name, token = await invited(service, ada)
    time.move(days=8)
    ada = service.called_by(ADA, ACME, "owner")

    resent = await resend(service, ada, name)

    end = time() + TERMS.lifetime
    assert (resent.state, resent.expire_time) == (rpc.Invitation.STATE_PENDING, timestamp(end))
    assert store.events[-1] == InvitationResent(name, ACME, time(), end)
    accept = rpc.AcceptInvitationRequest(token=token)
    await service.invitations.AcceptInvitation(accept, metadata=service.called_by("users/usr_dan"))


async def test_mails_are_limited(service: UserProcess, ada: Metadata) -> None:
    name, _ = await invited(service, ada)
    for _ in range(TERMS.mails_per_address - 1):
        await resend(service, ada, name)

    assert (await refusal(resend(service, ada, name))).reason == "INVITATION_MAIL_LIMIT_REACHED"


async def test_an_expired_one_opens_only_within_the_limit(service: UserProcess, ada: Metadata, time: Time) -> None:
    name, _ = await invited(service, ada)
    time.move(days=8)
    ada = service.called_by(ADA, ACME, "owner")
    for number in range(TERMS.open_limit):
        await invited(service, ada, f"guest{number}@example.com")

    assert (await refusal(resend(service, ada, name))).reason == "INVITATION_LIMIT_REACHED"


async def test_only_an_owner_resends_an_owners(service: UserProcess, ada: Metadata, cid: Metadata) -> None:
    name, _ = await invited(service, ada, role=pb.ROLE_OWNER)

    refused = await refusal(resend(service, cid, name))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "OWNER_REQUIRED")


async def test_an_accepted_one_stays_as_it_is(service: UserProcess, ada: Metadata, dan: Metadata) -> None:
    name, token = await invited(service, ada)
    await service.invitations.AcceptInvitation(rpc.AcceptInvitationRequest(token=token), metadata=dan)

    refused = await refusal(resend(service, ada, name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "INVITATION_NOT_OPEN",
        {"invitation": name},
    )


async def test_what_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(resend(service, ada, f"{ACME}/invitations/inv_9"))).reason == "INVITATION_NOT_FOUND"


async def test_a_member_is_denied(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    name, _ = await invited(service, ada)

    refused = await refusal(resend(service, bob, name))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "invitations.resend"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    name, _ = await invited(service, ada)

    foreign = await refusal(resend(service, eve, name))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(resend(service, eve, f"{NOTHING}/invitations/inv_1"))


async def test_a_deleted_or_purged_organization_does_not_change(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    name, _ = await invited(service, ada)
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(resend(service, ada, name))).reason == "ORGANIZATION_DELETED"
    del store.tables.organizations[ACME]
    assert (await refusal(resend(service, ada, name))).reason == "ORGANIZATION_NOT_FOUND"


async def test_the_same_request_is_answered_again(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    name, _ = await invited(service, ada)
    first = await resend(service, ada, name, request_id=REQUEST_ID)

    assert await resend(service, ada, name, request_id=REQUEST_ID) == first

    assert len(store.events) == 2


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    name, _ = await invited(service, ada)
    before = store.tables.invitations[name]

    await resend(service, ada, name, validate_only=True)

    assert store.tables.invitations[name] == before


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(resend(service, (), f"{ACME}/invitations/inv_1"))).code is StatusCode.UNAUTHENTICATED


async def test_an_api_key_reopens_no_way_to_more_than_its_scopes(service: UserProcess, ada: Metadata) -> None:
    invitation = rpc.Invitation(email="eve@example.com", role=pb.ROLE_ADMIN)
    made = await service.invitations.CreateInvitation(
        rpc.CreateInvitationRequest(parent=ACME, invitation=invitation), metadata=ada
    )

    assert (
        await refusal(resend(service, service.called_by_key("invitations.resend"), made.name))
    ).reason == "PERMISSION_DENIED"
