"""People with an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Self

from services.chassis.errors import FailedPrecondition, NotFound, PermissionDenied


class UserState(IntEnum):
    """Whether an account is in use; the numbers are the contract's."""

    ACTIVE = 1
    DEACTIVATED = 2
    DELETED = 3
    ERASED = 4
    PROVISIONED = 5
    """Imported by an organization; nobody has signed up for it yet."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account, or one whom an organization imported."""

    name: str
    email: str
    display_name: str
    create_time: datetime
    update_time: datetime
    language_code: str = ""
    time_zone: str = ""
    version: int = 1
    state: UserState = UserState.ACTIVE
    deactivate_time: datetime | None = None
    delete_time: datetime | None = None
    purge_time: datetime | None = None
    provisioned_by: str | None = None
    """The organization that imported a provisioned user, and has it alone."""

    def change(self, values: dict[str, str], at: datetime) -> tuple[Self, UserUpdated]:
        """Return the user with the values changed, and what to announce."""
        changed = replace(self, **values, update_time=at, version=self.version + 1)  # type: ignore[arg-type]
        return changed, UserUpdated(self.name, tuple(sorted(values)), at)

    def deactivate(self, at: datetime) -> tuple[Self, UserDeactivated]:
        """Return the user as out of use. Raises UserNotActive."""
        self.must_be_active()
        return self._in(UserState.DEACTIVATED, at, deactivate_time=at), UserDeactivated(self.name, at)

    def reactivate(self, at: datetime) -> tuple[Self, UserReactivated]:
        """Return a deactivated user as active again. Raises UserNotDeactivated."""
        if self.state is not UserState.DEACTIVATED:
            raise UserNotDeactivated(self.name)
        return self._in(UserState.ACTIVE, at), UserReactivated(self.name, at)

    def delete(self, at: datetime, retention: timedelta) -> tuple[Self, UserDeleted]:
        """Return the user as deleted until `at + retention`. Raises UserNotActive."""
        self.must_be_active()
        purge_time = at + retention
        gone = self._in(UserState.DELETED, at, delete_time=at, purge_time=purge_time)
        return gone, UserDeleted(self.name, at, purge_time)

    def undelete(self, at: datetime) -> tuple[Self, UserUndeleted]:
        """Return a deleted user as active again. Raises UserNotDeleted."""
        if self.state is not UserState.DELETED:
            raise UserNotDeleted(self.name)
        return self._in(UserState.ACTIVE, at), UserUndeleted(self.name, at)

    def erase(self, at: datetime) -> Self:
        """Return the user as one whose data is being erased: nothing brings the account back any more."""
        return self._in(UserState.ERASED, at)

    def must_be_active(self) -> None:
        """Raises UserNotActive."""
        if self.state is not UserState.ACTIVE:
            raise UserNotActive(self.name)

    def _in(
        self,
        state: UserState,
        at: datetime,
        *,
        deactivate_time: datetime | None = None,
        delete_time: datetime | None = None,
        purge_time: datetime | None = None,
    ) -> Self:
        return replace(
            self,
            state=state,
            deactivate_time=deactivate_time,
            delete_time=delete_time,
            purge_time=purge_time,
            update_time=at,
            version=self.version + 1,
        )


@dataclass(frozen=True, slots=True)
class UserUpdated:
    """A user changed what others see of them."""

    user: str
    fields: tuple[str, ...]
    update_time: datetime


@dataclass(frozen=True, slots=True)
class UserDeactivated:
    """A user put their account out of use."""

    user: str
    deactivate_time: datetime


@dataclass(frozen=True, slots=True)
class UserReactivated:
    """A deactivated account was brought back."""

    user: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class UserDeleted:
    """A user deleted their account."""

    user: str
    delete_time: datetime
    purge_time: datetime


@dataclass(frozen=True, slots=True)
class UserUndeleted:
    """A deleted account was brought back."""

    user: str
    update_time: datetime


class UserNotVisible(PermissionDenied):
    """The caller may not see the user, whether or not it exists."""

    reason = "USER_NOT_VISIBLE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not a member of the organization that your token names.", user=name)


class UserNotFound(NotFound):
    """There is no such user, or none whom the organization may take in without asking."""

    reason = "USER_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", user=name)


class UserNotActive(FailedPrecondition):
    """The account is deactivated, deleted or erased."""

    reason = "USER_NOT_ACTIVE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not active.", user=name)


class UserNotDeactivated(FailedPrecondition):
    """The account is in another state, so it cannot be reactivated."""

    reason = "USER_NOT_DEACTIVATED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not deactivated.", user=name)


class UserNotDeleted(FailedPrecondition):
    """The account is in another state, so it cannot be undeleted."""

    reason = "USER_NOT_DELETED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not deleted.", user=name)


class RestoreLinkInvalid(FailedPrecondition):
    """The link of a mail is forged, used, expired or of another account."""

    reason = "RESTORE_LINK_INVALID"

    def __init__(self) -> None:
        super().__init__("This link was used before or has expired; sign in to be sent a new one.")


class LastOwnerOf(FailedPrecondition):
    """Organizations would be left without an owner."""

    reason = "LAST_OWNER_OF"

    def __init__(self, name: str, organizations: Sequence[str]) -> None:
        listed = ", ".join(organizations)
        super().__init__(
            f"{name} is the last owner of {listed}; make somebody else an owner of each, or delete it, first.",
            user=name,
            organizations=listed,
        )
