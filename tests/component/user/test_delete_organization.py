"""OrganizationService.DeleteOrganization."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import OrganizationDeletedEvent
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN, NOTHING, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import RETENTION, Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def delete(service: UserProcess, caller: Metadata, name: str = ACME, **values: Any) -> pb.Organization:
    return await service.organizations.DeleteOrganization(
        rpc.DeleteOrganizationRequest(name=name, **values), metadata=caller
    )


async def test_its_owner_deletes_it_for_a_while(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    deleted = await delete(service, ada)

    assert (deleted.state, deleted.delete_time) == (pb.Organization.STATE_DELETED, stamp(time))
    assert store.events == [OrganizationDeletedEvent(ACME, time(), time() + RETENTION)]
    read = await service.organizations.GetOrganization(rpc.GetOrganizationRequest(name=ACME), metadata=ada)
    assert read == deleted
    time.move(days=30)
    assert deleted.purge_time == stamp(time)


@pytest.mark.parametrize("who", ["bob", "cid"])
async def test_nobody_but_an_owner_does(service: UserProcess, request: pytest.FixtureRequest, who: str) -> None:
    refused = await refusal(delete(service, request.getfixturevalue(who)))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "organizations.delete"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    foreign = await refusal(delete(service, ada, HIDDEN))

    assert foreign.code is StatusCode.PERMISSION_DENIED
    assert foreign == await refusal(delete(service, ada, NOTHING))
    assert store.tables.organizations[HIDDEN].delete_time is None


async def test_a_deleted_one_is_not_deleted_again(service: UserProcess, ada: Metadata) -> None:
    await delete(service, ada)

    refused = await refusal(delete(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "ORGANIZATION_DELETED",
        {"organization": ACME},
    )


async def test_the_same_request_is_answered_again(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    first = await delete(service, ada, request_id=REQUEST_ID)

    assert await delete(service, ada, request_id=REQUEST_ID) == first

    assert len(store.events) == 1


async def test_an_older_version_is_not_deleted(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    refused = await refusal(delete(service, ada, etag='"7"'))

    assert (refused.code, refused.reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")
    assert store.tables.organizations[ACME].delete_time is None


async def test_validate_only_deletes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    assert (await delete(service, ada, validate_only=True)).state == pb.Organization.STATE_DELETED

    assert store.tables.organizations[ACME].delete_time is None


async def test_a_purged_one_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(delete(service, ada))).reason == "ORGANIZATION_NOT_FOUND"


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(delete(service, ()))).code is StatusCode.UNAUTHENTICATED
