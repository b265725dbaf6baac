"""Groups of people who work together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from services.chassis.errors import FailedPrecondition, NotFound


@dataclass(frozen=True, slots=True)
class Organization:
    """A group of people who work together."""

    name: str
    display_name: str
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None = None
    purge_time: datetime | None = None
    version: int = 1

    def change(self, values: dict[str, str], at: datetime) -> tuple[Self, OrganizationUpdated]:
        """Return the organization with the values changed. Raises OrganizationDeleted."""
        self.must_be_active()
        changed = replace(self, **values, update_time=at, version=self.version + 1)  # type: ignore[arg-type]
        return changed, OrganizationUpdated(self.name, tuple(sorted(values)), at)

    def delete(self, at: datetime, retention: timedelta) -> tuple[Self, OrganizationDeletedEvent]:
        """Return the organization as deleted until `at + retention`. Raises OrganizationDeleted."""
        self.must_be_active()
        purge_time = at + retention
        gone = replace(self, delete_time=at, purge_time=purge_time, update_time=at, version=self.version + 1)
        return gone, OrganizationDeletedEvent(self.name, at, purge_time)

    def undelete(self, at: datetime) -> tuple[Self, OrganizationUndeleted]:
        """Return the organization as active again.

        Raises OrganizationNotDeleted, and OrganizationNotFound from when it may be purged, which takes a while.
        """
        if self.delete_time is None:
            raise OrganizationNotDeleted(self.name)
        if self.purge_time is not None and at >= self.purge_time:
            raise OrganizationNotFound(self.name)
        back = replace(self, delete_time=None, purge_time=None, update_time=at, version=self.version + 1)
        return back, OrganizationUndeleted(self.name, at)

    def must_be_active(self) -> None:
        """Raises OrganizationDeleted."""
        if self.delete_time is not None:
            raise OrganizationDeleted(self.name)


@dataclass(frozen=True, slots=True)
class OrganizationCreated:
    """An organization came to be, with its first owner."""

    organization: str
    owner: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class OrganizationUpdated:
    """An organization changed."""

    organization: str
    fields: tuple[str, ...]
    update_time: datetime


@dataclass(frozen=True, slots=True)
class OrganizationDeletedEvent:
    """An organization was deleted."""

    organization: str
    delete_time: datetime
    purge_time: datetime


@dataclass(frozen=True, slots=True)
class OrganizationUndeleted:
    """A deleted organization was brought back."""

    organization: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class OrganizationPurged:
    """A deleted organization is gone for good."""

    organization: str
    purge_time: datetime


class OrganizationNotFound(NotFound):
    """There is no such organization."""

    reason = "ORGANIZATION_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", organization=name)


class OrganizationDeleted(FailedPrecondition):
    """The organization can only be read or brought back."""

    reason = "ORGANIZATION_DELETED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is deleted; undelete it first.", organization=name)


class OrganizationNotDeleted(FailedPrecondition):
    """The organization is active, so it cannot be brought back."""

    reason = "ORGANIZATION_NOT_DELETED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not deleted.", organization=name)
