"""DomainService.UpdateDomain."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from services.user.domain import DomainUpdated
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, EXAMPLE, NOTHING, claimed
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import domain_service_pb2 as rpc
from trellis.user.v1 import service_pb2

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def update(
    service: UserProcess, caller: Metadata, name: str, *, capture: bool = True, etag: str = "", **values: Any
) -> rpc.Domain:
    request = rpc.UpdateDomainRequest(domain=rpc.Domain(name=name, capture=capture, etag=etag), **values)
    return await service.domains.UpdateDomain(request, metadata=caller)


async def test_capturing_is_turned_on(
    service: UserProcess, store: FakeUserStore, ada: Metadata, cid: Metadata, time: Time
) -> None:
    await claimed(service, ada)

    updated = await update(service, cid, EXAMPLE)

    assert (updated.capture, updated.etag) == (True, '"2"')
    assert store.events[-1] == DomainUpdated(EXAMPLE, ACME, ("capture",), time())


async def test_and_off_by_the_mask(service: UserProcess, ada: Metadata) -> None:
    await claimed(service, ada, capture=True)

    assert not (await update(service, ada, EXAMPLE, capture=False, update_mask={"paths": ["capture"]})).capture


async def test_an_older_version_is_not_changed(service: UserProcess, ada: Metadata) -> None:
    await claimed(service, ada)

    assert (await refusal(update(service, ada, EXAMPLE, etag='"9"'))).reason == "ETAG_MISMATCH"


async def test_nothing_else_is_written(service: UserProcess, ada: Metadata) -> None:
    await claimed(service, ada)

    refused = await refusal(update(service, ada, EXAMPLE, update_mask={"paths": ["state"]}))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["update_mask"])


async def test_the_same_request_is_answered_again(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await claimed(service, ada)
    first = await update(service, ada, EXAMPLE, request_id=REQUEST_ID)
    announced = len(store.events)

    assert await update(service, ada, EXAMPLE, request_id=REQUEST_ID) == first

    assert len(store.events) == announced


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await claimed(service, ada)
    before = store.tables.domains[EXAMPLE]

    assert (await update(service, ada, EXAMPLE, validate_only=True)).name == EXAMPLE

    assert store.tables.domains[EXAMPLE] == before


async def test_a_deleted_or_purged_organization_does_not_change(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    await claimed(service, ada)
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(update(service, ada, EXAMPLE))).reason == "ORGANIZATION_DELETED"
    del store.tables.organizations[ACME]
    assert (await refusal(update(service, ada, EXAMPLE))).reason == "ORGANIZATION_NOT_FOUND"


async def test_what_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(update(service, ada, EXAMPLE))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "DOMAIN_NOT_FOUND",
        {"domain": EXAMPLE},
    )


async def test_a_member_is_denied(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    await claimed(service, ada)

    refused = await refusal(update(service, bob, EXAMPLE))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "domains.update"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    await claimed(service, ada)

    foreign = await refusal(update(service, eve, EXAMPLE))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(update(service, eve, f"{NOTHING}/domains/example.com"))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(update(service, (), EXAMPLE))).code is StatusCode.UNAUTHENTICATED
