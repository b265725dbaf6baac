"""PersonalDataService.GetErasureKeys."""

from __future__ import annotations

import json

from tests.fakes.user_process import UserProcess
from trellis.user.v1 import personal_data_service_pb2 as rpc


async def test_anybody_gets_the_public_half_and_nothing_else(service: UserProcess) -> None:
    found = await service.personal_data.GetErasureKeys(rpc.GetErasureKeysRequest())

    [key] = json.loads(found.data)["keys"]
    assert found.content_type == "application/jwk-set+json"
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert "d" not in key


async def test_it_is_the_same_after_a_restart(service: UserProcess) -> None:
    first = await service.personal_data.GetErasureKeys(rpc.GetErasureKeysRequest())

    assert await service.personal_data.GetErasureKeys(rpc.GetErasureKeysRequest()) == first
