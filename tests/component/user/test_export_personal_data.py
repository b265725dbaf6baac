"""PersonalDataService.ExportPersonalData."""

from __future__ import annotations

import json
from typing import Any

from google.longrunning import operations_pb2
from grpc import StatusCode

from services.chassis.personal_data.sealed import public_jwk
from services.user.domain import PersonalDataRequested
from services.user.handlers.personal_data import answer_key
from tests.component.refusals import refusal
from tests.component.user.conftest import ADA, BOB, auth_answers
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import personal_data_service_pb2 as rpc
from trellis.user.v1 import service_pb2 as users


async def export(service: UserProcess, caller: Metadata, name: str = "users/me", **values: Any) -> operations_pb2.Operation:
    request = rpc.ExportPersonalDataRequest(name=name, **values)
    return await service.personal_data.ExportPersonalData(request, metadata=caller)


async def test_every_service_is_asked_and_answers_to_the_operation_alone(
    service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time
) -> None:
    operation = await export(service, bob)

    key = public_jwk(answer_key(service.parts.keyring, operation.name))
    assert store.events == [PersonalDataRequested(BOB, operation.name, key, time())]
    assert "d" not in json.loads(key)
    assert public_jwk(answer_key(service.parts.keyring, "operations/op_other")) != key


async def test_what_all_services_answered_becomes_one_document(
    service: UserProcess, store: FakeUserStore, exporting: str
) -> None:
    await auth_answers(service, exporting)

    [found] = store.tables.exports.values()
    document = json.loads(found.document)
    assert (document["user"], [part["service"] for part in document["services"]]) == (BOB, ["auth", "user"])
    assert document["services"][0]["records"] == [{"record": "trellis.auth.v1.AccountRecord", "fields": {}}]
    [user] = document["services"][1]["records"]
    assert user["fields"]["email"] == {"class": "PERSONAL", "value": "bob@example.com"}
    assert store.tables.service_answers == {}


async def test_while_one_runs_asking_again_is_the_same(
    service: UserProcess, store: FakeUserStore, bob: Metadata, exporting: str
) -> None:
    assert (await export(service, bob)).name == exporting
    assert len(store.events) == 1

    await auth_answers(service, exporting)
    assert (await export(service, bob)).name != exporting


async def test_a_service_that_is_away_delays_and_is_asked_again(
    service: UserProcess, store: FakeUserStore, exporting: str, time: Time
) -> None:
    await service.parts.run()
    time.move(minutes=4)
    await service.parts.run()
    assert len(store.events) == 1

    time.move(minutes=1)
    await service.parts.run()
    await service.parts.run()

    assert store.events[1] == PersonalDataRequested(BOB, exporting, store.events[0].answer_key, time())
    assert len(store.events) == 2
    await auth_answers(service, exporting)
    assert store.tables.operations[exporting].done


async def test_nobody_exports_somebody_else(service: UserProcess, bob: Metadata) -> None:
    refused = await refusal(export(service, bob, ADA))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "USER_NOT_VISIBLE")


async def test_an_account_out_of_use_is_brought_back_first(service: UserProcess, bob: Metadata) -> None:
    await service.users.DeactivateUser(users.DeactivateUserRequest(name="users/me"), metadata=bob)

    assert (await refusal(export(service, bob))).reason == "USER_NOT_ACTIVE"


async def test_a_repeated_request_is_answered_as_the_first_time(service: UserProcess, bob: Metadata) -> None:
    request_id = "5c9c1e44-8a25-4d8a-9a5a-3f9a9b1a7c15"

    assert await export(service, bob, request_id=request_id) == await export(service, bob, request_id=request_id)


async def test_validate_only_begins_nothing(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    await export(service, bob, validate_only=True)

    assert (store.tables.operations, store.events) == ({}, [])


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(export(service, ()))).code is StatusCode.UNAUTHENTICATED
