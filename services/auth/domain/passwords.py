"""What a password may be (NIST SP 800-63B)."""

from __future__ import annotations

import unicodedata

from services.chassis.errors import (
    InvalidArgument,
)


def normalized_password(password: str) -> str:
    """Return the password as it is hashed: the same whatever keyboard composed it (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFC", password)


def refuse_common(password: str, email: str, common: frozenset[str]) -> None:
    """Refuse what attackers try first: known passwords, the address itself, one short thing repeated.

    Raises PasswordTooCommon.
    """
    folded = password.casefold()
    local_part = email.partition("@")[0]
    repeated = any(folded == (folded[:size] * len(folded))[: len(folded)] for size in (1, 2, 3, 4))
    if folded in common or repeated or folded in (email, local_part, email.replace("@", "").replace(".", "")):
        raise PasswordTooCommon


class PasswordTooCommon(InvalidArgument):
    """The password is among those that attackers try first."""

    reason = "PASSWORD_TOO_COMMON"

    def __init__(self) -> None:
        super().__init__("This password is among those that attackers try first; choose another.")
