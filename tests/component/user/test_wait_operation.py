"""OperationService.WaitOperation."""

from __future__ import annotations

from google.longrunning import operations_pb2
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import auth_answers
from tests.conftest import NOON, Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import operation_service_pb2 as rpc


async def wait(service: UserProcess, caller: Metadata, name: str, seconds: int | None = None) -> operations_pb2.Operation:
    duration = Duration(seconds=seconds) if seconds is not None else None
    request = rpc.WaitOperationRequest(name=name, timeout_duration=duration)
    return await service.operations.WaitOperation(request, metadata=caller)


async def test_it_answers_once_the_operation_is_done(
    service: UserProcess, bob: Metadata, exporting: str, time: Time
) -> None:
    async def answer() -> None:
        if service.parts.paused == 3:
            await auth_answers(service, exporting)

    service.parts.meanwhile = answer

    operation = await wait(service, bob, exporting)

    assert operation.done
    assert (time() - NOON).total_seconds() < 1


async def test_it_answers_when_the_time_is_over(service: UserProcess, bob: Metadata, exporting: str, time: Time) -> None:
    assert not (await wait(service, bob, exporting, seconds=2)).done

    assert 2 <= (time() - NOON).total_seconds() < 2.5


async def test_unsaid_it_waits_eight_seconds_and_no_longer_may_be_said(
    service: UserProcess, bob: Metadata, exporting: str, time: Time
) -> None:
    assert not (await wait(service, bob, exporting)).done

    assert 8 <= (time() - NOON).total_seconds() < 8.5
    assert (await refusal(wait(service, bob, exporting, seconds=9))).fields == ["timeout_duration"]


async def test_no_time_at_all_is_a_look(service: UserProcess, bob: Metadata, exporting: str) -> None:
    assert not (await wait(service, bob, exporting, seconds=0)).done

    assert service.parts.paused == 0


async def test_nobody_else_waits_for_it(service: UserProcess, ada: Metadata, exporting: str) -> None:
    assert (await refusal(wait(service, ada, exporting))).reason == "OPERATION_NOT_FOUND"


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(wait(service, (), "operations/op_1"))).code is StatusCode.UNAUTHENTICATED
