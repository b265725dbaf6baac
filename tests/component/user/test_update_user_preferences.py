"""PreferencesService.UpdateUserPreferences."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from services.user.domain import PreferencesUpdated
from tests.component.refusals import refusal
from tests.component.user.conftest import ADA, BOB, EVE, stamp
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import preferences_service_pb2 as rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"
MINE = f"{BOB}/preferences"


async def update(
    service: UserProcess, caller: Metadata, preferences: rpc.Preferences, *paths: str, request_id: str = ""
) -> rpc.Preferences:
    request = rpc.UpdateUserPreferencesRequest(
        preferences=preferences, update_mask=FieldMask(paths=paths), request_id=request_id
    )
    return await service.preferences.UpdateUserPreferences(request, metadata=caller)


async def test_somebody_says_what_they_like(service: UserProcess, store: FakeUserStore, bob: Metadata, time: Time) -> None:
    dark = rpc.Preferences(name="users/me/preferences", theme=rpc.Preferences.THEME_DARK, rows_per_page=100)

    changed = await update(service, bob, dark)

    assert changed == rpc.Preferences(
        name=MINE, theme=rpc.Preferences.THEME_DARK, rows_per_page=100, update_time=stamp(time), etag='"1"'
    )
    assert store.events == [PreferencesUpdated(MINE, ("rows_per_page", "theme"), time())]


async def test_what_is_unset_is_not_said_any_more(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    await update(service, bob, rpc.Preferences(name=MINE, rows_per_page=100))

    changed = await update(service, bob, rpc.Preferences(name=MINE), "rows_per_page")

    assert (changed.rows_per_page, changed.etag) == (0, '"2"')


async def test_who_was_slower_is_told(service: UserProcess, bob: Metadata) -> None:
    await update(service, bob, rpc.Preferences(name=MINE, rows_per_page=100))

    refused = await refusal(update(service, bob, rpc.Preferences(name=MINE, rows_per_page=20, etag='"0"')))

    assert (refused.code, refused.reason) == (StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_the_same_request_changes_once(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    wanted = rpc.Preferences(name=MINE, rows_per_page=100)
    first = await update(service, bob, wanted, request_id=REQUEST_ID)

    assert await update(service, bob, wanted, request_id=REQUEST_ID) == first
    assert len(store.events) == 1


async def test_somebody_may_be_here_before_their_account(service: UserProcess, store: FakeUserStore) -> None:
    newcomer = store.tables.users.pop(EVE)
    service.parts.accounts.known[EVE] = newcomer
    wanted = rpc.Preferences(name="users/me/preferences", rows_per_page=100)

    await update(service, service.called_by(EVE), wanted)

    assert store.tables.users[EVE] == newcomer


async def test_nobody_elses_are_changed(service: UserProcess, store: FakeUserStore, bob: Metadata) -> None:
    refused = await refusal(update(service, bob, rpc.Preferences(name=f"{ADA}/preferences", rows_per_page=1)))

    assert refused.reason == "USER_NOT_VISIBLE"
    assert store.tables.preferences == {}


@pytest.mark.parametrize(("rows", "field"), [(1001, "preferences.rows_per_page"), (-1, "preferences.rows_per_page")])
async def test_refuses_what_cannot_be(service: UserProcess, bob: Metadata, rows: int, field: str) -> None:
    refused = await refusal(update(service, bob, rpc.Preferences(name=MINE, rows_per_page=rows)))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, [field])
