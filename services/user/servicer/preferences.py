"""`trellis.user.v1.PreferencesService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import masks, principal
from services.user import convert
from services.user.handlers import PreferencesHandlers
from services.user.handlers.preferences import UpdatePreferences
from trellis.user.v1 import preferences_service_pb2 as rpc
from trellis.user.v1 import preferences_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]
    UpdateRequest = rpc.UpdateUserPreferencesRequest | rpc.UpdateOrganizationPreferencesRequest

PREFERENCES_FIELDS = frozenset({"theme", "date_format", "clock_format", "first_weekday", "digest", "rows_per_page"})


class PreferencesServicer(base.PreferencesServiceServicer):
    """`trellis.user.v1.PreferencesService`."""

    def __init__(self, handlers: PreferencesHandlers) -> None:
        self._handlers = handlers

    async def GetUserPreferences(self, request: rpc.GetUserPreferencesRequest, context: Context) -> rpc.Preferences:
        found = await self._handlers.get_user_preferences(request.name, principal.current())
        return convert.preferences_to_proto(found)

    async def UpdateUserPreferences(self, request: rpc.UpdateUserPreferencesRequest, context: Context) -> rpc.Preferences:
        changed = await self._handlers.update_user_preferences(_change(request), principal.current())
        return convert.preferences_to_proto(changed)

    async def ResolveUserPreferences(
        self, request: rpc.ResolveUserPreferencesRequest, context: Context
    ) -> rpc.ResolvedPreferences:
        resolved = await self._handlers.resolve_user_preferences(request.name, principal.current())
        return convert.resolved_preferences_to_proto(resolved)

    async def GetOrganizationPreferences(
        self, request: rpc.GetOrganizationPreferencesRequest, context: Context
    ) -> rpc.Preferences:
        return convert.preferences_to_proto(await self._handlers.get_organization_preferences(request.name))

    async def UpdateOrganizationPreferences(
        self, request: rpc.UpdateOrganizationPreferencesRequest, context: Context
    ) -> rpc.Preferences:
        changed = await self._handlers.update_organization_preferences(_change(request))
        return convert.preferences_to_proto(changed)


def _change(request: UpdateRequest) -> UpdatePreferences:
    values = masks.values(request.preferences, request.update_mask, PREFERENCES_FIELDS)
    return UpdatePreferences(request.preferences.name, values, request.preferences.etag)
