"""What roles, role bindings and access are, said once more, plainly: the judge of the real service.

It is written from the contract and `docs/services/auth.md`. User's part, who is a member and in which teams, is here too:
auth only ever asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from services.auth.domain import (
    NotAMember,
    PermissionNotHeld,
    PermissionUnknown,
    RoleBindingExists,
    RoleBindingNotFound,
    RoleForUsersOnly,
    RoleInUse,
    RoleNotFound,
    ServiceAccountNotFound,
    SubjectNotFound,
)
from services.chassis.errors import InvalidArgument, PermissionDenied
from tests.contract.stateful import same_version
from trellis.policies import PERMISSIONS, ROLE_PERMISSIONS

PREDEFINED = {f"roles/{name}": frozenset(permissions) for name, permissions in ROLE_PERMISSIONS.items()}
OWNERS_ONLY = PREDEFINED["roles/owner"] - PREDEFINED["roles/admin"]
ASK_ABOUT_OTHERS = "access.check"
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Token:
    """What somebody calls with: it says what was permitted when it was made, or less."""

    subject: str
    organization: str
    permissions: frozenset[str]
    """In the whole organization."""
    grants: Mapping[str, frozenset[str]]
    """Beyond that, on some resources and below them."""

    def permits(self, permission: str, *names: str) -> None:
        """Let a call pass that asks for a permission and names something. Raises PermissionDenied."""
        named = [name for name in names if name.startswith("organizations/")]
        inside = all(within(name, self.organization) for name in named)
        granted = [resource for resource, permissions in self.grants.items() if permission in permissions]
        everything_granted = bool(named) and all(any(within(name, resource) for resource in granted) for name in named)
        if not inside or not (permission in self.permissions or everything_granted):
            raise PermissionDenied(permission)


class Why(NamedTuple):
    """What permits something, as CheckAccess says it; nothing if all is empty."""

    role: str = ""
    source: str = ""
    team: str = ""
    resource: str = ""


class Given(NamedTuple):
    """Permissions on a resource, and why."""

    permissions: frozenset[str]
    why: Why
    expire_time: datetime | None = None

    def permits(self, permission: str, resource: str) -> bool:
        return permission in self.permissions and within(resource, self.why.resource)


@dataclass
class Role:
    """Permissions that an organization put together."""

    name: str
    display_name: str
    permissions: frozenset[str]
    create_time: datetime
    update_time: datetime
    version: int = 1
    predefined: bool = False


@dataclass(frozen=True)
class Binding:
    """That somebody has a role on something."""

    name: str
    role: str
    subject: str
    resource: str
    expire_time: datetime | None
    creator: str
    create_time: datetime

    def counts(self, at: datetime) -> bool:
        return self.expire_time is None or at < self.expire_time

    def says(self) -> tuple[str, str, str]:
        return self.role, self.subject, self.resource


@dataclass
class ServiceAccount:
    """What a program calls as."""

    name: str
    role: str
    active: bool = True
    version: int = 1


@dataclass
class Team:
    """Some members, and those of the teams inside."""

    parent: str = ""
    members: set[str] = field(default_factory=set)


@dataclass
class Organization:
    """Everything that says who may do what in an organization."""

    name: str
    members: dict[str, str] = field(default_factory=dict)
    """Users and their roles."""
    teams: dict[str, Team] = field(default_factory=dict)
    accounts: dict[str, ServiceAccount] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    bindings: dict[str, Binding] = field(default_factory=dict)
    """In the order they came to be."""
    gone: list[str] = field(default_factory=list)
    """Subjects that ended and of which auth has not heard yet."""

    # What user says

    def teams_of(self, user: str) -> list[str]:
        """Return the teams somebody is in, also by nesting, from the inside outwards."""
        direct = [name for name, team in self.teams.items() if user in team.members]
        return [*dict.fromkeys(outer for name in direct for outer in self._way_out(name))]

    def end_membership(self, user: str) -> None:
        if self.members.pop(user, None):
            self.gone.append(user)
        for team in self.teams.values():
            team.members.discard(user)

    def nest(self, name: str, parent: str) -> bool:
        """Put a team into another one; return whether that is possible."""
        possible = name in self.teams and parent in ("", *self.teams) and name not in self._way_out(parent)
        if possible:
            self.teams[name].parent = parent
        return possible

    def dissolve(self, name: str) -> bool:
        """End a team; return whether that is possible."""
        possible = name in self.teams and all(team.parent != name for team in self.teams.values())
        if possible:
            del self.teams[name]
            self.gone.append(name)
        return possible

    def hear(self) -> str:
        """Let auth hear of who ended first: what was bound to them goes."""
        subject = self.gone.pop(0)
        self.bindings = {name: each for name, each in self.bindings.items() if each.subject != subject}
        return subject

    # What somebody may do

    def given(self, subject: str, at: datetime) -> list[Given]:
        """Return all that somebody has, in the order in which it explains. Raises NotAMember."""
        role, source = self._place(subject)
        teams = self.teams_of(subject)
        found = [Given(PREDEFINED[role], Why(role, source, "", self.name))]
        for binding in self.bindings.values():
            if binding.counts(at) and binding.subject in (subject, *teams):
                team = binding.subject if binding.subject in teams else ""
                why = Why(binding.role, binding.name, team, binding.resource)
                found.append(Given(self.permissions_of(binding.role), why, binding.expire_time))
        return found

    def given_to_whoever_belongs(self, subject: str, at: datetime) -> list[Given]:
        """Return all that somebody has, a stranger nothing."""
        try:
            return self.given(subject, at)
        except NotAMember:
            return []

    def permissions_of(self, role: str) -> frozenset[str]:
        """Raises RoleNotFound."""
        return PREDEFINED[role] if role in PREDEFINED else self._role(role).permissions

    # Roles

    def create_role(self, by: Token, role: Role, at: datetime) -> None:
        by.permits("roles.create", self.name)
        _known(role.permissions)
        self._holds(by, role.permissions, at)
        self.roles[role.name] = role

    def update_role(self, by: Token, wanted: Role, etag: str, at: datetime) -> None:
        """Change a role into another of its name; empty is what stays."""
        by.permits("roles.update", wanted.name)
        _known(wanted.permissions)
        role = self._role(wanted.name)
        same_version(etag, role.version, role.name)
        permissions = wanted.permissions or role.permissions
        self._holds(by, role.permissions | permissions, FOREVER)
        for binding in self._bound(role.name, at):
            _suits(permissions, binding.subject, role.name)
        self.roles[role.name] = replace(
            role,
            display_name=wanted.display_name or role.display_name,
            permissions=permissions,
            update_time=at,
            version=role.version + 1,
        )

    def delete_role(self, by: Token, name: str, etag: str, at: datetime) -> None:
        by.permits("roles.delete", name)
        role = self._role(name)
        same_version(etag, role.version, name)
        self._holds(by, role.permissions, at)
        if self._bound(name, at):
            raise RoleInUse(name)
        self.bindings = {key: each for key, each in self.bindings.items() if each.role != name}
        del self.roles[name]

    # Role bindings

    def create_binding(self, by: Token, binding: Binding, at: datetime) -> None:
        by.permits("roleBindings.create", self.name, binding.role, binding.subject, binding.resource)
        self._must_belong(binding.subject)
        permissions = self.permissions_of(binding.role)
        self._holds(by, permissions, max(binding.expire_time or FOREVER, at))
        _suits(permissions, binding.subject, binding.role)
        if not binding.counts(at):
            raise InvalidArgument("expire_time")
        for other in [each for each in self.bindings.values() if each.says() == binding.says()]:
            if other.counts(at):
                raise RoleBindingExists(other.name)
            del self.bindings[other.name]
        self.bindings[binding.name] = binding

    def delete_binding(self, by: Token, name: str, at: datetime) -> None:
        by.permits("roleBindings.delete", name)
        if name not in self.bindings:
            raise RoleBindingNotFound(name)
        self._holds(by, self.permissions_of(self.bindings[name].role), at)
        del self.bindings[name]

    # Service accounts

    def create_account(self, by: Token, account: ServiceAccount, at: datetime) -> None:
        by.permits("serviceAccounts.create", self.name)
        self._holds(by, PREDEFINED[account.role], FOREVER)
        self.accounts[account.name] = account

    def change_account(self, by: Token, name: str, role: str, etag: str, at: datetime) -> None:
        by.permits("serviceAccounts.update", name)
        account = self._account(name)
        same_version(etag, account.version, name)
        if role != account.role:
            self._holds(by, PREDEFINED[account.role] | PREDEFINED[role], FOREVER)
        account.role, account.version = role, account.version + 1

    def switch_account(self, by: Token, name: str, *, active: bool) -> None:
        by.permits("serviceAccounts.enable" if active else "serviceAccounts.disable", name)
        account = self._account(name)
        if account.active != active:
            if active:
                self._holds(by, PREDEFINED[account.role], FOREVER)
            account.active, account.version = active, account.version + 1

    def delete_account(self, by: Token, name: str, etag: str) -> None:
        by.permits("serviceAccounts.delete", name)
        same_version(etag, self._account(name).version, name)
        del self.accounts[name]
        self.gone.append(name)

    # Rules that several share

    def _place(self, subject: str) -> tuple[str, str]:
        """Return the role somebody has by belonging here, and what says so. Raises NotAMember."""
        if subject in self.members:
            return self.members[subject], f"{self.name}/memberships/{subject.removeprefix('users/')}"
        if subject in self.accounts and self.accounts[subject].active:
            return self.accounts[subject].role, subject
        raise NotAMember(self.name)

    def _holds(self, by: Token, permissions: frozenset[str], at: datetime) -> None:
        """Nobody touches what they lack: by their token, and by what they may do in the organization at that moment.

        Nobody gives anything for longer than they have it: `at` is when the gift ends.
        """
        given = self.given_to_whoever_belongs(by.subject, at)
        for permission in permissions:
            if permission not in by.permissions or not any(each.permits(permission, self.name) for each in given):
                raise PermissionNotHeld(permission)

    def _must_belong(self, subject: str) -> None:
        """A user has to be a member and a service account to exist; auth does not know which teams do."""
        known = self.members if subject.startswith("users/") else self.accounts
        if "/teams/" not in subject and subject not in known:
            raise SubjectNotFound(subject)

    def _bound(self, role: str, at: datetime) -> list[Binding]:
        return [binding for binding in self.bindings.values() if binding.role == role and binding.counts(at)]

    def _role(self, name: str) -> Role:
        if name not in self.roles:
            raise RoleNotFound(name)
        return self.roles[name]

    def _account(self, name: str) -> ServiceAccount:
        if name not in self.accounts:
            raise ServiceAccountNotFound(name)
        return self.accounts[name]

    def _way_out(self, name: str) -> Iterator[str]:
        """Yield a team and those around it."""
        while name:
            yield name
            name = self.teams[name].parent


def of_the_contract(at: datetime) -> list[Role]:
    """Return the predefined roles, as lists have them."""
    titles = {"roles/owner": "Owner", "roles/admin": "Administrator", "roles/member": "Member"}
    return [Role(name, title, PREDEFINED[name], at, at, predefined=True) for name, title in titles.items()]


def first(given: list[Given], permission: str, resource: str) -> Why:
    """Return what permits something, of what somebody has."""
    return next((each.why for each in given if each.permits(permission, resource)), Why())


def asked(by: Token, subject: str) -> str:
    """Return whom a question is about: everybody asks about themselves, about others with a permission only."""
    about = by.subject if subject in ("", "users/me") else subject
    if about != by.subject and ASK_ABOUT_OTHERS not in by.permissions:
        raise PermissionDenied(ASK_ABOUT_OTHERS)
    return about


def within(name: str, resource: str) -> bool:
    """Whether something is the resource or below it, segment by segment."""
    outer = resource.split("/")
    return name.split("/")[: len(outer)] == outer


def _known(permissions: frozenset[str]) -> None:
    for permission in permissions - PERMISSIONS.keys():
        raise PermissionUnknown(permission)


def _suits(permissions: frozenset[str], subject: str, role: str) -> None:
    """What only owners may is for users, not for what administrators manage."""
    if permissions & OWNERS_ONLY and not subject.startswith("users/"):
        raise RoleForUsersOnly(role)
