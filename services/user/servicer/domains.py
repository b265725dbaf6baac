"""`trellis.user.v1.DomainService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import masks
from services.chassis.lists import Lists
from services.user import convert
from services.user.handlers import DomainHandlers
from services.user.handlers.domains import CreateDomain, UpdateDomain
from trellis.user.v1 import domain_service_pb2 as rpc
from trellis.user.v1 import domain_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


DOMAIN_FIELDS = frozenset({"capture"})


class DomainServicer(base.DomainServiceServicer):
    """`trellis.user.v1.DomainService`."""

    def __init__(self, handlers: DomainHandlers, lists: Lists) -> None:
        self._handlers, self._lists = handlers, lists

    async def CreateDomain(self, request: rpc.CreateDomainRequest, context: Context) -> rpc.Domain:
        new = CreateDomain(request.parent, request.domain_id, request.domain.capture)
        return convert.domain_to_proto(await self._handlers.create_domain(new))

    async def GetDomain(self, request: rpc.GetDomainRequest, context: Context) -> rpc.Domain:
        return convert.domain_to_proto(await self._handlers.get_domain(request.name))

    async def ListDomains(self, request: rpc.ListDomainsRequest, context: Context) -> rpc.ListDomainsResponse:
        rows = await self._handlers.list_domains(request.parent, self._lists.query(request))
        return rpc.ListDomainsResponse(
            domains=map(convert.domain_to_proto, rows.items), next_page_token=self._lists.token(request, rows.next)
        )

    async def UpdateDomain(self, request: rpc.UpdateDomainRequest, context: Context) -> rpc.Domain:
        values = masks.values(request.domain, request.update_mask, DOMAIN_FIELDS)
        change = UpdateDomain(request.domain.name, values, request.domain.etag)
        return convert.domain_to_proto(await self._handlers.update_domain(change))

    async def DeleteDomain(self, request: rpc.DeleteDomainRequest, context: Context) -> rpc.Domain:
        return convert.domain_to_proto(await self._handlers.delete_domain(request.name, request.etag))

    async def VerifyDomain(self, request: rpc.VerifyDomainRequest, context: Context) -> rpc.Domain:
        return convert.domain_to_proto(await self._handlers.verify_domain(request.name))
