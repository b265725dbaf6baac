"""Who calls: set once per call by `rpc/auth.py` from a verified token, read by handlers that need it."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller and what its token says it may do."""

    subject: str
    """`users/{user}`, `organizations/{organization}/serviceAccounts/{service_account}`, `services/{service}`, or empty for
    nobody."""
    organization: str = ""
    """The one organization the token names, `organizations/{organization}`, or empty."""
    permissions: frozenset[str] = frozenset()
    """What the token permits in that organization."""
    session: str = ""
    """The session of a user's token, `users/{user}/sessions/{session}`."""
    expires_at_s: float = 0.0
    """When the token ends, in seconds since the epoch."""
    issued_at_s: float = 0.0
    """As of when the token's permissions are true, in seconds since the epoch, to the millisecond."""
    api_key: str = ""
    """The API key the token was exchanged for, `organizations/{organization}/apiKeys/{api_key}`, or empty."""
    auth_time_s: float = 0.0
    """When the user last proved who they are: when the session began, in seconds since the epoch."""
    grants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the token permits, beyond `permissions`, on some resources of the organization and on everything below them."""


ANONYMOUS = Principal("")
_current: ContextVar[Principal] = ContextVar("principal", default=ANONYMOUS)


def current() -> Principal:
    """Return the caller of the running call."""
    return _current.get()


def enter(principal: Principal) -> None:
    """Make `principal` the caller for the rest of this call's context."""
    _current.set(principal)
