"""People with an account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from services.chassis.errors import NotFound, PermissionDenied


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account."""

    name: str
    email: str
    display_name: str
    create_time: datetime
    update_time: datetime
    language_code: str = ""
    time_zone: str = ""
    version: int = 1

    def change(self, values: dict[str, str], at: datetime) -> tuple[Self, UserUpdated]:
        """Return the user with the values changed, and what to announce."""
        changed = replace(self, **values, update_time=at, version=self.version + 1)  # type: ignore[arg-type]
        return changed, UserUpdated(self.name, tuple(sorted(values)), at)


@dataclass(frozen=True, slots=True)
class UserUpdated:
    """A user changed what others see of them."""

    user: str
    fields: tuple[str, ...]
    update_time: datetime


class UserNotVisible(PermissionDenied):
    """The caller may not see the user, whether or not it exists."""

    reason = "USER_NOT_VISIBLE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not a member of the organization that your token names.", user=name)


class UserNotFound(NotFound):
    """There is no such user."""

    reason = "USER_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", user=name)
