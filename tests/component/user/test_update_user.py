"""UserService.UpdateUser."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from services.user.domain import User, UserUpdated
from tests.component.refusals import refusal
from tests.component.user.conftest import ADA, BOB, EVE, NOBODY, stamp
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"


async def update(service: UserProcess, caller: Metadata, user: pb.User, *mask: str, **values: Any) -> pb.User:
    request = rpc.UpdateUserRequest(user=user, update_mask=FieldMask(paths=mask), **values)
    return await service.users.UpdateUser(request, metadata=caller)


async def test_changes_what_the_mask_names_and_announces_it(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    time.move(minutes=1)
    sent = pb.User(name="users/me", display_name="Countess", time_zone="Europe/London")

    changed = await update(service, ada, sent, "display_name")

    assert (changed.name, changed.display_name, changed.time_zone, changed.etag) == (ADA, "Countess", "", '"2"')
    assert changed.update_time == stamp(time)
    assert (await service.users.GetUser(rpc.GetUserRequest(name=ADA), metadata=ada)) == changed
    assert store.events == [UserUpdated(ADA, ("display_name",), time())]


async def test_no_mask_means_every_field_that_is_set(service: UserProcess, ada: Metadata) -> None:
    changed = await update(service, ada, pb.User(name=ADA, language_code="en-GB", time_zone="Europe/London"))

    assert (changed.display_name, changed.language_code, changed.time_zone) == ("Ada", "en-GB", "Europe/London")


@pytest.mark.parametrize("somebody", [BOB, EVE, NOBODY])
async def test_nobody_changes_anybody_else(service: UserProcess, store: FakeUserStore, ada: Metadata, somebody: str) -> None:
    before = dict(store.tables.users)

    refused = await refusal(update(service, ada, pb.User(name=somebody, display_name="Mallory")))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "USER_NOT_VISIBLE",
        {"user": somebody},
    )
    assert store.tables.users == before


async def test_a_newcomer_may_come_before_the_event_about_them(service: UserProcess, store: FakeUserStore) -> None:
    new = User("users/usr_new", "new@example.com", "New", NOON, NOON)
    service.parts.accounts.known[new.name] = new

    await update(service, service.called_by(new.name), pb.User(name="users/me", display_name="Newer"))

    assert (store.tables.users[new.name].display_name, store.tables.users[new.name].email) == ("Newer", new.email)


async def test_a_change_of_an_older_version_is_refused(service: UserProcess, ada: Metadata) -> None:
    await update(service, ada, pb.User(name=ADA, display_name="First"))

    refused = await refusal(update(service, ada, pb.User(name=ADA, display_name="Second", etag='"1"')))

    assert (refused.code, refused.reason, refused.metadata) == (StatusCode.ABORTED, "ETAG_MISMATCH", {"resource": ADA})


async def test_the_same_request_changes_once(service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time) -> None:
    user = pb.User(name=ADA, display_name="Countess")
    first = await update(service, ada, user, request_id=REQUEST_ID)
    time.move(minutes=1)

    assert await update(service, ada, user, request_id=REQUEST_ID) == first
    assert await update(service, ada, user, request_id=REQUEST_ID.upper()) == first
    in_header = (*ada, ("idempotency-key", REQUEST_ID))
    assert await update(service, in_header, user) == first

    assert (store.tables.users[ADA].version, len(store.events)) == (2, 1)


async def test_a_request_id_of_another_request_is_refused(service: UserProcess, ada: Metadata) -> None:
    await update(service, ada, pb.User(name=ADA, display_name="First"), request_id=REQUEST_ID)

    refused = await refusal(update(service, ada, pb.User(name=ADA, display_name="Second"), request_id=REQUEST_ID))

    assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")


async def test_validate_only_changes_nothing(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    answer = await update(service, ada, pb.User(name=ADA, display_name="Countess"), validate_only=True)

    assert answer.display_name == "Countess"
    assert (store.tables.users[ADA].display_name, store.events) == ("Ada", [])


@pytest.mark.parametrize(
    ("user", "mask", "field"),
    [
        (pb.User(name=ADA, email="new@example.com"), ["email"], "update_mask"),
        (pb.User(name=ADA), [], "update_mask"),
        (pb.User(name=ADA), ["nonsense"], "update_mask"),
        (pb.User(name=ADA), ["display_name"], "display_name"),
        (pb.User(name=ADA, display_name="   "), [], "display_name"),
        (pb.User(name=ADA, display_name="x" * 101), [], "user.display_name"),
        (pb.User(name=ADA, language_code="not a language"), [], "user.language_code"),
    ],
)
async def test_refuses_what_cannot_be(
    service: UserProcess, ada: Metadata, user: pb.User, mask: list[str], field: str
) -> None:
    refused = await refusal(update(service, ada, user, *mask))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(update(service, (), pb.User(name=ADA, display_name="X")))).code is StatusCode.UNAUTHENTICATED
