"""JwksService.GetJwks, and what rotation does to tokens."""

from __future__ import annotations

import json

from joserfc import jws

from services.auth.domain import Account
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth_process import AuthProcess, bearer
from trellis.auth.v1 import service_pb2 as rpc


async def published(service: AuthProcess) -> list[str]:
    return [key["kid"] for key in json.loads((await service.keys()).data)["keys"]]


def signer(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


async def test_answers_with_public_keys_only(service: AuthProcess) -> None:
    answer = await service.keys()

    [key] = json.loads(answer.data)["keys"]
    assert answer.content_type == "application/json"
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


async def test_a_new_key_is_published_first_signs_later_and_the_old_one_stays_until_its_last_token_ended(
    service: AuthProcess, ada: Account, time: Time
) -> None:
    old = (await published(service))[0]

    new = (await service.parts.keys.rotate_signing_keys()).keys[-1].kid

    assert await published(service) == [old, new]
    time.move(seconds=119)
    assert signer((await service.sign_in()).access_token) == old
    time.move(seconds=1)
    assert signer((await service.sign_in()).access_token) == new
    time.move(minutes=5, seconds=29)
    assert await published(service) == [old, new], "a token of the old key may be alive, leeway and all"
    time.move(seconds=1)
    assert await published(service) == [new]


async def test_a_key_says_when_it_ends_as_soon_as_that_is_known(service: AuthProcess, time: Time) -> None:
    await service.parts.keys.rotate_signing_keys()

    old, new = json.loads((await service.keys()).data)["keys"]
    assert old["exp"] == int(time().timestamp()) + 120 + 300 + 30
    assert "exp" not in new


async def test_rotation_refuses_no_token(service: AuthProcess, ada: Account, time: Time) -> None:
    for _ in range(5):
        before = await service.sign_in()
        await service.parts.keys.rotate_signing_keys()
        time.move(minutes=4)
        after = await service.sign_in()

        for tokens in (before, after):
            request = rpc.GetSessionRequest(name=tokens.session)
            found = await service.sessions.GetSession(request, metadata=bearer(tokens.access_token))
            assert found.name == tokens.session


async def test_a_key_nobody_published_verifies_nothing(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()
    head, claims, _ = tokens.access_token.split(".")

    forged = f"{head}.{claims}.{'A' * 86}"

    request = rpc.GetSessionRequest(name=tokens.session)
    refused = await refusal(service.sessions.GetSession(request, metadata=bearer(forged)))
    assert refused.reason == "TOKEN_INVALID"
