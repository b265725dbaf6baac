"""PreferencesService.GetUserPreferences."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import ADA, BOB, NOBODY
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import preferences_service_pb2 as rpc


async def get(service: UserProcess, caller: Metadata, name: str) -> rpc.Preferences:
    return await service.preferences.GetUserPreferences(rpc.GetUserPreferencesRequest(name=name), metadata=caller)


@pytest.mark.parametrize("name", ["users/me/preferences", f"{BOB}/preferences"])
async def test_preferences_are_there_before_anything_was_said(service: UserProcess, bob: Metadata, name: str) -> None:
    assert await get(service, bob, name) == rpc.Preferences(name=f"{BOB}/preferences", etag='"0"')


@pytest.mark.parametrize("user", [ADA, NOBODY])
async def test_nobody_elses_are_seen_whether_or_not_they_exist(service: UserProcess, bob: Metadata, user: str) -> None:
    refused = await refusal(get(service, bob, f"{user}/preferences"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "USER_NOT_VISIBLE",
        {"user": user},
    )
