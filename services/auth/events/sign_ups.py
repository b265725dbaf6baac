"""Events of sign-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth import domain
from trellis.auth.v1 import events_pb2 as pb


def _verification_requested(event: domain.VerificationRequested) -> Message:
    return pb.VerificationRequested(sign_up=f"signUps/{event.sign_up}")


def _sign_up_repeated(event: domain.SignUpRepeated) -> Message:
    return pb.SignUpRepeated(user=event.user)


MESSAGES: dict[type, Callable[[Any], Message]] = {
    domain.VerificationRequested: _verification_requested,
    domain.SignUpRepeated: _sign_up_repeated,
}
