"""ApiKeyService.UpdateApiKey."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode

from services.auth.domain import (
    ApiKeyUpdated,
)
from tests.component.auth.acme import ACME, ADA, CID, Acme
from tests.component.auth.keys import SCOPES, make_key
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import api_key_service_pb2 as rpc

TWO = ("teams.list", "users.list")


async def update(acme: Acme, key: rpc.ApiKey, *paths: str, by: str = ADA) -> rpc.ApiKey:
    request = rpc.UpdateApiKeyRequest(api_key=key, update_mask=FieldMask(paths=paths))
    return await acme.service.api_keys.UpdateApiKey(request, metadata=await acme.token(by))


async def test_scopes_are_taken_away(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    key = await make_key(acme, scopes=TWO)

    changed = await update(acme, rpc.ApiKey(name=key.name, scopes=SCOPES), "scopes")

    assert list(changed.scopes) == list(SCOPES)
    assert store.events[-1] == ApiKeyUpdated(key.name, ACME, ADA, SCOPES, time())


async def test_and_never_given(acme: Acme) -> None:
    key = await make_key(acme)

    assert (await refusal(update(acme, rpc.ApiKey(name=key.name, scopes=TWO), "scopes"))).reason == "SCOPE_FORBIDDEN"


async def test_who_was_slower_is_told(acme: Acme) -> None:
    key = await make_key(acme)
    late = rpc.ApiKey(name=key.name, display_name="Late", etag='"9"')

    assert (await refusal(update(acme, late, "display_name"))).reason == "ETAG_MISMATCH"


async def test_an_ended_key_stays_as_it_is(acme: Acme) -> None:
    key = await make_key(acme)
    request = rpc.RevokeApiKeyRequest(name=key.name)
    await acme.service.api_keys.RevokeApiKey(request, metadata=await acme.token(ADA))

    assert (await refusal(update(acme, rpc.ApiKey(name=key.name, display_name="x")))).reason == "API_KEY_ENDED"


async def test_somebody_elses_is_not_found(acme: Acme) -> None:
    key = await make_key(acme)

    assert (await refusal(update(acme, rpc.ApiKey(name=key.name, display_name="x"), by=CID))).code in (
        StatusCode.NOT_FOUND,
        StatusCode.PERMISSION_DENIED,
    )
