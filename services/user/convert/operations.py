"""Operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from services.chassis.operations import Operation
from services.chassis.times import timestamp
from trellis.user.v1 import operation_service_pb2 as pb


def operation_to_proto(operation: Operation) -> operations_pb2.Operation:
    message = operations_pb2.Operation(name=operation.name, done=operation.done)
    message.metadata.Pack(_metadata(operation))
    if operation.error:
        message.error.CopyFrom(status_pb2.Status.FromString(operation.error))
    elif operation.done:
        message.response.CopyFrom(any_pb2.Any.FromString(operation.response))
    return message


def _metadata(operation: Operation) -> pb.OperationMetadata:
    return pb.OperationMetadata(
        verb=operation.verb,
        target=operation.target,
        stage=operation.progress.stage,
        done_count=operation.progress.done_count,
        total_count=operation.progress.total_count,
        waiting_for=operation.progress.waiting_for,
        create_time=timestamp(operation.create_time),
        update_time=timestamp(operation.update_time),
        end_time=timestamp(operation.end_time),
        expire_time=timestamp(operation.expire_time),
    )


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Operation: operation_to_proto,
}
