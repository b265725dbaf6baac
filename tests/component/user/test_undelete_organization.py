"""OrganizationService.UndeleteOrganization."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import OrganizationUndeleted
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN, NOTHING
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def undelete(service: UserProcess, caller: Metadata, name: str = ACME, **values: Any) -> pb.Organization:
    return await service.organizations.UndeleteOrganization(
        rpc.UndeleteOrganizationRequest(name=name, **values), metadata=caller
    )


async def delete(service: UserProcess, caller: Metadata) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=caller)


async def test_its_owner_brings_it_back(service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time) -> None:
    await delete(service, ada)

    restored = await undelete(service, ada)

    assert (restored.state, restored.HasField("delete_time"), restored.HasField("purge_time"), restored.etag) == (
        pb.Organization.STATE_ACTIVE,
        False,
        False,
        '"3"',
    )
    assert store.events[1:] == [OrganizationUndeleted(ACME, time())]


async def test_an_active_one_cannot_be_brought_back(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(undelete(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "ORGANIZATION_NOT_DELETED",
        {"organization": ACME},
    )


@pytest.mark.parametrize("who", ["bob", "cid"])
async def test_nobody_but_an_owner_does(
    service: UserProcess, request: pytest.FixtureRequest, ada: Metadata, who: str
) -> None:
    await delete(service, ada)

    refused = await refusal(undelete(service, request.getfixturevalue(who)))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "organizations.undelete"})


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(undelete(service, ada, HIDDEN))

    assert foreign.code is StatusCode.PERMISSION_DENIED
    assert foreign == await refusal(undelete(service, ada, NOTHING))


async def test_validate_only_brings_nothing_back(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await delete(service, ada)

    assert (await undelete(service, ada, validate_only=True)).state == pb.Organization.STATE_ACTIVE

    assert store.tables.organizations[ACME].delete_time is not None


async def test_a_purged_one_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(undelete(service, ada))).reason == "ORGANIZATION_NOT_FOUND"


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(undelete(service, ()))).code is StatusCode.UNAUTHENTICATED
