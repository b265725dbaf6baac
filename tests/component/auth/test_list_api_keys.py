"""ApiKeyService.ListApiKeys."""

from __future__ import annotations

from typing import Any

from tests.component.auth.acme import ACME, ADA, BOB, CID, Acme
from tests.component.auth.keys import make_key
from tests.component.refusals import refusal
from trellis.auth.v1 import api_key_service_pb2 as rpc


async def listed(acme: Acme, by: str = ADA, **values: Any) -> rpc.ListApiKeysResponse:
    request = rpc.ListApiKeysRequest(parent=ACME, **values)
    return await acme.service.api_keys.ListApiKeys(request, metadata=await acme.token(by))


async def test_a_member_sees_their_own_and_an_administrator_all(acme: Acme) -> None:
    own, other = await make_key(acme, CID), await make_key(acme, BOB)

    assert [key.name for key in (await listed(acme, CID)).api_keys] == [own.name]
    assert {key.name for key in (await listed(acme, BOB)).api_keys} == {own.name, other.name}


async def test_ended_ones_are_shown_when_asked_for(acme: Acme) -> None:
    key = await make_key(acme)
    request = rpc.RevokeApiKeyRequest(name=key.name)
    await acme.service.api_keys.RevokeApiKey(request, metadata=await acme.token(ADA))

    assert list((await listed(acme)).api_keys) == []
    assert [each.name for each in (await listed(acme, show_ended=True)).api_keys] == [key.name]


async def test_a_page_token_of_another_request_is_refused(acme: Acme) -> None:
    for _ in range(2):
        await make_key(acme)
    token = (await listed(acme, page_size=1)).next_page_token

    assert (await refusal(listed(acme, page_token=token, show_ended=True))).reason == "PAGE_TOKEN_INVALID"
