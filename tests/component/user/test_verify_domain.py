"""DomainService.VerifyDomain."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from services.user.domain import DomainLost, DomainState, DomainVerified
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, EXAMPLE, HIDDEN, NOTHING, claimed, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import domain_service_pb2 as rpc
from trellis.user.v1 import service_pb2

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


HERS = f"{HIDDEN}/domains/example.com"


async def verify(service: UserProcess, caller: Metadata, name: str, **values: Any) -> rpc.Domain:
    return await service.domains.VerifyDomain(rpc.VerifyDomainRequest(name=name, **values), metadata=caller)


async def proven(service: UserProcess, caller: Metadata) -> None:
    """Claim example.com for ACME and put the record into DNS."""
    domain = await claimed(service, caller)
    service.parts.resolver.records[domain.txt_record_name] = ["v=spf1 -all", domain.txt_record_value]


async def test_the_record_proves_it(service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time) -> None:
    await proven(service, ada)

    found = await verify(service, ada, EXAMPLE)

    assert (found.state, found.verify_time, found.etag) == (rpc.Domain.STATE_VERIFIED, stamp(time), '"2"')
    assert store.events[-1] == DomainVerified(EXAMPLE, ACME, time())


async def test_verifying_again_announces_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await proven(service, ada)
    first = await verify(service, ada, EXAMPLE)

    assert await verify(service, ada, EXAMPLE) == first

    assert len(store.events) == 2


async def test_without_the_record_it_stays_a_claim(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    domain = await claimed(service, ada)

    missing = await refusal(verify(service, ada, EXAMPLE))
    service.parts.resolver.records[domain.txt_record_name] = [f"{domain.txt_record_value}0", "trellis-verification="]
    wrong = await refusal(verify(service, ada, EXAMPLE))

    assert (missing.code, missing.reason, missing.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "DOMAIN_NOT_VERIFIED",
        {"record": "_trellis-challenge.example.com"},
    )
    assert wrong == missing
    assert store.tables.domains[EXAMPLE].state is DomainState.UNVERIFIED


async def test_where_dns_does_not_answer_it_can_be_tried_again(service: UserProcess, ada: Metadata) -> None:
    await proven(service, ada)
    service.parts.resolver.away = True

    refused = await refusal(verify(service, ada, EXAMPLE))

    assert (refused.code, refused.reason, refused.metadata, refused.retry_after_s) == (
        StatusCode.UNAVAILABLE,
        "DOMAIN_LOOKUP_FAILED",
        {"record": "_trellis-challenge.example.com"},
        30,
    )


async def test_it_belongs_to_whoever_verified_it_last(
    service: UserProcess, store: FakeUserStore, ada: Metadata, eve: Metadata, time: Time
) -> None:
    await proven(service, ada)
    await verify(service, ada, EXAMPLE)
    request = rpc.CreateDomainRequest(parent=HIDDEN, domain_id="example.com")
    hers = await service.domains.CreateDomain(request, metadata=eve)
    service.parts.resolver.records[hers.txt_record_name].append(hers.txt_record_value)

    assert (await verify(service, eve, HERS)).state == rpc.Domain.STATE_VERIFIED

    assert store.tables.domains[EXAMPLE].state is DomainState.UNVERIFIED
    assert store.events[-2:] == [DomainLost(EXAMPLE, ACME, time()), DomainVerified(HERS, HIDDEN, time())]


async def test_the_record_of_one_organization_proves_nothing_for_another(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    await proven(service, ada)
    await service.domains.CreateDomain(rpc.CreateDomainRequest(parent=HIDDEN, domain_id="example.com"), metadata=eve)

    assert (await refusal(verify(service, eve, HERS))).reason == "DOMAIN_NOT_VERIFIED"


async def test_dns_is_asked_ten_times_a_minute_at_most(service: UserProcess, ada: Metadata) -> None:
    await claimed(service, ada)
    refusals = [await refusal(verify(service, ada, EXAMPLE)) for _ in range(11)]

    assert [refused.reason for refused in refusals] == ["DOMAIN_NOT_VERIFIED"] * 10 + ["RATE_LIMITED"]
    assert len(service.parts.resolver.asked) == 10


async def test_the_same_request_is_answered_again(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await proven(service, ada)
    first = await verify(service, ada, EXAMPLE, request_id=REQUEST_ID)
    announced = len(store.events)

    assert await verify(service, ada, EXAMPLE, request_id=REQUEST_ID) == first

    assert len(store.events) == announced


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    await proven(service, ada)
    before = store.tables.domains[EXAMPLE]

    assert (await verify(service, ada, EXAMPLE, validate_only=True)).name == EXAMPLE

    assert store.tables.domains[EXAMPLE] == before


async def test_a_deleted_or_purged_organization_does_not_change(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    await proven(service, ada)
    await service.organizations.DeleteOrganization(service_pb2.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(verify(service, ada, EXAMPLE))).reason == "ORGANIZATION_DELETED"
    del store.tables.organizations[ACME]
    assert (await refusal(verify(service, ada, EXAMPLE))).reason == "ORGANIZATION_NOT_FOUND"


async def test_what_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(verify(service, ada, EXAMPLE))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "DOMAIN_NOT_FOUND",
        {"domain": EXAMPLE},
    )


async def test_a_member_is_denied(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    await claimed(service, ada)

    refused = await refusal(verify(service, bob, EXAMPLE))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "domains.verify"})


async def test_another_organization_is_denied_whether_or_not_it_exists(
    service: UserProcess, ada: Metadata, eve: Metadata
) -> None:
    await claimed(service, ada)

    foreign = await refusal(verify(service, eve, EXAMPLE))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == await refusal(verify(service, eve, f"{NOTHING}/domains/example.com"))


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(verify(service, (), EXAMPLE))).code is StatusCode.UNAUTHENTICATED
