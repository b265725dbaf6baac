"""What programs call with, and what its secret looks like.

A secret is `trk_`, 43 letters and digits that carry 256 random bits, and 6 that check the 43 (CRC-32). Leak scanners can
tell a secret from a look-alike, and a mistyped one is refused without asking a database. Only its SHA-256 is stored.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from services.auth.domain.service_accounts import is_service_account
from services.chassis.errors import FailedPrecondition, NotFound, PermissionDenied, invalid_field
from services.chassis.principal import Principal

PREFIX = "trk_"
SECRET_BYTES = 32
PATTERN = "trk_[0-9A-Za-z]{49}"
"""What leak scanners look for; documented in docs/services/auth.md."""
DEFAULT_LIFETIME, MAX_LIFETIME = timedelta(days=90), timedelta(days=365)
ACCOUNTS_MANAGED_BY, USERS_MANAGED_BY = "serviceAccounts.update", "memberships.update"

_SECRET = re.compile(PATTERN)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY, _CHECK, _HINT = 43, 6, 4


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What a program calls with. The secrets it has are kept apart, as hashes."""

    name: str
    organization: str
    subject: str
    """Whom it acts for: a user or a service account."""
    display_name: str
    scopes: tuple[str, ...]
    hint: str
    """The last characters of the newest secret."""
    create_time: datetime
    update_time: datetime
    expire_time: datetime
    revoke_time: datetime | None = None
    last_used_time: datetime | None = None
    version: int = 1

    def alive(self, at: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoke_time is None and at < self.expire_time

    def rename(self, display_name: str, at: datetime) -> Self:
        """Return the key under another name."""
        return replace(self._touched(at), display_name=display_name)

    def narrow(self, scopes: Collection[str], at: datetime) -> Self:
        """Return the key with fewer scopes. Raises ScopeForbidden for a further one."""
        only_some_of(scopes, self.scopes)
        return replace(self._touched(at), scopes=tuple(sorted(scopes)))

    def renew(self, secret: str, expire_time: datetime, at: datetime) -> Self:
        """Return the key with a new secret and lifetime."""
        return replace(self._touched(at), hint=hint_of(secret), expire_time=expire_time)

    def revoke(self, at: datetime) -> tuple[Self, ApiKeyRevoked]:
        """Return the key as ended, and what to announce."""
        revoked = replace(self._touched(at), revoke_time=at)
        return revoked, ApiKeyRevoked(self.name, self.organization, self.subject, at)

    def must_not_be_revoked(self) -> None:
        """Raises ApiKeyEnded."""
        if self.revoke_time is not None:
            raise ApiKeyEnded(self.name)

    def _touched(self, at: datetime) -> Self:
        return replace(self, update_time=at, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class IssuedApiKey:
    """A key and its secret, which nobody sees again."""

    key: ApiKey
    secret: str

    def rehearsed(self) -> Self:
        """Return the answer without the secret: nothing stands behind that of a request that changed nothing."""
        return replace(self, secret="")


@dataclass(frozen=True, slots=True)
class Presented:
    """What is known of a secret that somebody calls with."""

    key: ApiKey
    expire_time: datetime
    """When this secret ends; it may be one of the key's older ones."""
    shut_out: bool
    """Whether its service account is disabled or its organization deleted."""
    account_version: int = 0
    """The version of its service account; 0 for a user's key."""

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes whenever the key or its service account does."""
        return self.key.version, self.account_version

    def opens(self, at: datetime) -> bool:
        """Whether the call may go on."""
        return not self.shut_out and at < self.expire_time and self.key.alive(at)


@dataclass(frozen=True, slots=True)
class Managed:
    """Whose keys a caller manages: their own, and more by what they may do in the organization."""

    own: str
    of_accounts: bool
    of_users: bool

    @classmethod
    def by(cls, caller: Principal) -> Self:
        """Return what `caller` manages in the organization of the token."""
        permissions = caller.permissions
        return cls(caller.subject, ACCOUNTS_MANAGED_BY in permissions, USERS_MANAGED_BY in permissions)

    def has(self, subject: str) -> bool:
        """Whether the keys of `subject` are among them."""
        return subject == self.own or (self.of_accounts if is_service_account(subject) else self.of_users)

    def may_hold_secrets_of(self, subject: str) -> None:
        """A secret acts as its subject: nobody gets that of another person. Raises SubjectForbidden."""
        if not self.has(subject) or (subject != self.own and not is_service_account(subject)):
            raise SubjectForbidden(subject)


def new_secret(entropy: bytes) -> str:
    """Return the secret that SECRET_BYTES random bytes make."""
    body = _base62(int.from_bytes(entropy), _BODY)
    return f"{PREFIX}{body}{_check(body)}"


def well_formed(secret: str) -> bool:
    """Whether a text can be a secret at all; costs about a microsecond."""
    if not _SECRET.fullmatch(secret):
        return False
    body = secret[len(PREFIX) : -_CHECK]
    return secret.endswith(_check(body))


def hashed(secret: str) -> bytes:
    """Return what is stored of a secret. It has 256 random bits: a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).digest()


def hint_of(secret: str) -> str:
    """Return what people find a key by."""
    return secret[-_HINT:]


def lifetime(wanted: datetime | None, at: datetime) -> datetime:
    """Return when a new secret ends. Raises InvalidArgument."""
    if wanted is None:
        return at + DEFAULT_LIFETIME
    if not at < wanted <= at + MAX_LIFETIME:
        raise invalid_field("expire_time", f"must lie ahead, at most {MAX_LIFETIME.days} days.", "expire_time")
    return wanted


def only_some_of(scopes: Collection[str], allowed: Collection[str]) -> None:
    """Raises ScopeForbidden for the first scope that is not allowed."""
    for scope in sorted(set(scopes) - set(allowed)):
        raise ScopeForbidden(scope)


def _check(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK)


def _base62(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


@dataclass(frozen=True, slots=True)
class ApiKeyCreated:
    """A key was made."""

    api_key: str
    organization: str
    subject: str
    scopes: tuple[str, ...]
    create_time: datetime


@dataclass(frozen=True, slots=True)
class ApiKeyUpdated:
    """A key has another name or fewer scopes."""

    api_key: str
    organization: str
    subject: str
    scopes: tuple[str, ...]
    update_time: datetime


@dataclass(frozen=True, slots=True)
class ApiKeyRotated:
    """A key has a new secret."""

    api_key: str
    organization: str
    subject: str
    overlap_end_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True)
class ApiKeyRevoked:
    """A key ended before its time."""

    api_key: str
    organization: str
    subject: str
    revoke_time: datetime


class ApiKeyNotFound(NotFound):
    """There is no such key, or the caller does not manage it."""

    reason = "API_KEY_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", api_key=name)


class ApiKeyEnded(FailedPrecondition):
    """The key was revoked."""

    reason = "API_KEY_ENDED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was revoked; make another key.", api_key=name)


class ScopeForbidden(PermissionDenied):
    """The caller, the subject or the key itself does not have that permission."""

    reason = "SCOPE_FORBIDDEN"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The key cannot have the scope {scope}.", scope=scope)


class SubjectForbidden(PermissionDenied):
    """Whoever asks must not hold a secret that acts as the subject."""

    reason = "SUBJECT_FORBIDDEN"

    def __init__(self, subject: str) -> None:
        super().__init__(f"You cannot get a secret that acts as {subject}.", subject=subject)
