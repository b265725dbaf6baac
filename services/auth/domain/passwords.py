"""What a password may be (NIST SP 800-63B), and how it becomes another."""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from services.chassis.errors import FailedPrecondition, FieldViolation, InvalidArgument

SHORTEST_PIECE = 4


def normalized_password(password: str) -> str:
    """Return the password as it is hashed: the same whatever keyboard composed it (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFC", password)


def refuse_common(password: str, email: str, common: Container[str]) -> None:
    """Refuse what attackers try first: known passwords, two of them together, the address itself, one short thing repeated.

    Raises PasswordTooCommon.
    """
    folded = password.casefold()
    local_part = email.partition("@")[0]
    repeated = any(folded == (folded[:size] * len(folded))[: len(folded)] for size in (1, 2, 3, 4))
    own = (email, local_part, email.replace("@", "").replace(".", ""))
    if repeated or folded in own or folded in common or _two_of(folded, common):
        raise PasswordTooCommon


def _two_of(folded: str, common: Container[str]) -> bool:
    """Whether it is one known password after another: `sunshine12345678`."""
    places = range(SHORTEST_PIECE, len(folded) - SHORTEST_PIECE + 1)
    return any(folded[:place] in common and folded[place:] in common for place in places)


@dataclass(frozen=True, slots=True)
class PasswordResetRequested:
    """Somebody asked for another password; `user` is empty where the address has no account."""

    reset: str
    user: str


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """A user has another password, and no session but the kept one."""

    user: str
    kept_session: str
    change_time: datetime


class PasswordTooCommon(InvalidArgument):
    """The password is among those that attackers try first."""

    reason = "PASSWORD_TOO_COMMON"

    def __init__(self) -> None:
        super().__init__("This password is among those that attackers try first; choose another.")


class PasswordWrong(InvalidArgument):
    """What was typed is not the password."""

    reason = "PASSWORD_WRONG"

    def __init__(self, field: str) -> None:
        message = "The password is wrong."
        super().__init__(message, fields=[FieldViolation(field, message, self.reason)])


class ResetInvalid(FailedPrecondition):
    """The reset token is forged, used or expired, or the password changed since."""

    reason = "RESET_INVALID"

    def __init__(self) -> None:
        super().__init__("This link was used before or has expired; ask for a new one.")
