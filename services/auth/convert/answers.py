"""What a repeated request is answered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth.convert import (
    accounts,
    api_keys,
    keys,
    role_bindings,
    roles,
    service_accounts,
    sessions,
)
from services.auth.domain import Nothing
from trellis.auth.v1 import service_pb2 as rpc


def nothing_to_proto(nothing: Nothing) -> Message:
    return _EMPTY[nothing.rpc]()


def answer_to_proto(answer: Any) -> Message:
    """Return the message that answers with a domain object: what a repeated request is answered with."""
    return _ANSWERS[type(answer)](answer)


_EMPTY: dict[str, type[Message]] = {
    "SignUp": rpc.SignUpResponse,
    "ResendVerification": rpc.ResendVerificationResponse,
    "SignOut": rpc.SignOutResponse,
    "ChangePassword": rpc.ChangePasswordResponse,
    "RequestPasswordReset": rpc.RequestPasswordResetResponse,
    "ResetPassword": rpc.ResetPasswordResponse,
}


_ANSWERS: dict[type, Callable[[Any], Message]] = {
    **accounts.ANSWERS,
    **api_keys.ANSWERS,
    **service_accounts.ANSWERS,
    **keys.ANSWERS,
    **role_bindings.ANSWERS,
    **roles.ANSWERS,
    **sessions.ANSWERS,
    Nothing: nothing_to_proto,
}
