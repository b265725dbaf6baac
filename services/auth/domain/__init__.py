"""What the things of auth are, and what may happen to them. No I/O, no clock: `at` is handed in."""

from services.auth.domain.accounts import Account, AccountCreated, AccountNotFound
from services.auth.domain.answers import Nothing
from services.auth.domain.keys import SigningKey
from services.auth.domain.passwords import PasswordTooCommon, normalized_password, refuse_common
from services.auth.domain.sessions import (
    Cause,
    CredentialsInvalid,
    EmailNotVerified,
    MembershipUnavailable,
    NotAMember,
    Refresh,
    RefreshTokenInvalid,
    RefreshTokenReused,
    Session,
    SessionCreated,
    SessionEnded,
    SessionNotFound,
    SessionRevoked,
    TokenSet,
)
from services.auth.domain.sign_ups import SignUp, SignUpRepeated, VerificationInvalid, VerificationRequested
from services.chassis.addresses import normalized_email

__all__ = [
    "Account",
    "AccountCreated",
    "AccountNotFound",
    "Cause",
    "CredentialsInvalid",
    "EmailNotVerified",
    "MembershipUnavailable",
    "NotAMember",
    "Nothing",
    "PasswordTooCommon",
    "Refresh",
    "RefreshTokenInvalid",
    "RefreshTokenReused",
    "Session",
    "SessionCreated",
    "SessionEnded",
    "SessionNotFound",
    "SessionRevoked",
    "SignUp",
    "SignUpRepeated",
    "SigningKey",
    "TokenSet",
    "VerificationInvalid",
    "VerificationRequested",
    "normalized_email",
    "normalized_password",
    "refuse_common",
]
