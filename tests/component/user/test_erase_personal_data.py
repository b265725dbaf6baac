"""PersonalDataService.ErasePersonalData."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.longrunning import operations_pb2
from grpc import StatusCode

from services.user.domain import (
    MembershipDeleted,
    PersonalDataErasureRequested,
    UserDeleted,
    UserErased,
    UserState,
    membership_name,
)
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB, auth_answers
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import personal_data_service_pb2 as rpc
from trellis.user.v1 import service_pb2 as users


async def erase(service: UserProcess, caller: Metadata, name: str = "users/me", **values: Any) -> operations_pb2.Operation:
    request = rpc.ErasePersonalDataRequest(name=name, **values)
    return await service.personal_data.ErasePersonalData(request, metadata=caller)


async def test_every_service_is_told_and_nothing_brings_the_account_back(
    service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time
) -> None:
    operation = await erase(service, bob)

    assert store.events == [PersonalDataErasureRequested(BOB, operation.name, time())]
    assert store.tables.users[BOB].state is UserState.ERASED
    refused = await refusal(service.users.DeactivateUser(users.DeactivateUserRequest(name=BOB), metadata=bob))
    assert refused.reason == "USER_NOT_ACTIVE"


async def test_once_all_have_answered_only_the_name_is_left(
    service: UserProcess, store: FakeUserStore, erasing: str, time: Time
) -> None:
    await auth_answers(service, erasing, erased=True)

    tombstone = store.tables.users[BOB]
    assert (tombstone.email, tombstone.display_name, tombstone.language_code, tombstone.time_zone) == ("", "", "", "")
    assert (tombstone.name, tombstone.create_time, tombstone.state) == (BOB, NOON, UserState.ERASED)
    assert [each.user for each in store.tables.memberships.values() if each.user == BOB] == []
    assert store.events[1:] == [
        MembershipDeleted(membership_name(ACME, BOB), ACME, BOB, time()),
        UserErased(BOB, erasing, time()),
    ]


async def test_a_service_that_never_answers_keeps_it_running_and_is_named(
    service: UserProcess, store: FakeUserStore, erasing: str, time: Time
) -> None:
    for _ in range(100):
        await service.parts.run()
        time.move(hours=1)

    operation = store.tables.operations[erasing]
    assert (operation.done, operation.progress.waiting_for) == (False, ("services/auth",))
    assert store.tables.users[BOB].email == "bob@example.com"
    assert len(store.events) == 100


async def test_erasing_twice_is_one_operation_with_one_certificate(
    service: UserProcess, store: FakeUserStore, bob: Metadata, erasing: str
) -> None:
    assert (await erase(service, bob)).name == erasing

    await auth_answers(service, erasing, erased=True)

    again = await erase(service, bob)
    assert (again.name, again.done, len(store.tables.certificates)) == (erasing, True, 1)
    assert len([event for event in store.events if isinstance(event, PersonalDataErasureRequested)]) == 1


@pytest.mark.parametrize(("age_s", "code"), [(599, None), (600, None), (601, "FRESH_SIGN_IN_REQUIRED")])
async def test_the_session_has_to_be_fresh(service: UserProcess, age_s: int, code: str | None) -> None:
    caller = service.called_by(BOB, session_age_s=age_s)

    if code is None:
        assert (await erase(service, caller)).name
        return
    refused = await refusal(erase(service, caller))
    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        code,
        {"minutes": "10"},
    )


async def test_the_last_owner_makes_somebody_else_an_owner_first(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    refused = await refusal(erase(service, ada))

    assert (refused.reason, refused.metadata) == ("LAST_OWNER_OF", {"user": ADA, "organizations": ACME})
    assert (store.tables.operations, store.events) == ({}, [])


async def test_nobody_erases_somebody_else(service: UserProcess, bob: Metadata) -> None:
    assert (await refusal(erase(service, bob, ADA))).reason == "USER_NOT_VISIBLE"


async def test_a_repeated_request_is_answered_as_the_first_time(service: UserProcess, bob: Metadata) -> None:
    request_id = "5c9c1e44-8a25-4d8a-9a5a-3f9a9b1a7c16"

    assert await erase(service, bob, request_id=request_id) == await erase(service, bob, request_id=request_id)


async def test_validate_only_begins_nothing(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    await erase(service, bob, validate_only=True)

    assert (store.tables.operations, store.events) == ({}, [])
    assert store.tables.users[BOB].state is UserState.ACTIVE


async def test_a_deleted_account_is_erased_when_its_time_is_over(
    service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time
) -> None:
    await service.users.DeleteUser(users.DeleteUserRequest(name="users/me"), metadata=bob)
    time.move(days=30, seconds=-1)
    assert await service.parts.personal_data.purge_users() is False

    time.move(seconds=1)
    assert [await service.parts.personal_data.purge_users() for _ in range(2)] == [True, False]

    [operation] = store.tables.operations
    assert store.events == [
        UserDeleted(BOB, NOON, NOON + timedelta(days=30)),
        PersonalDataErasureRequested(BOB, operation, time()),
    ]
    await auth_answers(service, operation, erased=True)
    assert store.tables.users[BOB].email == ""


async def test_an_account_that_is_brought_back_is_not_erased(
    service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time
) -> None:
    await service.users.DeleteUser(users.DeleteUserRequest(name="users/me"), metadata=bob)
    token = await service.parts.restore_token(BOB)
    await service.users.UndeleteUser(users.UndeleteUserRequest(name=BOB, token=token))
    time.move(days=31)

    assert await service.parts.personal_data.purge_users() is False


async def test_an_export_that_runs_ends_with_the_account(
    service: UserProcess, store: FakeUserStore, exporting: str, erasing: str
) -> None:
    await auth_answers(service, exporting)
    await auth_answers(service, erasing, erased=True)

    assert (store.tables.operations[exporting].done, store.tables.exports) == (True, {})
    assert b"USER_NOT_ACTIVE" in store.tables.operations[exporting].error


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(erase(service, ()))).code is StatusCode.UNAUTHENTICATED
