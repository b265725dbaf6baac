"""SigningKeyService.GetSigningKeys."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from services.auth.domain import Account
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth_process import AuthProcess, Metadata, bearer
from trellis.auth.v1 import signing_key_service_pb2 as rpc


async def get(service: AuthProcess, metadata: Metadata) -> rpc.SigningKeys:
    answer: rpc.SigningKeys = await service.signing_keys.GetSigningKeys(rpc.GetSigningKeysRequest(), metadata=metadata)
    return answer


async def test_tells_the_operator_which_keys_there_are_and_nothing_secret(service: AuthProcess, time: Time) -> None:
    answer = await get(service, service.called_by("operator"))

    made = Timestamp()
    made.FromDatetime(time())
    kid = str((await service.parts.keys.signing_key()).kid)
    key = rpc.SigningKey(kid=kid, create_time=made, sign_from_time=made)
    assert answer == rpc.SigningKeys(keys=[key], signing_kid=kid)


async def test_another_service_may_not_ask(service: AuthProcess) -> None:
    refused = await refusal(get(service, service.called_by("user")))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_a_user_may_not_ask(service: AuthProcess, ada: Account) -> None:
    refused = await refusal(get(service, bearer((await service.sign_in()).access_token)))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_whoever_says_to_be_the_operator_proves_it(service: AuthProcess) -> None:
    service.service_keys.pop("operator")

    refused = await refusal(get(service, service.called_by("operator")))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
