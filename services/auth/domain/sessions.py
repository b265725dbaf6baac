"""Signed-in devices and the tokens they get."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Self

from services.chassis.errors import (
    FailedPrecondition,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)


class Cause(IntEnum):
    """Why a session ended; the numbers are the contract's."""

    SIGNED_OUT = 1
    REVOKED = 2
    REUSED = 3
    ACCOUNT_INACTIVE = 10


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


@dataclass(frozen=True, slots=True)
class SessionsRevoked:
    """All sessions of a user ended, save the kept one."""

    user: str
    kept_session: str
    revoke_time: datetime


@dataclass(frozen=True, slots=True)
class RevokedSessions:
    """What ending all sessions answers."""

    count: int


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
