"""The keys that sign access tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs access tokens, first published, then used, at last retired."""

    kid: str
    private_jwk: bytes
    create_time: datetime
    sign_from_time: datetime
    retire_time: datetime | None = None

    def published(self, at: datetime) -> bool:
        """Whether tokens are verified with it."""
        return self.retire_time is None or at < self.retire_time

    def retired(self, at: datetime) -> Self:
        """Return the key with its end; one that has an end keeps it."""
        return self if self.retire_time is not None else replace(self, retire_time=at)


@dataclass(frozen=True, slots=True)
class SigningKeySet:
    """Every key that is not retired, oldest first; there is always one."""

    keys: tuple[SigningKey, ...]
    at: datetime

    @property
    def signing(self) -> SigningKey:
        """The newest key that may sign by now."""
        ready = [key for key in self.keys if key.sign_from_time <= self.at]
        return max(ready or self.keys[:1], key=lambda key: (key.sign_from_time, key.kid))

    def older_than(self, age: timedelta) -> bool:
        """Whether the newest key was made so long ago."""
        return self.keys[-1].create_time + age <= self.at

    def rotated(self, key: SigningKey, overlap: timedelta) -> Self:
        """Return the set with a newer key; all others end `overlap` after it begins to sign."""
        end = key.sign_from_time + overlap
        return replace(self, keys=(*(old.retired(end) for old in self.keys), key))
