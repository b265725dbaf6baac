"""AccessService.ResolveAccess, for services of the platform only."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.auth.acme import ACME, ADA, CID, OTHER, Acme
from tests.component.refusals import refusal
from tests.fakes.auth_process import Metadata
from trellis.auth.v1 import access_service_pb2 as rpc


async def resolve(acme: Acme, caller: Metadata, subject: str = CID, resource: str = ACME) -> rpc.CheckAccessResponse:
    request = rpc.ResolveAccessRequest(subject=subject, permission="users.list", resource=resource)
    return await acme.service.access.ResolveAccess(request, metadata=caller)


async def test_a_service_asks_about_anybody_anywhere(acme: Acme) -> None:
    user = acme.service.called_by("user")

    assert (await resolve(acme, user)).source == f"{ACME}/memberships/usr_cid"
    assert not (await resolve(acme, user, resource=OTHER)).allowed
    assert not (await resolve(acme, user, "users/usr_nobody")).allowed
    assert not (await resolve(acme, user, f"{OTHER}/serviceAccounts/sva_1")).allowed


async def test_another_service_and_people_are_refused(acme: Acme) -> None:
    unknown = await refusal(resolve(acme, acme.service.called_by("search")))
    person = await refusal(resolve(acme, await acme.token(ADA)))

    assert unknown.code is StatusCode.UNAUTHENTICATED
    assert person.code is StatusCode.UNAUTHENTICATED
