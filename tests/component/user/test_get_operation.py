"""OperationService.GetOperation."""

from __future__ import annotations

from google.longrunning import operations_pb2
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import BOB, auth_answers, stamp
from tests.conftest import Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import operation_service_pb2 as rpc
from trellis.user.v1 import personal_data_service_pb2 as personal_data


async def get(service: UserProcess, caller: Metadata, name: str) -> operations_pb2.Operation:
    return await service.operations.GetOperation(rpc.GetOperationRequest(name=name), metadata=caller)


def metadata_of(operation: operations_pb2.Operation) -> rpc.OperationMetadata:
    metadata = rpc.OperationMetadata()
    assert operation.metadata.Unpack(metadata)
    return metadata


async def test_it_says_how_far_it_is_and_whom_it_waits_for(
    service: UserProcess, bob: Metadata, exporting: str, time: Time
) -> None:
    await service.parts.run()

    operation = await get(service, bob, exporting)

    assert (operation.name, operation.done, operation.WhichOneof("result")) == (exporting, False, None)
    assert metadata_of(operation) == rpc.OperationMetadata(
        verb="ExportPersonalData",
        target=BOB,
        stage="collecting",
        done_count=0,
        total_count=2,
        waiting_for=["services/auth"],
        create_time=stamp(time),
        update_time=stamp(time),
    )


async def test_once_done_it_has_its_response_and_an_end(
    service: UserProcess, bob: Metadata, exporting: str, time: Time
) -> None:
    await auth_answers(service, exporting)

    operation = await get(service, bob, exporting)

    export = personal_data.PersonalDataExport()
    assert operation.response.Unpack(export)
    assert export.name == f"{BOB}/personalDataExports/{exporting.removeprefix('operations/')}"
    metadata = metadata_of(operation)
    assert (operation.done, metadata.stage, metadata.done_count, metadata.total_count) == (True, "done", 2, 2)
    assert (metadata.end_time, list(metadata.waiting_for)) == (stamp(time), [])
    assert metadata.expire_time.seconds - metadata.end_time.seconds == 7 * 24 * 3600


async def test_nobody_else_sees_it_whether_or_not_it_exists(service: UserProcess, ada: Metadata, exporting: str) -> None:
    foreign = await refusal(get(service, ada, exporting))

    assert (foreign.code, foreign.reason) == (StatusCode.NOT_FOUND, "OPERATION_NOT_FOUND")
    assert (await refusal(get(service, ada, "operations/op_none"))).reason == "OPERATION_NOT_FOUND"


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(get(service, (), "operations/op_1"))).code is StatusCode.UNAUTHENTICATED
