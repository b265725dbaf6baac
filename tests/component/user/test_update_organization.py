"""OrganizationService.UpdateOrganization."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from services.user.domain import OrganizationUpdated
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN, NOTHING, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc


async def update(
    service: UserProcess, caller: Metadata, name: str = ACME, *mask: str, etag: str = "", **values: Any
) -> pb.Organization:
    organization = pb.Organization(name=name, display_name="Ajax", etag=etag)
    request = rpc.UpdateOrganizationRequest(organization=organization, update_mask=FieldMask(paths=mask), **values)
    return await service.organizations.UpdateOrganization(request, metadata=caller)


@pytest.mark.parametrize("who", ["ada", "cid"])
async def test_an_owner_or_administrator_changes_it(
    service: UserProcess, store: FakeUserStore, request: pytest.FixtureRequest, time: Time, who: str
) -> None:
    time.move(minutes=1)

    changed = await update(service, request.getfixturevalue(who))

    assert (changed.display_name, changed.etag, changed.update_time) == ("Ajax", '"2"', stamp(time))
    assert store.tables.organizations[ACME].display_name == "Ajax"
    assert store.events == [OrganizationUpdated(ACME, ("display_name",), time())]


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(update(service, bob))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "organizations.update"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    foreign = await refusal(update(service, ada, HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(update(service, ada, NOTHING))
    assert store.tables.organizations[HIDDEN].display_name == "Hidden"


async def test_a_change_of_an_older_version_is_refused(service: UserProcess, ada: Metadata) -> None:
    await update(service, ada, etag='"1"')

    refused = await refusal(update(service, ada, etag='"1"'))

    assert (refused.code, refused.reason, refused.metadata) == (StatusCode.ABORTED, "ETAG_MISMATCH", {"resource": ACME})


async def test_a_deleted_one_does_not_change(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(rpc.DeleteOrganizationRequest(name=ACME), metadata=ada)

    refused = await refusal(update(service, ada))

    assert (refused.code, refused.reason) == (StatusCode.FAILED_PRECONDITION, "ORGANIZATION_DELETED")


async def test_a_purged_one_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(update(service, ada))).reason == "ORGANIZATION_NOT_FOUND"


async def test_only_the_name_to_show_can_be_changed(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(update(service, ada, ACME, "state"))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["update_mask"])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(update(service, ()))).code is StatusCode.UNAUTHENTICATED
