"""ApiKeyService.GetApiKey."""

from __future__ import annotations

from grpc import StatusCode

from tests.component.auth.acme import ACME, ADA, CID, Acme
from tests.component.auth.keys import make_key
from tests.component.refusals import refusal
from trellis.auth.v1 import api_key_service_pb2 as rpc


async def get(acme: Acme, name: str, by: str) -> rpc.ApiKey:
    return await acme.service.api_keys.GetApiKey(rpc.GetApiKeyRequest(name=name), metadata=await acme.token(by))


async def test_the_secret_is_not_shown_again(acme: Acme) -> None:
    key = await make_key(acme)
    again = await get(acme, key.name, ADA)

    assert (again.secret, again.hint, again.name) == ("", key.hint, key.name)


async def test_a_member_sees_their_own_only(acme: Acme) -> None:
    own, other = await make_key(acme, CID), await make_key(acme, ADA)

    foreign = await refusal(get(acme, other.name, CID))
    nothing = await refusal(get(acme, f"{ACME}/apiKeys/apk_no", CID))

    assert (await get(acme, own.name, CID)).name == own.name
    assert (foreign.code, foreign.reason) == (nothing.code, nothing.reason) == (StatusCode.NOT_FOUND, "API_KEY_NOT_FOUND")
