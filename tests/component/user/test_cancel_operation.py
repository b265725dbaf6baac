"""OperationService.CancelOperation."""

from __future__ import annotations

from typing import Any

from google.longrunning import operations_pb2
from google.rpc import code_pb2, error_details_pb2
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import auth_answers
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import operation_service_pb2 as rpc


async def cancel(service: UserProcess, caller: Metadata, name: str, **values: Any) -> operations_pb2.Operation:
    return await service.operations.CancelOperation(rpc.CancelOperationRequest(name=name, **values), metadata=caller)


async def test_it_ends_cancelled_and_no_answer_brings_it_back(
    service: UserProcess, store: FakeUserStore, bob: Metadata, exporting: str
) -> None:
    operation = await cancel(service, bob, exporting)

    info = error_details_pb2.ErrorInfo()
    assert operation.error.details[0].Unpack(info)
    assert (operation.done, operation.error.code, info.reason) == (True, code_pb2.CANCELLED, "OPERATION_CANCELLED")
    await auth_answers(service, exporting)
    assert (store.tables.exports, store.tables.service_answers) == ({}, {})
    assert await cancel(service, bob, exporting) == operation


async def test_one_that_is_done_stays_as_it_is(service: UserProcess, bob: Metadata, exporting: str) -> None:
    await auth_answers(service, exporting)

    operation = await cancel(service, bob, exporting)

    assert (operation.done, operation.WhichOneof("result")) == (True, "response")


async def test_an_erasure_runs_to_its_end(service: UserProcess, bob: Metadata, erasing: str) -> None:
    refused = await refusal(cancel(service, bob, erasing))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "OPERATION_NOT_CANCELLABLE",
        {"operation": erasing},
    )


async def test_nobody_else_cancels_it(service: UserProcess, ada: Metadata, exporting: str) -> None:
    assert (await refusal(cancel(service, ada, exporting))).reason == "OPERATION_NOT_FOUND"


async def test_validate_only_cancels_nothing(service: UserProcess, bob: Metadata, exporting: str) -> None:
    assert (await cancel(service, bob, exporting, validate_only=True)).done

    found = await service.operations.GetOperation(rpc.GetOperationRequest(name=exporting), metadata=bob)
    assert not found.done


async def test_a_repeated_request_is_answered_as_the_first_time(service: UserProcess, bob: Metadata, exporting: str) -> None:
    request_id = "5c9c1e44-8a25-4d8a-9a5a-3f9a9b1a7c14"

    assert await cancel(service, bob, exporting, request_id=request_id) == await cancel(
        service, bob, exporting, request_id=request_id
    )


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(cancel(service, (), "operations/op_1"))).code is StatusCode.UNAUTHENTICATED
