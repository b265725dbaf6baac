"""DomainService.GetDomain."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import EXAMPLE, NOTHING, claimed, stamp, verified
from tests.conftest import Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import domain_service_pb2 as rpc


async def get(service: UserProcess, caller: Metadata, name: str) -> rpc.Domain:
    return await service.domains.GetDomain(rpc.GetDomainRequest(name=name), metadata=caller)


async def test_an_administrator_reads_what_to_put_into_dns(service: UserProcess, ada: Metadata, cid: Metadata) -> None:
    created = await claimed(service, ada)

    assert await get(service, cid, EXAMPLE) == created


async def test_a_verified_one_says_since_when(service: UserProcess, ada: Metadata, time: Time) -> None:
    await verified(service, ada)

    found = await get(service, ada, EXAMPLE)

    assert (found.state, found.verify_time, found.seen_time) == (rpc.Domain.STATE_VERIFIED, stamp(time), stamp(time))


async def test_what_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(get(service, ada, EXAMPLE))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "DOMAIN_NOT_FOUND",
        {"domain": EXAMPLE},
    )


async def test_a_member_is_denied(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    await claimed(service, ada)

    refused = await refusal(get(service, bob, EXAMPLE))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "domains.get"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    await claimed(service, ada)

    foreign = await refusal(get(service, eve, EXAMPLE))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(get(service, eve, f"{NOTHING}/domains/example.com"))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(get(service, (), EXAMPLE))).code is StatusCode.UNAUTHENTICATED
