"""InvitationService.PreviewInvitation."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.chassis.times import timestamp
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, invited
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import TERMS, Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2

FORGED = ["inv_1", "inv_1.", "inv_1.AAAA", f"inv_2.{'A' * 43}", "vrf_sup_1.x", "é.ü", "."]


async def preview(service: UserProcess, token: str) -> rpc.InvitationPreview:
    return await service.invitations.PreviewInvitation(rpc.PreviewInvitationRequest(token=token))


async def test_the_holder_of_the_link_learns_what_it_is_for(service: UserProcess, ada: Metadata, time: Time) -> None:
    _, token = await invited(service, ada, role=pb.ROLE_ADMIN)

    assert await preview(service, token) == rpc.InvitationPreview(
        organization_display_name="Acme",
        role=pb.ROLE_ADMIN,
        state=rpc.Invitation.STATE_PENDING,
        expire_time=timestamp(time() + TERMS.lifetime),
    )


async def test_nothing_tells_why_a_link_does_not_work(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata, time: Time
) -> None:
    revoked, revoked_token = await invited(service, ada, "one@example.com")
    await service.invitations.RevokeInvitation(rpc.RevokeInvitationRequest(name=revoked), metadata=ada)
    _, used = await invited(service, ada)
    await service.invitations.AcceptInvitation(rpc.AcceptInvitationRequest(token=used), metadata=dan)
    _, orphaned = await invited(service, ada, "two@example.com")
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    refusals = [await refusal(preview(service, token)) for token in (revoked_token, used, orphaned, "inv_9.nothing")]

    assert (refusals[0].code, refusals[0].reason) == (StatusCode.FAILED_PRECONDITION, "INVITATION_INVALID")
    assert refusals == [refusals[0]] * 4


async def test_an_expired_link_does_not_work(service: UserProcess, ada: Metadata, time: Time) -> None:
    _, token = await invited(service, ada)
    time.move(days=7)

    assert (await refusal(preview(service, token))).reason == "INVITATION_INVALID"


@pytest.mark.parametrize("token", FORGED)
async def test_a_forged_token_is_refused(service: UserProcess, ada: Metadata, token: str) -> None:
    await invited(service, ada)

    assert (await refusal(preview(service, token))).reason == "INVITATION_INVALID"


async def test_a_guess_reads_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await invited(service, ada)
    store.tables.invitations = None  # type: ignore[assignment]  # whoever reads it fails

    assert (await refusal(preview(service, f"inv_1.{'A' * 43}"))).reason == "INVITATION_INVALID"
