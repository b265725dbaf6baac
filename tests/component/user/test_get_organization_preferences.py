"""PreferencesService.GetOrganizationPreferences."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, HIDDEN
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import preferences_service_pb2 as rpc


async def get(service: UserProcess, caller: Metadata, organization: str = ACME) -> rpc.Preferences:
    request = rpc.GetOrganizationPreferencesRequest(name=f"{organization}/preferences")
    return await service.preferences.GetOrganizationPreferences(request, metadata=caller)


async def test_members_see_the_defaults(service: UserProcess, bob: Metadata) -> None:
    assert await get(service, bob) == rpc.Preferences(name=f"{ACME}/preferences", etag='"0"')


async def test_another_organization_is_denied(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(get(service, ada, HIDDEN))

    assert (refused.code, refused.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "preferences.get"})
