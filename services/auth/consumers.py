"""Events → handlers: the mails that auth asks itself to send, once the asking has committed."""

from __future__ import annotations

from services.auth.handlers import PasswordHandlers, SignUpHandlers
from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from trellis.auth.v1 import events_pb2 as pb
from trellis.policies import EVENTS

VERIFICATION_REQUESTED = EVENTS[pb.VerificationRequested.DESCRIPTOR.full_name][0]
SIGN_UP_REPEATED = EVENTS[pb.SignUpRepeated.DESCRIPTOR.full_name][0]
PASSWORD_RESET_REQUESTED = EVENTS[pb.PasswordResetRequested.DESCRIPTOR.full_name][0]
PASSWORD_CHANGED = EVENTS[pb.PasswordChanged.DESCRIPTOR.full_name][0]


def consumer(handlers: SignUpHandlers, passwords: PasswordHandlers) -> Consumer:
    """Return what the auth service listens to."""

    async def verification_requested(event: Event) -> None:
        message = pb.VerificationRequested.FromString(event.data)
        await handlers.send_verification(message.sign_up.removeprefix("signUps/"), event.id)

    async def sign_up_repeated(event: Event) -> None:
        await handlers.send_sign_up_repeated(pb.SignUpRepeated.FromString(event.data).user, event.id)

    async def password_reset_requested(event: Event) -> None:
        await passwords.send_password_reset(pb.PasswordResetRequested.FromString(event.data).user, event.id)

    async def password_changed(event: Event) -> None:
        await passwords.send_password_changed(pb.PasswordChanged.FromString(event.data).user, event.id)

    topics = {
        VERIFICATION_REQUESTED: verification_requested,
        SIGN_UP_REPEATED: sign_up_repeated,
        PASSWORD_RESET_REQUESTED: password_reset_requested,
        PASSWORD_CHANGED: password_changed,
    }
    return Consumer("auth.mail", topics)
