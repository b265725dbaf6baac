"""What programs call as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any, Self

from services.chassis.errors import FailedPrecondition, NotFound


class State(IntEnum):
    """Whether a service account's keys work; the numbers are the contract's."""

    ACTIVE = 1
    DISABLED = 2


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What a program calls as. It does not sign in: it has API keys."""

    name: str
    organization: str
    display_name: str
    description: str
    role: str
    """What it may do at most: `roles/admin` or `roles/member`."""
    create_time: datetime
    update_time: datetime
    state: State = State.ACTIVE
    version: int = 1

    def must_be_active(self) -> None:
        """Raises ServiceAccountInactive."""
        if self.state is not State.ACTIVE:
            raise ServiceAccountInactive(self.name)

    def change(self, values: Mapping[str, Any], at: datetime) -> tuple[Self, ServiceAccountUpdated]:
        """Return the account with other values, and what to announce."""
        changed = replace(self._touched(at), **values)
        return changed, ServiceAccountUpdated(self.name, self.organization, changed.role, at)

    def disable(self, at: datetime) -> tuple[Self, ServiceAccountDisabled]:
        """Return the account as shut out, and what to announce."""
        event = ServiceAccountDisabled(self.name, self.organization, at)
        return replace(self._touched(at), state=State.DISABLED), event

    def enable(self, at: datetime) -> tuple[Self, ServiceAccountEnabled]:
        """Return the account as let in again, and what to announce."""
        return replace(self._touched(at), state=State.ACTIVE), ServiceAccountEnabled(self.name, self.organization, at)

    def end(self, at: datetime) -> ServiceAccountDeleted:
        """Return what to announce when the account goes."""
        return ServiceAccountDeleted(self.name, self.organization, at)

    def _touched(self, at: datetime) -> Self:
        return replace(self, update_time=at, version=self.version + 1)


def is_service_account(subject: str) -> bool:
    """Whether a subject is a service account rather than a user."""
    return "/serviceAccounts/" in subject


@dataclass(frozen=True, slots=True)
class ServiceAccountCreated:
    """A service account was made."""

    service_account: str
    organization: str
    role: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class ServiceAccountUpdated:
    """A service account changed."""

    service_account: str
    organization: str
    role: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class ServiceAccountDisabled:
    """A service account is shut out."""

    service_account: str
    organization: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class ServiceAccountEnabled:
    """A service account is let in again."""

    service_account: str
    organization: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class ServiceAccountDeleted:
    """A service account is gone, and its keys with it."""

    service_account: str
    organization: str
    delete_time: datetime


class ServiceAccountNotFound(NotFound):
    """There is no such service account."""

    reason = "SERVICE_ACCOUNT_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", service_account=name)


class ServiceAccountInactive(FailedPrecondition):
    """The service account is disabled."""

    reason = "SERVICE_ACCOUNT_INACTIVE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is disabled; enable it first.", service_account=name)
