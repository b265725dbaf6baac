"""The keys that sign access tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs access tokens, first published, then used, at last retired."""

    kid: str
    private_jwk: bytes
    create_time: datetime
    sign_from_time: datetime
    retire_time: datetime | None = None
