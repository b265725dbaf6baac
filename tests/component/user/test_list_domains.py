"""DomainService.ListDomains."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN, NOTHING, claimed, verified
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import domain_service_pb2 as rpc


async def list_domains(service: UserProcess, caller: Metadata, parent: str = ACME, **values: Any) -> rpc.ListDomainsResponse:
    return await service.domains.ListDomains(rpc.ListDomainsRequest(parent=parent, **values), metadata=caller)


def names(answer: rpc.ListDomainsResponse) -> list[str]:
    return [domain.name.removeprefix(f"{ACME}/domains/") for domain in answer.domains]


async def also_claimed(service: UserProcess, caller: Metadata, *hostnames: str) -> None:
    for hostname in hostnames:
        request = rpc.CreateDomainRequest(parent=ACME, domain_id=hostname, domain=rpc.Domain(capture=True))
        await service.domains.CreateDomain(request, metadata=caller)


async def test_pages_through_the_domains_by_name(service: UserProcess, ada: Metadata) -> None:
    await claimed(service, ada)
    await also_claimed(service, ada, "acme.net", "zebra.org")

    first = await list_domains(service, ada, page_size=2)
    second = await list_domains(service, ada, page_size=2, page_token=first.next_page_token)

    assert (names(first), names(second), second.next_page_token) == (["acme.net", "example.com"], ["zebra.org"], "")


async def test_filters_by_state_and_capture(service: UserProcess, ada: Metadata) -> None:
    await verified(service, ada)
    await also_claimed(service, ada, "acme.net")

    assert names(await list_domains(service, ada, filter="state = STATE_VERIFIED")) == ["example.com"]
    assert names(await list_domains(service, ada, filter="capture = true")) == ["acme.net"]


async def test_a_token_of_another_list_is_refused(service: UserProcess, ada: Metadata) -> None:
    await also_claimed(service, ada, "acme.net", "zebra.org")
    first = await list_domains(service, ada, page_size=1)

    refused = await refusal(list_domains(service, ada, page_token=first.next_page_token, order_by="create_time"))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(list_domains(service, bob))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "domains.list"})


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(list_domains(service, ada, HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(list_domains(service, ada, NOTHING))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(list_domains(service, ()))).code is StatusCode.UNAUTHENTICATED
