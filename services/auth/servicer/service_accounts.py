"""`trellis.auth.v1.ServiceAccountService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.handlers import ServiceAccountHandlers
from services.auth.handlers.service_accounts import CreateServiceAccount, UpdateServiceAccount
from services.chassis import principal
from services.chassis.lists import Lists
from trellis.auth.v1 import service_account_service_pb2 as pb
from trellis.auth.v1 import service_account_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class ServiceAccountServicer(base.ServiceAccountServiceServicer):
    """`trellis.auth.v1.ServiceAccountService`."""

    def __init__(self, handlers: ServiceAccountHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateServiceAccount(self, request: pb.CreateServiceAccountRequest, context: Context) -> pb.ServiceAccount:
        new = CreateServiceAccount(request.parent, **convert.service_account_values(request.service_account))
        return convert.service_account_to_proto(await self._handlers.create_service_account(new, principal.current()))

    async def GetServiceAccount(self, request: pb.GetServiceAccountRequest, context: Context) -> pb.ServiceAccount:
        return convert.service_account_to_proto(await self._handlers.get_service_account(request.name))

    async def ListServiceAccounts(
        self, request: pb.ListServiceAccountsRequest, context: Context
    ) -> pb.ListServiceAccountsResponse:
        rows = await self._handlers.list_service_accounts(request.parent, self._lists.query(request))
        return pb.ListServiceAccountsResponse(
            service_accounts=map(convert.service_account_to_proto, rows.items),
            next_page_token=self._lists.token(request, rows.next),
        )

    async def UpdateServiceAccount(self, request: pb.UpdateServiceAccountRequest, context: Context) -> pb.ServiceAccount:
        account = request.service_account
        values = convert.service_account_changes(account, request.update_mask)
        change = UpdateServiceAccount(account.name, values, account.etag)
        return convert.service_account_to_proto(await self._handlers.update_service_account(change, principal.current()))

    async def DisableServiceAccount(self, request: pb.DisableServiceAccountRequest, context: Context) -> pb.ServiceAccount:
        return convert.service_account_to_proto(await self._handlers.disable_service_account(request.name))

    async def EnableServiceAccount(self, request: pb.EnableServiceAccountRequest, context: Context) -> pb.ServiceAccount:
        account = await self._handlers.enable_service_account(request.name, principal.current())
        return convert.service_account_to_proto(account)

    async def DeleteServiceAccount(self, request: pb.DeleteServiceAccountRequest, context: Context) -> pb.ServiceAccount:
        return convert.service_account_to_proto(await self._handlers.delete_service_account(request.name, request.etag))
