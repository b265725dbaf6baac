"""Signing keys, without what is secret of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth.domain import SigningKey, SigningKeySet
from services.chassis.times import timestamp
from trellis.auth.v1 import signing_key_service_pb2 as rpc


def signing_keys_to_proto(found: SigningKeySet) -> rpc.SigningKeys:
    return rpc.SigningKeys(keys=map(_key, found.keys), signing_kid=found.signing.kid)


def _key(key: SigningKey) -> rpc.SigningKey:
    return rpc.SigningKey(
        kid=key.kid,
        create_time=timestamp(key.create_time),
        sign_from_time=timestamp(key.sign_from_time),
        retire_time=timestamp(key.retire_time),
    )


ANSWERS: dict[type, Callable[[Any], Message]] = {
    SigningKeySet: signing_keys_to_proto,
}
