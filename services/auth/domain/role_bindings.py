"""Who has which role on what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.chassis.errors import AlreadyExists, NotFound, ResourceExhausted, invalid_field

MOST_BINDINGS = 1000
"""Role bindings that a subject can have in an organization: all are read for every token."""


@dataclass(frozen=True, slots=True)
class RoleBinding:
    """That a subject has a role on a resource and on everything below it."""

    name: str
    role: str
    subject: str
    resource: str
    expire_time: datetime | None
    creator: str
    create_time: datetime

    @property
    def organization(self) -> str:
        """The organization it belongs to."""
        return self.name.partition("/roleBindings/")[0]

    def counts(self, at: datetime) -> bool:
        """Whether it has not expired."""
        return self.expire_time is None or at < self.expire_time


def below(name: str, resource: str) -> bool:
    """Whether `name` is `resource` or something below it."""
    return name == resource or name.startswith(f"{resource}/")


def create_role_binding(binding: RoleBinding, *, existing: int) -> list[RoleBindingCreated | TeamAccessChanged]:
    """Return what to announce. Raises InvalidArgument, RoleNotFound, SubjectNotFound, TooManyRoleBindings."""
    if binding.expire_time is not None and not binding.counts(binding.create_time):
        raise invalid_field("role_binding.expire_time", "must be in the future.", "timestamp.gt_now")
    if not below(binding.resource, binding.organization):
        raise invalid_field("role_binding.resource", f"must be {binding.organization} or below it.", "resource")
    if not binding.subject.startswith("users/") and not below(binding.subject, binding.organization):
        raise SubjectNotFound(binding.subject)
    if existing >= MOST_BINDINGS:
        raise TooManyRoleBindings(binding.subject)
    created = RoleBindingCreated(*_what(binding), binding.create_time)
    return [created, *_of_a_team(binding, binding.create_time)]


def delete_role_binding(binding: RoleBinding, at: datetime) -> list[RoleBindingDeleted | TeamAccessChanged]:
    """Return what to announce."""
    return [RoleBindingDeleted(*_what(binding), at), *_of_a_team(binding, at)]


def _what(binding: RoleBinding) -> tuple[str, str, str, str, str]:
    return binding.name, binding.organization, binding.role, binding.subject, binding.resource


def _of_a_team(binding: RoleBinding, at: datetime) -> list[TeamAccessChanged]:
    is_team = binding.subject.startswith(f"{binding.organization}/teams/")
    return [TeamAccessChanged(binding.organization, binding.subject, at)] if is_team else []


@dataclass(frozen=True, slots=True)
class RoleBindingCreated:
    """Somebody was given a role."""

    role_binding: str
    organization: str
    role: str
    subject: str
    resource: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class RoleBindingDeleted:
    """A role was taken away from somebody."""

    role_binding: str
    organization: str
    role: str
    subject: str
    resource: str
    delete_time: datetime


@dataclass(frozen=True, slots=True)
class TeamAccessChanged:
    """What the members of a team may do changed."""

    organization: str
    team: str
    update_time: datetime


class RoleBindingNotFound(NotFound):
    """There is no such role binding."""

    reason = "ROLE_BINDING_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", role_binding=name)


class RoleBindingExists(AlreadyExists):
    """The subject has that role on that resource already."""

    reason = "ROLE_BINDING_EXISTS"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} says the same already.", role_binding=name)


class SubjectNotFound(NotFound):
    """The subject does not belong to the organization, whether or not it exists."""

    reason = "SUBJECT_NOT_FOUND"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} does not belong to the organization.", subject=subject)


class TooManyRoleBindings(ResourceExhausted):
    """The subject has as many role bindings as it can have."""

    reason = "TOO_MANY_ROLE_BINDINGS"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} has {MOST_BINDINGS} role bindings; delete one first.", subject=subject)
