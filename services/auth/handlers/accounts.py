"""What auth tells other services of accounts, and what it hears of them."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.domain import Account, AccountState, Cause
from services.auth.ports import Accounts, Begin, Now


@dataclass(frozen=True, slots=True)
class AccountHandlers:
    """Accounts, for services of the platform."""

    accounts: Accounts
    begin: Begin
    now: Now

    async def get_account(self, user: str) -> Account:
        """Raises AccountNotFound."""
        return await self.accounts.get(user)

    async def set_state(self, user: str, state: AccountState) -> None:
        """Let a user sign in, or not any more: then all sessions end, and their tokens with them."""
        async with self.begin() as tx:
            await tx.accounts.set_state(user, state)
            if state is not AccountState.ACTIVE:
                for session in await tx.sessions.lock_alive(user, self.now()):
                    _, event = session.end(self.now(), Cause.ACCOUNT_INACTIVE)
                    await tx.sessions.end(session.name, event.revoke_time, event.cause)
                    tx.outbox.add(event)
            await tx.commit()
