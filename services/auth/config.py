"""Every setting the auth service reads beside those of all services."""

from __future__ import annotations

from pydantic import Field

from services.chassis.config import MailConfig
from services.chassis.tokens import LONGEST_LIFETIME_S


class AuthConfig(MailConfig):
    """Settings of the auth service."""

    access_token_lifetime_s: int = Field(default=300, ge=1, le=LONGEST_LIFETIME_S)
    """How long an access token is good: the longest a lost permission lives on. At most ten minutes."""
    session_lifetime_days: int = 30
    """How long a session lives at most, however often it is refreshed."""
    refresh_grace_s: int = 30
    """How long a used refresh token still gives the same successor: retries and parallel tabs fall into it."""
    verification_lifetime_hours: int = 24
    """How long the link of a verification mail works."""
    reset_lifetime_minutes: int = 60
    """How long the link of a reset mail works."""
    sign_up_retention_days: int = 7
    """How long a sign-up is kept after its link expired."""
    session_retention_days: int = 30
    """How long a session can be listed after it has expired."""
    key_activation_s: int = 600
    """How long a new signing key is published before it signs: longer than verifiers keep a key set (5 minutes) and may be
    cut off from auth (another 5)."""
    key_rotation_days: int = 30
    """How old the newest signing key becomes before another is made; 0 leaves rotation to the operator."""
    mails_per_address: int = 10
    """Mails in an hour that anybody may have sent to one address; more are left out."""
    password_threads: int = 2
    """Passwords hashed at once; each takes 19 MiB and a core for about 30 ms."""
    password_queue: int = 32
    """Passwords that wait for a thread; more are refused with RESOURCE_EXHAUSTED."""
