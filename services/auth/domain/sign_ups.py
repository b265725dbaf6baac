"""Wishes for an account, until their link is followed or expires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.auth.domain.accounts import Account, AccountCreated
from services.chassis.errors import (
    FailedPrecondition,
)


@dataclass(frozen=True, slots=True)
class SignUp:
    """Somebody's wish for an account, until the link in the mail is followed or expires."""

    id: str
    email: str
    display_name: str
    password_hash: str
    create_time: datetime
    expire_time: datetime
    used_time: datetime | None = None

    def verify(self, user: str, at: datetime) -> tuple[Account, AccountCreated]:
        """Return the account the link makes. Raises VerificationInvalid."""
        if self.used_time is not None or at >= self.expire_time:
            raise VerificationInvalid
        account = Account(user, self.email, self.display_name, self.password_hash, at)
        return account, AccountCreated(user, self.email, self.display_name, at)


@dataclass(frozen=True, slots=True)
class VerificationRequested:
    """A mail with a link is to be sent."""

    sign_up: str


@dataclass(frozen=True, slots=True)
class SignUpRepeated:
    """Somebody signed up with an address that has an account."""

    user: str


class VerificationInvalid(FailedPrecondition):
    """The verification token is forged, used or expired."""

    reason = "VERIFICATION_INVALID"

    def __init__(self) -> None:
        super().__init__("This link was used before or has expired; ask for a new one.")
