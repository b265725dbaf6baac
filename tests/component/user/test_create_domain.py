"""DomainService.CreateDomain."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import DomainCreated
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, EXAMPLE, HIDDEN, NOTHING, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import DOMAIN_TERMS, Metadata, UserProcess
from trellis.user.v1 import domain_service_pb2 as rpc
from trellis.user.v1 import service_pb2

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def create(
    service: UserProcess, caller: Metadata, domain_id: str = "example.com", parent: str = ACME, **values: Any
) -> rpc.Domain:
    request = rpc.CreateDomainRequest(parent=parent, domain_id=domain_id, **values)
    return await service.domains.CreateDomain(request, metadata=caller)


@pytest.mark.parametrize("who", ["ada", "cid"])
async def test_an_owner_or_administrator_claims_a_domain(
    service: UserProcess, store: FakeUserStore, request: pytest.FixtureRequest, time: Time, who: str
) -> None:
    created = await create(service, request.getfixturevalue(who), "Example.COM.")

    now = stamp(time)
    assert created == rpc.Domain(
        name=EXAMPLE,
        state=rpc.Domain.STATE_UNVERIFIED,
        txt_record_name="_trellis-challenge.example.com",
        txt_record_value="trellis-verification=dom_1",
        create_time=now,
        update_time=now,
        etag='"1"',
    )
    assert store.events == [DomainCreated(EXAMPLE, ACME, time())]


async def test_it_captures_once_verified_if_that_was_said(service: UserProcess, ada: Metadata) -> None:
    assert (await create(service, ada, domain=rpc.Domain(capture=True))).capture


async def test_an_internationalized_one_has_its_ascii_name(service: UserProcess, ada: Metadata) -> None:
    assert (await create(service, ada, "Bücher.example")).name == f"{ACME}/domains/xn--bcher-kva.example"


async def test_several_organizations_claim_one(service: UserProcess, ada: Metadata, eve: Metadata) -> None:
    mine, hers = await create(service, ada), await create(service, eve, parent=HIDDEN)

    assert (hers.name, hers.state) == (f"{HIDDEN}/domains/example.com", rpc.Domain.STATE_UNVERIFIED)
    assert mine.txt_record_value != hers.txt_record_value


async def test_nobody_claims_one_twice(service: UserProcess, ada: Metadata) -> None:
    await create(service, ada)

    refused = await refusal(create(service, ada, "EXAMPLE.com"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.ALREADY_EXISTS,
        "DOMAIN_EXISTS",
        {"domain": EXAMPLE},
    )


@pytest.mark.parametrize("name", ["co.uk", "github.io", "gmail.com", "mail.yahoo.com", "outlook.com"])
async def test_what_belongs_to_many_is_nobodys(service: UserProcess, ada: Metadata, name: str) -> None:
    refused = await refusal(create(service, ada, name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.INVALID_ARGUMENT,
        "DOMAIN_NOT_CLAIMABLE",
        {"domain": name},
    )


@pytest.mark.parametrize("name", ["", "com", "not a domain", "http://example.com", "ada@example.com", "10.0.0.1", "a" * 254])
async def test_refuses_what_is_no_domain(service: UserProcess, ada: Metadata, name: str) -> None:
    refused = await refusal(create(service, ada, name))

    assert (refused.code, refused.reason, refused.fields) == (
        StatusCode.INVALID_ARGUMENT,
        "REQUEST_INVALID",
        ["domain_id"],
    )


async def test_an_organization_has_so_many_and_no_more(service: UserProcess, ada: Metadata) -> None:
    for number in range(DOMAIN_TERMS.limit):
        await create(service, ada, f"example{number}.com")

    refused = await refusal(create(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.RESOURCE_EXHAUSTED,
        "DOMAIN_LIMIT_REACHED",
        {"organization": ACME, "limit": "3"},
    )


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(create(service, bob))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "domains.create"})


async def test_another_organization_is_denied_whether_or_not_it_exists(service: UserProcess, ada: Metadata) -> None:
    foreign = await refusal(create(service, ada, parent=HIDDEN))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(create(service, ada, parent=NOTHING))


async def test_a_deleted_or_purged_organization_claims_nothing(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(create(service, ada))).reason == "ORGANIZATION_DELETED"
    del store.tables.organizations[ACME]
    assert (await refusal(create(service, ada))).reason == "ORGANIZATION_NOT_FOUND"


async def test_the_same_request_claims_once(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    first = await create(service, ada, request_id=REQUEST_ID)

    assert await create(service, ada, request_id=REQUEST_ID) == first

    assert len(store.events) == 1


async def test_validate_only_claims_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    assert (await create(service, ada, validate_only=True)).name == EXAMPLE

    assert (store.tables.domains, store.events) == ({}, [])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(create(service, ()))).code is StatusCode.UNAUTHENTICATED
