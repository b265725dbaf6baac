"""OrganizationService.ListOrganizations."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def list_organizations(service: UserProcess, caller: Metadata, **values: Any) -> rpc.ListOrganizationsResponse:
    return await service.organizations.ListOrganizations(rpc.ListOrganizationsRequest(**values), metadata=caller)


def names(answer: rpc.ListOrganizationsResponse) -> list[str]:
    return [organization.name for organization in answer.organizations]


async def test_answers_with_those_of_the_caller_only(service: UserProcess, bob: Metadata, eve: Metadata) -> None:
    assert names(await list_organizations(service, bob)) == [ACME]
    assert names(await list_organizations(service, eve)) == [HIDDEN]


async def test_pages(service: UserProcess, bob: Metadata) -> None:
    new = rpc.CreateOrganizationRequest(organization=pb.Organization(display_name="Zebra"))
    made = await service.organizations.CreateOrganization(new, metadata=bob)

    first = await list_organizations(service, bob, page_size=1, order_by="display_name")
    token = first.next_page_token
    second = await list_organizations(service, bob, page_size=1, order_by="display_name", page_token=token)

    assert (names(first), names(second), second.next_page_token) == ([ACME], [made.name], "")


async def test_deleted_ones_are_shown_if_asked_for(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert names(await list_organizations(service, ada)) == []
    assert names(await list_organizations(service, ada, show_deleted=True, filter="state = STATE_DELETED")) == [ACME]


async def test_a_page_token_of_another_caller_is_refused(service: UserProcess, bob: Metadata, ada: Metadata) -> None:
    new = rpc.CreateOrganizationRequest(organization=pb.Organization(display_name="Zebra"))
    await service.organizations.CreateOrganization(new, metadata=bob)
    first = await list_organizations(service, bob, page_size=1)

    refused = await refusal(list_organizations(service, ada, page_size=1, page_token=first.next_page_token))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_refuses_a_negative_page_size(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(list_organizations(service, bob, page_size=-1))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["page_size"])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(list_organizations(service, ()))).code is StatusCode.UNAUTHENTICATED
