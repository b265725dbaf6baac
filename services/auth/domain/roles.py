"""Roles, the permissions they are made of, and who may touch them: nobody gives what they do not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from services.chassis.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, ResourceExhausted

OWNER, ADMIN, MEMBER = "roles/owner", "roles/admin", "roles/member"
MOST_ROLES = 300
"""Roles an organization can have of its own; few enough to be listed from memory."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What an RPC asks for."""

    name: str
    description: str
    methods: tuple[str, ...]
    roles: tuple[str, ...]
    """The predefined roles that have it."""


@dataclass(frozen=True, slots=True)
class Role:
    """Permissions that are given together."""

    name: str
    display_name: str
    description: str
    permissions: frozenset[str]
    create_time: datetime | None = None
    update_time: datetime | None = None
    version: int = 0

    @property
    def predefined(self) -> bool:
        """Whether every organization has it."""
        return self.name.startswith("roles/")

    @property
    def organization(self) -> str:
        """The organization it belongs to; empty for a predefined one."""
        return "" if self.predefined else self.name.partition("/roles/")[0]

    def update(self, changes: Mapping[str, Any], at: datetime) -> tuple[Self, RoleUpdated]:
        """Return the role with other values, and what to announce."""
        changed = replace(self, **changes, update_time=at, version=self.version + 1)
        different = [f.name for f in fields(self) if f.name in changes and getattr(self, f.name) != changes[f.name]]
        return changed, RoleUpdated(self.name, self.organization, tuple(different), at)

    def end(self, at: datetime, *, bound: bool) -> RoleDeleted:
        """Return what to announce when the role goes. Raises RoleInUse."""
        if bound:
            raise RoleInUse(self.name)
        return RoleDeleted(self.name, self.organization, at)


def create_role(role: Role, *, existing: int) -> RoleCreated:
    """Return what to announce when a role comes to be. Raises TooManyRoles."""
    if existing >= MOST_ROLES:
        raise TooManyRoles(role.organization)
    assert role.create_time is not None
    return RoleCreated(role.name, role.organization, role.create_time)


@dataclass(frozen=True)
class Catalogue:
    """Every permission of the contract, and the predefined roles made of them."""

    permissions: tuple[Permission, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """Every permission there is."""
        return frozenset(permission.name for permission in self.permissions)

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """The predefined roles by name."""
        return {name: Role(name, title, says, self._of(name)) for name, title, says in _PREDEFINED}

    @cached_property
    def owners_only(self) -> frozenset[str]:
        """What owners may and administrators may not."""
        return self.roles[OWNER].permissions - self.roles[ADMIN].permissions

    def must_have(self, permissions: Iterable[str]) -> None:
        """Raises PermissionUnknown for the first that there is not."""
        for permission in sorted(set(permissions) - self.names):
            raise PermissionUnknown(permission)

    def must_suit(self, role: Role, subjects: Iterable[str]) -> None:
        """Let what only owners may do be given to users only: whoever manages a team could join it.

        Raises RoleForUsersOnly.
        """
        if role.permissions & self.owners_only and not all(subject.startswith("users/") for subject in subjects):
            raise RoleForUsersOnly(role.name)

    def must_hold(self, held: frozenset[str], *touched: frozenset[str]) -> None:
        """Let somebody touch what they have themselves; what the contract dropped nobody can have.

        Raises PermissionNotHeld for the first that they lack.
        """
        for permission in sorted((frozenset().union(*touched) & self.names) - held):
            raise PermissionNotHeld(permission)

    def _of(self, role: str) -> frozenset[str]:
        return frozenset(permission.name for permission in self.permissions if role in permission.roles)


_PREDEFINED = (
    (OWNER, "Owner", "May do everything, also end the organization."),
    (ADMIN, "Administrator", "May manage the organization and its members, save its owners."),
    (MEMBER, "Member", "May use the organization."),
)


@dataclass(frozen=True, slots=True)
class RoleCreated:
    """A role came to be."""

    role: str
    organization: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class RoleUpdated:
    """A role changed, for everybody who has it."""

    role: str
    organization: str
    fields: tuple[str, ...]
    update_time: datetime


@dataclass(frozen=True, slots=True)
class RoleDeleted:
    """A role is gone."""

    role: str
    organization: str
    delete_time: datetime


class RoleNotFound(NotFound):
    """There is no such role."""

    reason = "ROLE_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", role=name)


class RoleInUse(FailedPrecondition):
    """The role is bound to somebody."""

    reason = "ROLE_IN_USE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is bound; delete its role bindings first.", role=name)


class PermissionUnknown(InvalidArgument):
    """No RPC asks for such a permission."""

    reason = "PERMISSION_UNKNOWN"

    def __init__(self, permission: str) -> None:
        super().__init__(f"There is no permission {permission}; ListPermissions has all there are.", permission=permission)


class PermissionNotHeld(PermissionDenied):
    """Nobody gives, changes or takes away what they may not do themselves."""

    reason = "PERMISSION_NOT_HELD"

    def __init__(self, permission: str) -> None:
        super().__init__(f"You cannot give, change or take away {permission}, which you do not have.", permission=permission)


class RoleForUsersOnly(FailedPrecondition):
    """The role has permissions that only owners have."""

    reason = "ROLE_FOR_USERS_ONLY"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} permits what only owners may; bind it to users, not to teams or service accounts.", role=name
        )


class TooManyRoles(ResourceExhausted):
    """The organization has as many roles as it can have."""

    reason = "TOO_MANY_ROLES"

    def __init__(self, organization: str) -> None:
        super().__init__(f"{organization} has {MOST_ROLES} roles; delete one first.", organization=organization)
