"""InvitationService.RevokeInvitation."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from services.user.domain import InvitationRevoked
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, NOTHING, invited
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def revoke(service: UserProcess, caller: Metadata, name: str, **values: Any) -> rpc.Invitation:
    request = rpc.RevokeInvitationRequest(name=name, **values)
    return await service.invitations.RevokeInvitation(request, metadata=caller)


async def test_the_link_stops_working(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata, time: Time
) -> None:
    name, token = await invited(service, ada)

    assert (await revoke(service, ada, name)).state == rpc.Invitation.STATE_REVOKED

    assert store.events[-1] == InvitationRevoked(name, ACME, time())
    accept = service.invitations.AcceptInvitation(rpc.AcceptInvitationRequest(token=token), metadata=dan)
    assert (await refusal(accept)).reason == "INVITATION_INVALID"


async def test_revoking_again_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    name, _ = await invited(service, ada)
    first = await revoke(service, ada, name)

    assert await revoke(service, ada, name) == first

    assert len(store.events) == 2


async def test_only_an_owner_revokes_an_owners(service: UserProcess, ada: Metadata, cid: Metadata) -> None:
    name, _ = await invited(service, ada, role=pb.ROLE_OWNER)

    refused = await refusal(revoke(service, cid, name))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "OWNER_REQUIRED")


async def test_an_accepted_one_stays_as_it_is(service: UserProcess, ada: Metadata, dan: Metadata) -> None:
    name, token = await invited(service, ada)
    await service.invitations.AcceptInvitation(rpc.AcceptInvitationRequest(token=token), metadata=dan)

    refused = await refusal(revoke(service, ada, name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "INVITATION_NOT_OPEN",
        {"invitation": name},
    )


async def test_what_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(revoke(service, ada, f"{ACME}/invitations/inv_9"))).reason == "INVITATION_NOT_FOUND"


async def test_a_member_is_denied(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    name, _ = await invited(service, ada)

    refused = await refusal(revoke(service, bob, name))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "invitations.revoke"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    name, _ = await invited(service, ada)

    foreign = await refusal(revoke(service, eve, name))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(revoke(service, eve, f"{NOTHING}/invitations/inv_1"))


async def test_a_deleted_or_purged_organization_does_not_change(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    name, _ = await invited(service, ada)
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(revoke(service, ada, name))).reason == "ORGANIZATION_DELETED"
    del store.tables.organizations[ACME]
    assert (await refusal(revoke(service, ada, name))).reason == "ORGANIZATION_NOT_FOUND"


async def test_the_same_request_is_answered_again(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    name, _ = await invited(service, ada)
    first = await revoke(service, ada, name, request_id=REQUEST_ID)

    assert await revoke(service, ada, name, request_id=REQUEST_ID) == first

    assert len(store.events) == 2


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    name, _ = await invited(service, ada)
    before = store.tables.invitations[name]

    await revoke(service, ada, name, validate_only=True)

    assert store.tables.invitations[name] == before


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(revoke(service, (), f"{ACME}/invitations/inv_1"))).code is StatusCode.UNAUTHENTICATED
