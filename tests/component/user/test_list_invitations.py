"""InvitationService.ListInvitations."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, HIDDEN, NOTHING, invited
from tests.conftest import Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc


async def list_invitations(
    service: UserProcess, caller: Metadata, parent: str = ACME, **values: Any
) -> rpc.ListInvitationsResponse:
    request = rpc.ListInvitationsRequest(parent=parent, **values)
    return await service.invitations.ListInvitations(request, metadata=caller)


def emails(answer: rpc.ListInvitationsResponse) -> list[str]:
    return [invitation.email.partition("@")[0] for invitation in answer.invitations]


async def test_pages_through_the_invitations(service: UserProcess, ada: Metadata) -> None:
    for name in ("c", "a", "b"):
        await invited(service, ada, f"{name}@example.com")

    first = await list_invitations(service, ada, page_size=2, order_by="email")
    second = await list_invitations(service, ada, page_size=2, order_by="email", page_token=first.next_page_token)

    assert emails(first) == ["a", "b"]
    assert (emails(second), second.next_page_token) == (["c"], "")


async def test_filters_by_state_as_it_is_now(service: UserProcess, ada: Metadata, time: Time) -> None:
    await invited(service, ada, "late@example.com")
    revoked, _ = await invited(service, ada, "gone@example.com")
    await service.invitations.RevokeInvitation(rpc.RevokeInvitationRequest(name=revoked), metadata=ada)
    time.move(days=7)
    ada = service.called_by(ADA, ACME, "owner")
    await invited(service, ada, "new@example.com")

    assert emails(await list_invitations(service, ada, filter="state = STATE_PENDING")) == ["new"]
    assert emails(await list_invitations(service, ada, filter="state = STATE_EXPIRED")) == ["late"]
    assert emails(await list_invitations(service, ada, filter='state = STATE_REVOKED AND email: "GONE"')) == ["gone"]


async def test_a_token_of_another_list_is_refused(service: UserProcess, ada: Metadata) -> None:
    for name in ("a", "b"):
        await invited(service, ada, f"{name}@example.com")
    first = await list_invitations(service, ada, page_size=1)

    refused = await refusal(list_invitations(service, ada, page_token=first.next_page_token, filter="role = ROLE_OWNER"))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(list_invitations(service, bob))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "invitations.list"})


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(list_invitations(service, ada, HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(list_invitations(service, ada, NOTHING))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(list_invitations(service, ()))).code is StatusCode.UNAUTHENTICATED
