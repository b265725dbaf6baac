"""Gives every mutation an identity, and a repeated one its first answer.

Only the identity is made here. It is claimed in the transaction of the effect (`db/session.py`), so that the record commits
with the effect.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from services.chassis import repeat
from services.chassis.errors import invalid_field
from services.chassis.keys import Keyring
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware

HEADER = "idempotency-key"
MAX_KEY_LENGTH = 128


def repeatable(keyring: Keyring) -> Middleware:
    """Let a mutation that carries a `request_id` (or the `Idempotency-Key` header) be sent again (AIP-155)."""

    def around(handle: Handler, method: Method) -> Handler:
        if method.policy.repeatable != "by_request_id":
            return handle
        response_type = method.response_type

        async def handler(call: Call) -> Any:
            repeat.current.set(_identity(keyring, method.policy.method, call))
            try:
                return await handle(call)
            except repeat.AlreadyDone as done:
                return response_type.FromString(done.answer)

        return handler

    return around


def _identity(keyring: Keyring, method: str, call: Call) -> repeat.Request:
    request = call.request
    request_id = request.request_id or call.metadata.get(HEADER, "")
    if not request_id:
        return repeat.Request(validate_only=request.validate_only)
    if len(request_id) > MAX_KEY_LENGTH:
        raise invalid_field("request_id", f"must be at most {MAX_KEY_LENGTH} characters.", "string.max_len")
    key = keyring.mac("request", call.principal.subject.encode(), method.encode(), request_id.lower().encode())
    fingerprint = keyring.mac("fingerprint", _body(request))
    return repeat.Request(key, fingerprint, request.validate_only)


def _body(request: Message) -> bytes:
    """Return the request without its id, which may come in capitals or in the header the second time."""
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return body.SerializeToString(deterministic=True)
