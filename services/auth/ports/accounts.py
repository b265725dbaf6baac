"""Where accounts are kept."""

from __future__ import annotations

from typing import Protocol

from services.auth.domain import Account, AccountState


class Accounts(Protocol):
    """Reads accounts, one statement each."""

    async def get(self, user: str) -> Account:
        """Raises AccountNotFound."""
        ...

    async def find(self, user: str) -> Account | None:
        """Return the account of a user."""
        ...

    async def find_by_email(self, email: str) -> Account | None:
        """Return the account of a normalized address."""
        ...


class ChangedAccounts(Protocol):
    """Accounts inside a transaction."""

    async def add(self, account: Account) -> bool:
        """Write a new account; False if its address has one."""
        ...

    async def lock(self, user: str) -> Account | None:
        """Lock and return an account: whoever changes its password waits, and whoever begins a session with it."""
        ...

    async def set_last_organization(self, user: str, organization: str) -> None:
        """Remember where the person works."""
        ...

    async def set_password_hash(self, user: str, password_hash: str) -> None:
        """Write a hash of newer parameters."""
        ...

    async def set_state(self, user: str, state: AccountState) -> None:
        """Write whether the person may sign in; of one without an account, nothing."""
        ...

    async def set_password(self, user: str, password_hash: str) -> None:
        """Write the hash of another password, of the next version."""
        ...
