"""OrganizationService.CreateOrganization."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from services.user.domain import Membership, MembershipCreated, OrganizationCreated, Role, User
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, EVE, HIDDEN, NOBODY, stamp
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"
NEW = "organizations/org_1"


async def create(service: UserProcess, caller: Metadata, display_name: str = "New", **values: Any) -> pb.Organization:
    request = rpc.CreateOrganizationRequest(organization=pb.Organization(display_name=display_name), **values)
    return await service.organizations.CreateOrganization(request, metadata=caller)


async def test_makes_the_caller_its_owner_and_announces_both(
    service: UserProcess, store: FakeUserStore, eve: Metadata, time: Time
) -> None:
    created = await create(service, eve)

    now = stamp(time)
    assert created == pb.Organization(
        name=NEW,
        display_name="New",
        state=pb.Organization.STATE_ACTIVE,
        create_time=now,
        update_time=now,
        etag='"1"',
    )
    name = f"{NEW}/memberships/usr_eve"
    assert store.tables.memberships[name] == Membership(NEW, EVE, Role.OWNER, time(), time())
    assert store.events == [
        OrganizationCreated(NEW, EVE, time()),
        MembershipCreated(name, NEW, EVE, Role.OWNER, time()),
    ]


async def test_a_newcomer_may_come_before_the_event_about_them(service: UserProcess, store: FakeUserStore) -> None:
    new = User("users/usr_new", "new@example.com", "New", NOON, NOON)
    service.parts.accounts.known[new.name] = new

    created = await create(service, service.called_by(new.name))

    assert store.tables.users[new.name] == new
    assert store.tables.memberships[f"{created.name}/memberships/usr_new"].role is Role.OWNER


async def test_somebody_whom_nobody_knows_creates_nothing(service: UserProcess, store: FakeUserStore) -> None:
    refused = await refusal(create(service, service.called_by(NOBODY)))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "USER_NOT_FOUND")
    assert sorted(store.tables.organizations) == [ACME, HIDDEN]


async def test_whose_account_is_out_of_use_founds_nothing(service: UserProcess, store: FakeUserStore, eve: Metadata) -> None:
    store.tables.users[EVE], _ = store.tables.users[EVE].deactivate(at=NOON)

    assert (await refusal(create(service, eve))).reason == "USER_NOT_ACTIVE"
    assert NEW not in store.tables.organizations


async def test_the_same_request_creates_one(service: UserProcess, store: FakeUserStore, eve: Metadata) -> None:
    first = await create(service, eve, request_id=REQUEST_ID)

    assert await create(service, eve, request_id=REQUEST_ID) == first

    assert sorted(store.tables.organizations) == [NEW, ACME, HIDDEN]


async def test_the_same_id_of_another_caller_is_another_request(service: UserProcess, eve: Metadata, ada: Metadata) -> None:
    first = await create(service, eve, request_id=REQUEST_ID)

    assert (await create(service, ada, request_id=REQUEST_ID)).name != first.name


async def test_validate_only_creates_nothing(service: UserProcess, store: FakeUserStore, eve: Metadata) -> None:
    assert (await create(service, eve, validate_only=True)).display_name == "New"

    assert (sorted(store.tables.organizations), store.events) == ([ACME, HIDDEN], [])


@pytest.mark.parametrize(
    ("display_name", "field"), [("", "display_name"), (" ", "display_name"), ("x" * 101, "organization.display_name")]
)
async def test_refuses_a_name_that_cannot_be(service: UserProcess, eve: Metadata, display_name: str, field: str) -> None:
    refused = await refusal(create(service, eve, display_name))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_refuses_a_request_id_that_is_none(service: UserProcess, eve: Metadata) -> None:
    refused = await refusal(create(service, eve, request_id="again"))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["request_id"])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(create(service, ()))).code is StatusCode.UNAUTHENTICATED
