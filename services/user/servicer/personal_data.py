"""`trellis.user.v1.PersonalDataService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from google.api import httpbody_pb2
from google.longrunning import operations_pb2

from services.chassis import principal
from services.user import convert
from services.user.handlers import PersonalDataHandlers
from trellis.user.v1 import personal_data_service_pb2 as rpc
from trellis.user.v1 import personal_data_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


class PersonalDataServicer(base.PersonalDataServiceServicer):
    """`trellis.user.v1.PersonalDataService`."""

    def __init__(self, handlers: PersonalDataHandlers) -> None:
        self._handlers = handlers

    async def ExportPersonalData(self, request: rpc.ExportPersonalDataRequest, context: Context) -> operations_pb2.Operation:
        return convert.operation_to_proto(await self._handlers.export_personal_data(request.name, principal.current()))

    async def GetPersonalDataExport(
        self, request: rpc.GetPersonalDataExportRequest, context: Context
    ) -> httpbody_pb2.HttpBody:
        export = await self._handlers.get_personal_data_export(request.name, principal.current())
        return httpbody_pb2.HttpBody(content_type="application/json", data=export.document)

    async def ErasePersonalData(self, request: rpc.ErasePersonalDataRequest, context: Context) -> operations_pb2.Operation:
        return convert.operation_to_proto(await self._handlers.erase_personal_data(request.name, principal.current()))

    async def GetErasureCertificate(
        self, request: rpc.GetErasureCertificateRequest, context: Context
    ) -> rpc.ErasureCertificate:
        return convert.certificate_to_proto(await self._handlers.get_erasure_certificate(request.name))

    async def GetErasureKeys(self, request: rpc.GetErasureKeysRequest, context: Context) -> httpbody_pb2.HttpBody:
        return httpbody_pb2.HttpBody(content_type="application/jwk-set+json", data=await self._handlers.get_erasure_keys())
