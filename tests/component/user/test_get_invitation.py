"""InvitationService.GetInvitation."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN, NOTHING, invited
from tests.conftest import Time
from tests.fakes.user_process import TERMS, Metadata, UserProcess
from trellis.user.v1 import invitation_service_pb2 as rpc


async def get(service: UserProcess, caller: Metadata, name: str) -> rpc.Invitation:
    return await service.invitations.GetInvitation(rpc.GetInvitationRequest(name=name), metadata=caller)


async def test_an_administrator_reads_it(service: UserProcess, ada: Metadata, cid: Metadata) -> None:
    name, _ = await invited(service, ada)

    found = await get(service, cid, name)

    assert (found.name, found.email, found.state) == (name, "dan@example.com", rpc.Invitation.STATE_PENDING)


async def test_it_expires_by_itself(service: UserProcess, ada: Metadata, time: Time) -> None:
    name, _ = await invited(service, ada)
    time.move(seconds=TERMS.lifetime.total_seconds() - 1)
    before = await get(service, service.called_by("users/usr_ada", ACME, "owner"), name)
    time.move(seconds=1)
    after = await get(service, service.called_by("users/usr_ada", ACME, "owner"), name)

    assert (before.state, after.state) == (rpc.Invitation.STATE_PENDING, rpc.Invitation.STATE_EXPIRED)


async def test_what_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    name = f"{ACME}/invitations/inv_9"

    refused = await refusal(get(service, ada, name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "INVITATION_NOT_FOUND",
        {"invitation": name},
    )


async def test_a_member_is_denied(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    name, _ = await invited(service, ada)

    refused = await refusal(get(service, bob, name))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "invitations.get"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    name, _ = await invited(service, ada)

    foreign = await refusal(get(service, eve, name))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(get(service, eve, f"{NOTHING}/invitations/inv_1"))


async def test_an_invitation_of_another_organization_is_not_found_under_ones_own(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    name, _ = await invited(service, ada)

    refused = await refusal(get(service, eve, name.replace(ACME, HIDDEN)))

    assert refused.reason == "INVITATION_NOT_FOUND"


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(get(service, (), f"{ACME}/invitations/inv_1"))).code is StatusCode.UNAUTHENTICATED
