"""OrganizationService.GetOrganization."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, HIDDEN, NOTHING, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def get(service: UserProcess, caller: Metadata, name: str = ACME) -> pb.Organization:
    return await service.organizations.GetOrganization(rpc.GetOrganizationRequest(name=name), metadata=caller)


async def test_answers_with_the_organization(service: UserProcess, bob: Metadata, time: Time) -> None:
    now = stamp(time)
    assert await get(service, bob) == pb.Organization(
        name=ACME,
        display_name="Acme",
        state=pb.Organization.STATE_ACTIVE,
        create_time=now,
        update_time=now,
        etag='"1"',
    )


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(get(service, ada, HIDDEN))

    assert (foreign.code, foreign.reason, foreign.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "PERMISSION_DENIED",
        {"permission": "organizations.get"},
    )
    assert foreign == await refusal(get(service, ada, NOTHING))


async def test_a_name_that_only_begins_alike_is_another_organization(service: UserProcess, ada: Metadata) -> None:
    assert (await refusal(get(service, ada, f"{ACME}2"))).code is StatusCode.PERMISSION_DENIED


async def test_a_purged_one_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    refused = await refusal(get(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "ORGANIZATION_NOT_FOUND",
        {"organization": ACME},
    )


async def test_a_token_without_an_organization_opens_none(service: UserProcess) -> None:
    assert (await refusal(get(service, service.called_by(ADA)))).code is StatusCode.PERMISSION_DENIED


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(get(service, ()))).code is StatusCode.UNAUTHENTICATED
