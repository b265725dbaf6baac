"""`trellis.auth.v1.AccountService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.handlers import AccountHandlers
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class AccountServicer(base.AccountServiceServicer):
    """`trellis.auth.v1.AccountService`."""

    def __init__(self, handlers: AccountHandlers) -> None:
        self._handlers = handlers

    async def GetAccount(self, request: rpc.GetAccountRequest, context: Context) -> pb.Account:
        return convert.account_to_proto(await self._handlers.get_account(request.user))
