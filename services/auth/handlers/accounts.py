"""What auth tells other services."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.domain import Account
from services.auth.ports import Accounts


@dataclass(frozen=True, slots=True)
class AccountHandlers:
    """Accounts, for services of the platform."""

    accounts: Accounts

    async def get_account(self, user: str) -> Account:
        """Raises AccountNotFound."""
        return await self.accounts.get(user)
