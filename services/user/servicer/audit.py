"""`trellis.user.v1.AuditService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import AuditHandlers
from trellis.user.v1 import audit_service_pb2 as rpc
from trellis.user.v1 import audit_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class AuditServicer(base.AuditServiceServicer):
    """`trellis.user.v1.AuditService`."""

    def __init__(self, handlers: AuditHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def ListAuditEntries(self, request: rpc.ListAuditEntriesRequest, context: Context) -> rpc.ListAuditEntriesResponse:
        rows = await self._handlers.list_audit_entries(request.parent, self._lists.query(request))
        return rpc.ListAuditEntriesResponse(
            audit_entries=map(convert.audit_entry_to_proto, rows.items),
            next_page_token=self._lists.token(request, rows.next),
        )

    async def GetAuditEntry(self, request: rpc.GetAuditEntryRequest, context: Context) -> rpc.AuditEntry:
        return convert.audit_entry_to_proto(await self._handlers.get_audit_entry(request.name))

    async def VerifyAuditLog(self, request: rpc.VerifyAuditLogRequest, context: Context) -> rpc.VerifyAuditLogResponse:
        found = await self._handlers.verify_audit_log(request.parent, request.start_audit_entry)
        return convert.verification_to_proto(found)
