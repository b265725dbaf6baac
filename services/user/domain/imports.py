"""Imports: many people taken in at once, as the organization knows them.

Whoever is not a member yet becomes one as a provisioned user, whether or not somebody has an account with that address:
what an import answers says nothing about accounts (docs/decisions/0031).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

from services.chassis.errors import InvalidArgument, ServiceError
from services.user.domain.attributes import Attributes, AttributeSchema
from services.user.domain.memberships import Membership, Role
from services.user.domain.users import User, UserState


class Outcome(IntEnum):
    """What became of a row; the numbers are the contract's."""

    CREATED = 1
    UPDATED = 2
    UNCHANGED = 3
    FAILED = 4


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A person as the organization knows them."""

    number: int
    """Counted over the whole import, from 1."""
    email: str
    display_name: str = ""
    role: Role = Role.MEMBER
    language_code: str = ""
    time_zone: str = ""
    attributes: Attributes = field(default_factory=dict)
    external_id: str = ""
    error: ServiceError | None = None
    """Why the row cannot be taken as it is written."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row."""

    row: int
    outcome: Outcome
    external_id: str
    user: str = ""
    error: ServiceError | None = None


@dataclass(frozen=True, slots=True)
class ImportedRows:
    """What became of the rows of one message, in their order."""

    results: tuple[RowResult, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is."""

    import_id: str
    rows: int = 0
    """How many are done, the last one's number."""
    outcomes: tuple[int, int, int, int] = (0, 0, 0, 0)
    """How many were created, updated, unchanged and failed."""

    def after(self, outcomes: Iterable[int]) -> Progress:
        """Return the progress after rows that ended so, in the contract's numbers."""
        counts, rows = [*self.outcomes], self.rows
        for outcome in outcomes:
            counts[outcome - 1] += 1
            rows += 1
        created, updated, unchanged, failed = counts
        return replace(self, rows=rows, outcomes=(created, updated, unchanged, failed))


@dataclass(slots=True)
class Intake:
    """The rows of one message on their way in, in order: the second row of an address finds what the first did."""

    organization: str
    schema: AttributeSchema
    members: dict[str, Membership]
    """By address."""
    at: datetime
    new_id: Callable[[str], str]
    users: dict[str, User] = field(default_factory=dict)
    created: dict[str, Membership] = field(default_factory=dict)
    updated: dict[str, Membership] = field(default_factory=dict)

    @property
    def event(self) -> UsersImported | None:
        """What to announce, if anything happened."""
        if not self.created and not self.updated:
            return None
        return UsersImported(self.organization, tuple(self.created), tuple(self.updated), self.at)

    def take(self, row: ImportRow) -> RowResult:
        """Decide on one row."""
        try:
            if row.error is not None:
                raise row.error
            if row.attributes:
                self.schema.check(row.attributes)
        except ServiceError as error:
            return RowResult(row.number, Outcome.FAILED, row.external_id, error=error)
        member = self.members.get(row.email)
        if member is None:
            return RowResult(row.number, Outcome.CREATED, row.external_id, self._create(row))
        if not row.attributes or row.attributes == member.attributes:
            return RowResult(row.number, Outcome.UNCHANGED, row.external_id, member.user)
        self._update(row.email, member, row.attributes)
        return RowResult(row.number, Outcome.UPDATED, row.external_id, member.user)

    def _create(self, row: ImportRow) -> str:
        user = User(
            f"users/{self.new_id('usr')}",
            row.email,
            row.display_name,
            self.at,
            self.at,
            language_code=row.language_code,
            time_zone=row.time_zone,
            state=UserState.PROVISIONED,
            provisioned_by=self.organization,
        )
        membership = Membership(self.organization, user.name, row.role, self.at, self.at, attributes=row.attributes)
        self.users[user.name] = user
        self.created[user.name] = self.members[row.email] = membership
        return user.name

    def _update(self, email: str, member: Membership, attributes: Attributes) -> None:
        changed, _ = member.change_attributes(attributes, self.at)
        self.members[email] = changed
        if member.user in self.created:
            self.created[member.user] = replace(changed, version=1)
        else:
            self.updated[member.user] = replace(changed, version=self._version(member) + 1)

    def _version(self, member: Membership) -> int:
        """Return the version that is stored: two rows about one member are one change."""
        return member.version - 1 if member.user in self.updated else member.version


@dataclass(frozen=True, slots=True)
class UsersImported:
    """People became members, or have other attributes."""

    organization: str
    created_users: tuple[str, ...]
    updated_users: tuple[str, ...]
    import_time: datetime


class ResumeTokenInvalid(InvalidArgument):
    """The token was altered, or given to somebody else or for something else."""

    reason = "RESUME_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "resume_token does not belong to this import; send the last one that was answered, as the same caller."
        )
