"""People who proved to own an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from services.chassis.errors import (
    FailedPrecondition,
    NotFound,
)


class AccountState(IntEnum):
    """Whether somebody may sign in, as user says."""

    ACTIVE = 1
    DEACTIVATED = 2
    DELETED = 3


@dataclass(frozen=True, slots=True)
class Account:
    """A person who proved to own an address."""

    user: str
    email: str
    display_name: str
    password_hash: str
    create_time: datetime
    last_organization: str = ""
    """The organization the person last worked in; where the next session begins."""
    state: AccountState = AccountState.ACTIVE

    def must_be_active(self) -> None:
        """Raises AccountDeactivated, AccountDeleted."""
        if self.state is AccountState.DEACTIVATED:
            raise AccountDeactivated
        if self.state is AccountState.DELETED:
            raise AccountDeleted

    password_version: int = 1
    """Counts the passwords the person has had: what was made for one does not open the next."""


@dataclass(frozen=True, slots=True)
class AccountCreated:
    """A person proved to own their address."""

    user: str
    email: str
    display_name: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class RestoreRequested:
    """Somebody signed in, with the right password, to an account that is out of use."""

    user: str


class AccountDeactivated(FailedPrecondition):
    """The password is right, the account is deactivated."""

    reason = "ACCOUNT_DEACTIVATED"

    def __init__(self) -> None:
        super().__init__("This account is deactivated; a link that brings it back was just sent to its address.")


class AccountDeleted(FailedPrecondition):
    """The password is right, the account is deleted."""

    reason = "ACCOUNT_DELETED"

    def __init__(self) -> None:
        super().__init__("This account is deleted; a link that brings it back was just sent to its address.")


class AccountNotFound(NotFound):
    """There is no account of that user."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self, user: str) -> None:
        super().__init__(f"There is no account of {user}.", user=user)
