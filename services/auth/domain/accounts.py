"""People who proved to own an address."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from services.chassis.errors import (
    NotFound,
)


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
    password_version: int = 1
    """Counts the passwords the person has had: what was made for one does not open the next."""


def normalized_email(email: str) -> str:
    """Return the address as accounts are told apart by it: case makes no difference."""
    return unicodedata.normalize("NFC", email.strip()).lower()


@dataclass(frozen=True, slots=True)
class AccountCreated:
    """A person proved to own their address."""

    user: str
    email: str
    display_name: str
    create_time: datetime


class AccountNotFound(NotFound):
    """There is no account of that user."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self, user: str) -> None:
        super().__init__(f"There is no account of {user}.", user=user)
