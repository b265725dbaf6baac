"""AccountService.GetAccount."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from services.auth.domain import Account
from tests.component.refusals import refusal
from tests.fakes.auth_process import AuthProcess, Metadata, bearer
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc


async def get(service: AuthProcess, user: str, metadata: Metadata) -> pb.Account:
    return await service.accounts.GetAccount(rpc.GetAccountRequest(user=user), metadata=metadata)


async def test_tells_the_user_service(service: AuthProcess, ada: Account) -> None:
    account = await get(service, ada.user, service.called_by("user"))

    created = Timestamp()
    created.FromDatetime(ada.create_time)
    assert account == pb.Account(user=ada.user, email=ada.email, display_name="Ada", create_time=created)


async def test_says_whose_account_is_not_there(service: AuthProcess) -> None:
    refused = await refusal(get(service, "users/usr_x", service.called_by("user")))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "ACCOUNT_NOT_FOUND",
        {"user": "users/usr_x"},
    )


async def test_a_user_may_not_ask_not_even_of_themselves(service: AuthProcess, ada: Account) -> None:
    tokens = await service.sign_in()

    refused = await refusal(get(service, ada.user, bearer(tokens.access_token)))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_a_service_nobody_knows_may_not_ask(service: AuthProcess, ada: Account) -> None:
    refused = await refusal(get(service, ada.user, service.called_by("stranger")))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


async def test_names_a_malformed_user(service: AuthProcess) -> None:
    refused = await refusal(get(service, "ada", service.called_by("user")))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["user"])
