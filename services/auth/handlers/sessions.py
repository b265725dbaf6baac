"""Use cases of sessions: a user's own, nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from services.auth.domain import Cause, RevokedSessions, Session, SessionNotFound, SessionsRevoked
from services.auth.ports import Begin, Now, Sessions
from services.chassis.errors import PermissionDenied
from services.chassis.lists import ListQuery, Rows
from services.chassis.principal import Principal

ME = "users/me"
BATCH = 500
"""Sessions deleted in one transaction."""


@dataclass(frozen=True, slots=True)
class SessionHandlers:
    """What users can do with their sessions."""

    sessions: Sessions
    begin: Begin
    now: Now
    kept: timedelta = timedelta(days=30)
    """How long a session can be seen after it has expired."""

    async def get_session(self, name: str, caller: Principal) -> Session:
        """Raises SessionNotFound, PermissionDenied."""
        name = _own(name, caller)
        session = await self.sessions.find(name)
        if session is None:
            raise SessionNotFound(name)
        return session

    async def list_sessions(self, parent: str, caller: Principal, query: ListQuery, *, show_ended: bool) -> Rows[Session]:
        """Return a page of the caller's sessions. Raises PermissionDenied."""
        return await self.sessions.list(_own(parent, caller), self.now(), query, show_ended=show_ended)

    async def revoke_session(self, name: str, caller: Principal) -> Session:
        """End a session; ending an ended one changes nothing. Raises SessionNotFound, PermissionDenied."""
        name = _own(name, caller)
        async with self.begin() as tx:
            session = await tx.sessions.lock(name)
            if session is None:
                raise SessionNotFound(name)
            if session.alive(self.now()):
                session, event = session.end(self.now(), Cause.REVOKED)
                await tx.sessions.end(name, event.revoke_time, event.cause)
                tx.outbox.add(event)
            await tx.commit(session)
        return session

    async def revoke_all_sessions(self, parent: str, caller: Principal, *, keep_current: bool) -> RevokedSessions:
        """End all sessions of the caller, or all but the current one. Raises PermissionDenied."""
        user, kept = _own(parent, caller), caller.session if keep_current else ""
        async with self.begin() as tx:
            await tx.accounts.lock(user)  # whoever ends many sessions waits for whoever else does
            now = self.now()
            revoked = RevokedSessions(await tx.sessions.end_all(user, now, Cause.REVOKED, kept=kept))
            tx.outbox.add(SessionsRevoked(user, kept, now))
            await tx.commit(revoked)
        return revoked

    async def forget_sessions(self) -> bool:
        """Delete sessions that nobody needs to see any more. True if there may be more of them."""
        async with self.begin() as tx:
            forgotten = await tx.sessions.forget(self.now() - self.kept, BATCH)
            await tx.commit()
        return forgotten == BATCH


def _own(name: str, caller: Principal) -> str:
    """Return the name with `users/me` resolved. Raises PermissionDenied for anybody else's, whether or not it exists."""
    user, _, rest = name.partition("/sessions")
    if user not in (ME, caller.subject):
        raise PermissionDenied("Sessions can be seen by their own user only.")
    return f"{caller.subject}/sessions{rest}" if rest else caller.subject
