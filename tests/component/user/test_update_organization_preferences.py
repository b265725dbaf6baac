"""PreferencesService.UpdateOrganizationPreferences."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.user.domain import PreferencesUpdated
from tests.component.refusals import refusal
from tests.component.user.conftest import ACME
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import preferences_service_pb2 as rpc
from trellis.user.v1 import service_pb2 as users


async def update(service: UserProcess, caller: Metadata, preferences: rpc.Preferences, *paths: str) -> rpc.Preferences:
    request = rpc.UpdateOrganizationPreferencesRequest(preferences=preferences, update_mask=FieldMask(paths=paths))
    return await service.preferences.UpdateOrganizationPreferences(request, metadata=caller)


DEFAULTS = rpc.Preferences(name=f"{ACME}/preferences", first_weekday=rpc.Preferences.WEEKDAY_SUNDAY)


async def test_an_administrator_sets_the_defaults(
    service: UserProcess, store: FakeUserStore, cid: Metadata, time: Time
) -> None:
    changed = await update(service, cid, DEFAULTS)

    assert (changed.first_weekday, changed.etag) == (rpc.Preferences.WEEKDAY_SUNDAY, '"1"')
    assert store.events == [PreferencesUpdated(f"{ACME}/preferences", ("first_weekday",), NOON)]


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    assert (await refusal(update(service, bob, DEFAULTS))).metadata == {"permission": "preferences.update"}


async def test_a_deleted_organization_keeps_what_it_has(service: UserProcess, ada: Metadata) -> None:
    await service.organizations.DeleteOrganization(users.DeleteOrganizationRequest(name=ACME), metadata=ada)

    assert (await refusal(update(service, ada, DEFAULTS))).reason == "ORGANIZATION_DELETED"


async def test_a_purged_organization_is_not_found(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    del store.tables.organizations[ACME]

    assert (await refusal(update(service, ada, DEFAULTS))).reason == "ORGANIZATION_NOT_FOUND"


async def test_who_was_slower_is_told(service: UserProcess, ada: Metadata) -> None:
    late = rpc.Preferences(name=f"{ACME}/preferences", rows_per_page=10, etag='"7"')

    assert (await refusal(update(service, ada, late))).reason == "ETAG_MISMATCH"


@pytest.mark.parametrize("path", ["name", "update_time", "nothing"])
async def test_only_what_may_change_changes(service: UserProcess, ada: Metadata, path: str) -> None:
    assert (await refusal(update(service, ada, DEFAULTS, path))).fields == ["update_mask"]
