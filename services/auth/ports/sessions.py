"""Where sessions are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.auth.domain import Cause, Session
from services.chassis.lists import ListQuery, Rows


class Sessions(Protocol):
    """Reads sessions, one statement each."""

    async def find(self, name: str) -> Session | None:
        """Return a session by its name."""
        ...

    async def list(self, user: str, at: datetime, query: ListQuery, *, show_ended: bool) -> Rows[Session]:
        """Return a page of a user's sessions."""
        ...


class ChangedSessions(Protocol):
    """Sessions inside a transaction."""

    async def add(self, session: Session) -> None:
        """Write a new session. Raises CredentialsInvalid if the account was erased meanwhile."""
        ...

    async def lock(self, name: str) -> Session | None:
        """Lock and return a session."""
        ...

    async def lock_alive(self, user: str, at: datetime) -> list[Session]:
        """Lock and return the sessions of a user that have not ended."""
        ...

    async def rotate(self, name: str, generation: int, at: datetime) -> Session | None:
        """Take the session from `generation` to the next, if it is alive and there; return it as it is then."""
        ...

    async def end(self, name: str, at: datetime, cause: Cause) -> None:
        """Write that the session ended."""
        ...

    async def end_all(self, user: str, at: datetime, cause: Cause, *, kept: str) -> int:
        """Write that every living session of the user ended but `kept`, and return how many did."""
        ...

    async def set_organization(self, name: str, organization: str) -> None:
        """Write which organization the session's tokens name."""
        ...

    async def forget(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` sessions that expired before then, and return how many."""
        ...
