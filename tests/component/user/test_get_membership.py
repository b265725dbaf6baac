"""MembershipService.GetMembership."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, HIDDEN, NOTHING, stamp
from tests.conftest import Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def get(service: UserProcess, caller: Metadata, name: str) -> pb.Membership:
    return await service.memberships.GetMembership(rpc.GetMembershipRequest(name=name), metadata=caller)


async def test_answers_with_the_membership(service: UserProcess, bob: Metadata, time: Time) -> None:
    now, name = stamp(time), f"{ACME}/memberships/usr_ada"
    assert await get(service, bob, name) == pb.Membership(
        name=name, user=ADA, role=pb.ROLE_OWNER, create_time=now, update_time=now, etag='"1"'
    )


async def test_somebody_who_is_no_member_is_not_found(service: UserProcess, bob: Metadata) -> None:
    name = f"{ACME}/memberships/usr_eve"

    refused = await refusal(get(service, bob, name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "MEMBERSHIP_NOT_FOUND",
        {"membership": name},
    )


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(get(service, ada, f"{HIDDEN}/memberships/usr_eve"))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(get(service, ada, f"{NOTHING}/memberships/usr_eve"))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(get(service, (), f"{ACME}/memberships/usr_ada"))).code is StatusCode.UNAUTHENTICATED
