"""PreferencesService.ResolveUserPreferences."""

from __future__ import annotations

from tests.component.refusals import refusal
from tests.component.user.conftest import ACME, ADA, BOB
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import preferences_service_pb2 as rpc

PLATFORM, ORGANIZATION, USER = (
    rpc.ResolvedPreferences.SOURCE_PLATFORM,
    rpc.ResolvedPreferences.SOURCE_ORGANIZATION,
    rpc.ResolvedPreferences.SOURCE_USER,
)


async def resolved(service: UserProcess, caller: Metadata, user: str = "users/me") -> rpc.ResolvedPreferences:
    request = rpc.ResolveUserPreferencesRequest(name=f"{user}/preferences")
    return await service.preferences.ResolveUserPreferences(request, metadata=caller)


async def test_the_user_counts_before_the_organization_and_that_before_the_platform(
    service: UserProcess, ada: Metadata, bob: Metadata
) -> None:
    mine = rpc.Preferences(name="users/me/preferences", theme=rpc.Preferences.THEME_DARK)
    ours = rpc.Preferences(name=f"{ACME}/preferences", theme=rpc.Preferences.THEME_LIGHT, rows_per_page=100)
    await service.preferences.UpdateUserPreferences(rpc.UpdateUserPreferencesRequest(preferences=mine), metadata=bob)
    await service.preferences.UpdateOrganizationPreferences(
        rpc.UpdateOrganizationPreferencesRequest(preferences=ours), metadata=ada
    )

    found = await resolved(service, bob)

    assert (found.preferences.theme, found.sources["theme"]) == (rpc.Preferences.THEME_DARK, USER)
    assert (found.preferences.rows_per_page, found.sources["rows_per_page"]) == (100, ORGANIZATION)
    assert (found.preferences.date_format, found.sources["date_format"]) == (rpc.Preferences.DATE_FORMAT_YMD, PLATFORM)


async def test_without_an_organization_the_platform_counts(service: UserProcess) -> None:
    found = await resolved(service, service.called_by(BOB))

    assert set(found.sources.values()) == {PLATFORM}
    assert found.preferences == rpc.Preferences(
        name=f"{BOB}/preferences",
        theme=rpc.Preferences.THEME_SYSTEM,
        date_format=rpc.Preferences.DATE_FORMAT_YMD,
        clock_format=rpc.Preferences.CLOCK_FORMAT_H24,
        first_weekday=rpc.Preferences.WEEKDAY_MONDAY,
        digest=rpc.Preferences.DIGEST_OFF,
        rows_per_page=50,
    )


async def test_nobody_elses_are_resolved(service: UserProcess, bob: Metadata) -> None:
    assert (await refusal(resolved(service, bob, ADA))).reason == "USER_NOT_VISIBLE"
