"""What the things of auth are, and what may happen to them. No I/O, no clock: `at` is handed in."""

from services.auth.domain.accounts import Account, AccountCreated, AccountNotFound, normalized_email
from services.auth.domain.answers import Nothing
from services.auth.domain.keys import SigningKey
from services.auth.domain.passwords import (
    PasswordChanged,
    PasswordResetRequested,
    PasswordTooCommon,
    PasswordWrong,
    ResetInvalid,
    normalized_password,
    refuse_common,
)
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
    RevokedSessions,
    SessionsRevoked,
    TokenSet,
)
from services.auth.domain.sign_ups import SignUp, SignUpRepeated, VerificationInvalid, VerificationRequested

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
    "PasswordChanged",
    "PasswordResetRequested",
    "PasswordTooCommon",
    "PasswordWrong",
    "Refresh",
    "RefreshTokenInvalid",
    "RefreshTokenReused",
    "ResetInvalid",
    "RevokedSessions",
    "Session",
    "SessionCreated",
    "SessionEnded",
    "SessionNotFound",
    "SessionRevoked",
    "SessionsRevoked",
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
