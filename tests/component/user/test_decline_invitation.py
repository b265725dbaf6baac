"""InvitationService.DeclineInvitation."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import InvitationDeclined, InvitationState
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, invited
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"

FORGED = ["inv_1", "inv_1.", "inv_1.AAAA", f"inv_2.{'A' * 43}", "vrf_sup_1.x", "é.ü", "."]


async def decline(service: UserProcess, token: str, **values: Any) -> rpc.InvitationPreview:
    return await service.invitations.DeclineInvitation(rpc.DeclineInvitationRequest(token=token, **values))


async def test_whoever_holds_the_link_declines(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    name, token = await invited(service, ada)

    declined = await decline(service, token)

    assert (declined.organization_display_name, declined.state) == ("Acme", rpc.Invitation.STATE_DECLINED)
    assert store.tables.invitations[name].state is InvitationState.DECLINED
    assert store.events[-1] == InvitationDeclined(name, ACME, time())


async def test_declining_again_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    _, token = await invited(service, ada)
    first = await decline(service, token)

    assert await decline(service, token) == first

    assert len(store.events) == 2


async def test_the_same_request_is_answered_again(service: UserProcess, ada: Metadata) -> None:
    _, token = await invited(service, ada)
    first = await decline(service, token, request_id=REQUEST_ID)

    assert await decline(service, token, request_id=REQUEST_ID) == first


async def test_what_is_over_is_not_declined(service: UserProcess, ada: Metadata, dan: Metadata, time: Time) -> None:
    _, used = await invited(service, ada)
    await service.invitations.AcceptInvitation(rpc.AcceptInvitationRequest(token=used), metadata=dan)
    _, late = await invited(service, ada, "late@example.com")
    time.move(days=7)

    refused = await refusal(decline(service, used))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "INVITATION_INVALID")
    assert refused == await refusal(decline(service, late))


@pytest.mark.parametrize("token", FORGED)
async def test_a_forged_token_is_refused(service: UserProcess, ada: Metadata, token: str) -> None:
    await invited(service, ada)

    assert (await refusal(decline(service, token))).reason == "INVITATION_INVALID"


async def test_validate_only_declines_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    name, token = await invited(service, ada)

    await decline(service, token, validate_only=True)

    assert store.tables.invitations[name].state is InvitationState.PENDING
