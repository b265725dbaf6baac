"""`trellis.user.v1.OperationService`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
from google.longrunning import operations_pb2

from services.chassis import principal
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import OperationHandlers
from trellis.user.v1 import operation_service_pb2 as rpc
from trellis.user.v1 import operation_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

LONGEST_WAIT = timedelta(seconds=8)


class OperationServicer(base.OperationServiceServicer):
    """`trellis.user.v1.OperationService`."""

    def __init__(self, handlers: OperationHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def GetOperation(self, request: rpc.GetOperationRequest, context: Context) -> operations_pb2.Operation:
        return convert.operation_to_proto(await self._handlers.get_operation(request.name, principal.current()))

    async def ListOperations(self, request: rpc.ListOperationsRequest, context: Context) -> rpc.ListOperationsResponse:
        rows = await self._handlers.list_operations(principal.current(), self._lists.query(request))
        return rpc.ListOperationsResponse(
            operations=map(convert.operation_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def CancelOperation(self, request: rpc.CancelOperationRequest, context: Context) -> operations_pb2.Operation:
        return convert.operation_to_proto(await self._handlers.cancel_operation(request.name, principal.current()))

    async def WaitOperation(self, request: rpc.WaitOperationRequest, context: Context) -> operations_pb2.Operation:
        said = request.HasField("timeout_duration")
        at_most = request.timeout_duration.ToTimedelta() if said else LONGEST_WAIT
        operation = await self._handlers.wait_operation(request.name, principal.current(), at_most)
        return convert.operation_to_proto(operation)
