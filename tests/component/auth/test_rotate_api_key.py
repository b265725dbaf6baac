"""ApiKeyService.RotateApiKey."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from services.auth.domain import (
    ApiKeyRotated,
)
from tests.component.auth.acme import ACME, ADA, BOB, CID, Acme
from tests.component.auth.keys import make_account, make_key, opens, with_key
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import api_key_service_pb2 as rpc


async def rotate(acme: Acme, name: str, overlap_s: int, by: str = ADA) -> rpc.ApiKey:
    request = rpc.RotateApiKeyRequest(name=name, overlap_duration=Duration(seconds=overlap_s))
    return await acme.service.api_keys.RotateApiKey(request, metadata=await acme.token(by))


async def test_both_secrets_work_for_the_overlap(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    old = await make_key(acme)

    new = await rotate(acme, old.name, 60)

    assert (new.name, new.hint) == (old.name, new.secret[-4:])
    assert new.secret != old.secret
    assert store.events[-1] == ApiKeyRotated(old.name, ACME, ADA, time() + timedelta(seconds=60), time())
    assert [await opens(acme, each.secret) for each in (old, new)] == [True, True]
    time.move(seconds=61)
    assert [await opens(acme, each.secret) for each in (old, new)] == [False, True]


async def test_an_ended_key_gets_no_secret(acme: Acme) -> None:
    key = await make_key(acme)
    request = rpc.RevokeApiKeyRequest(name=key.name)
    await acme.service.api_keys.RevokeApiKey(request, metadata=await acme.token(ADA))

    assert (await refusal(rotate(acme, key.name, 60))).reason == "API_KEY_ENDED"


async def test_nobody_takes_over_another_persons_key(acme: Acme) -> None:
    key = await make_key(acme, CID)

    assert (await refusal(rotate(acme, key.name, 60, by=BOB))).reason == "SUBJECT_FORBIDDEN"


async def test_what_is_not_there_is_not_found(acme: Acme) -> None:
    assert (await refusal(rotate(acme, f"{ACME}/apiKeys/apk_no", 60))).reason == "API_KEY_NOT_FOUND"


async def test_a_key_rotates_itself_and_no_other(acme: Acme) -> None:
    robot = await make_account(acme)
    key = await make_key(acme, subject=robot.name, scopes=("apiKeys.rotate",))
    other = await make_key(acme, subject=robot.name, scopes=("apiKeys.rotate",))
    own, foreign = (rpc.RotateApiKeyRequest(name=each.name, overlap_duration=Duration(seconds=60)) for each in (key, other))
    caller = await with_key(acme, key.secret)

    refused = await refusal(acme.service.api_keys.RotateApiKey(foreign, metadata=caller))
    renewed = await acme.service.api_keys.RotateApiKey(own, metadata=caller)

    assert refused.reason == "SESSION_REQUIRED"
    assert await opens(acme, renewed.secret)
