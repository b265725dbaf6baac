"""What sign-ups, accounts and sessions are, and what may happen to them. No I/O, no clock: `at` is handed in.

CredentialsInvalid · EmailNotVerified · PasswordTooCommon · VerificationInvalid · RefreshTokenInvalid · RefreshTokenReused ·
SessionNotFound · SessionEnded · NotAMember · MembershipUnavailable · AccountNotFound: the errors, each with its reason.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Self

from services.chassis.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
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
class Account:
    """A person who proved to own an address."""

    user: str
    email: str
    display_name: str
    password_hash: str
    create_time: datetime
    last_organization: str = ""
    """The organization the person last worked in; where the next session begins."""


class Cause(IntEnum):
    """Why a session ended; the numbers are the contract's."""

    SIGNED_OUT = 1
    REVOKED = 2
    REUSED = 3


class Refresh(Enum):
    """What a refresh token is worth."""

    CURRENT = "current"
    """The newest: rotate."""
    GRACE = "grace"
    """Used a moment ago: the same successor again."""
    REUSED = "reused"
    """Used long ago: somebody may have stolen it."""
    ENDED = "ended"
    """Of a session that is over."""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in device. Its refresh tokens are told apart by a generation; no token is stored."""

    name: str
    user: str
    organization: str
    user_agent: str
    create_time: datetime
    last_refresh_time: datetime
    expire_time: datetime
    generation: int = 1
    rotate_time: datetime | None = None
    """When the current generation replaced the one before."""
    revoke_time: datetime | None = None

    def alive(self, at: datetime) -> bool:
        """Whether the session still gives tokens."""
        return self.revoke_time is None and at < self.expire_time

    def judge(self, generation: int, at: datetime, grace: timedelta) -> Refresh:
        """Say what a refresh token of `generation` is worth."""
        if not self.alive(at):
            return Refresh.ENDED
        if generation == self.generation:
            return Refresh.CURRENT
        if generation == self.generation - 1 and self.rotate_time is not None and at <= self.rotate_time + grace:
            return Refresh.GRACE
        return Refresh.REUSED

    def end(self, at: datetime, cause: Cause) -> tuple[Self, SessionRevoked]:
        """Return the session as ended, and what to announce."""
        return replace(self, revoke_time=at), SessionRevoked(self.name, at, cause)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs access tokens, first published, then used, at last retired."""

    kid: str
    private_jwk: bytes
    create_time: datetime
    sign_from_time: datetime
    retire_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What a client calls with."""

    access_token: str
    expire_time: datetime
    refresh_token: str
    session: str
    user: str
    organization: str
    permissions: tuple[str, ...]

    def rehearsed(self) -> Self:
        """Return the answer without its tokens: no session stands behind those of a request that changed nothing."""
        return replace(self, access_token="", refresh_token="")


@dataclass(frozen=True, slots=True)
class Nothing:
    """The answer of an RPC that says the same to everybody."""

    rpc: str


def normalized_email(email: str) -> str:
    """Return the address as accounts are told apart by it: case makes no difference."""
    return unicodedata.normalize("NFC", email.strip()).lower()


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


@dataclass(frozen=True, slots=True)
class AccountCreated:
    """A person proved to own their address."""

    user: str
    email: str
    display_name: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class VerificationRequested:
    """A mail with a link is to be sent."""

    sign_up: str


@dataclass(frozen=True, slots=True)
class SignUpRepeated:
    """Somebody signed up with an address that has an account."""

    user: str


@dataclass(frozen=True, slots=True)
class SessionCreated:
    """A session began."""

    session: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class SessionRevoked:
    """A session ended before its time."""

    session: str
    revoke_time: datetime
    cause: Cause


class CredentialsInvalid(Unauthenticated):
    """Address and password do not belong together, or the address is unknown."""

    reason = "CREDENTIALS_INVALID"

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class EmailNotVerified(FailedPrecondition):
    """The password is right, the address was never verified."""

    reason = "EMAIL_NOT_VERIFIED"

    def __init__(self) -> None:
        super().__init__("The e-mail address is not verified yet; follow the link in the mail or ask for a new one.")


class PasswordTooCommon(InvalidArgument):
    """The password is among those that attackers try first."""

    reason = "PASSWORD_TOO_COMMON"

    def __init__(self) -> None:
        super().__init__("This password is among those that attackers try first; choose another.")


class VerificationInvalid(FailedPrecondition):
    """The verification token is forged, used or expired."""

    reason = "VERIFICATION_INVALID"

    def __init__(self) -> None:
        super().__init__("This link was used before or has expired; ask for a new one.")


class RefreshTokenInvalid(Unauthenticated):
    """The refresh token is forged, expired or of a session that ended."""

    reason = "REFRESH_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__("The refresh token is not valid any more; sign in again.")


class RefreshTokenReused(Unauthenticated):
    """The refresh token was used before, and its grace window is over."""

    reason = "REFRESH_TOKEN_REUSED"

    def __init__(self) -> None:
        super().__init__("The refresh token was used before; the session has been ended for safety. Sign in again.")


class SessionNotFound(NotFound):
    """The caller has no such session."""

    reason = "SESSION_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", session=name)


class SessionEnded(Unauthenticated):
    """The session of the token that asks is over."""

    reason = "SESSION_ENDED"

    def __init__(self) -> None:
        super().__init__("This session has ended; sign in again.")


class NotAMember(PermissionDenied):
    """The caller is no member of the organization, whether or not it exists."""

    reason = "NOT_A_MEMBER"

    def __init__(self, organization: str) -> None:
        super().__init__(f"You are no member of {organization}.", organization=organization)


class MembershipUnavailable(Unavailable):
    """Memberships cannot be read at the moment."""

    reason = "MEMBERSHIP_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("Memberships cannot be read at the moment; try again.", retry_after_s=1.0)


class AccountNotFound(NotFound):
    """There is no account of that user."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self, user: str) -> None:
        super().__init__(f"There is no account of {user}.", user=user)
