"""What a subject may do in an organization: the role of its membership and the roles bound to it and its teams.

A role given on a resource counts for everything below it. What has expired does not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from services.auth.domain.role_bindings import RoleBinding, below

MOST_RESOURCES = 50
"""Resources below the organization whose permissions a token carries; of others only CheckAccess knows."""
MOST_BYTES = 2000
"""How long these may be as JSON: a token has to fit into a header."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What user says of somebody's place in an organization."""

    name: str
    role: str
    permissions: frozenset[str]
    """What the role permits."""
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a subject has on a resource, and from where."""

    role: str
    permissions: frozenset[str]
    resource: str
    source: str
    """The role binding or the membership that gives it."""
    team: str = ""
    """The team through which the subject has it."""
    expire_time: datetime | None = None

    def counts(self, at: datetime) -> bool:
        """Whether it has not expired."""
        return self.expire_time is None or at < self.expire_time


@dataclass(frozen=True, slots=True)
class Permitted:
    """What a token says that its holder may do."""

    permissions: tuple[str, ...] = ()
    """In the whole organization."""
    grants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is permitted beyond that on some resources and below them."""
    until: datetime | None = None
    """When the first of it expires; the token has to end then."""

    def within(self, scopes: Iterable[str]) -> Self:
        """Return what of it lies within the scopes."""
        wanted = frozenset(scopes)
        kept = {resource: tuple(p for p in permissions if p in wanted) for resource, permissions in self.grants.items()}
        return type(self)(
            tuple(p for p in self.permissions if p in wanted), {r: p for r, p in kept.items() if p}, self.until
        )


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that a subject was given in an organization."""

    organization: str
    grants: tuple[Grant, ...] = ()

    def find(self, permission: str, resource: str, at: datetime) -> Grant | None:
        """Return what permits it: a membership before bindings, these in the order they came to be."""
        for grant in self.grants:
            if permission in grant.permissions and below(resource, grant.resource) and grant.counts(at):
                return grant
        return None

    def permissions(self, resource: str, at: datetime) -> frozenset[str]:
        """Return everything permitted on a resource."""
        counting = (g.permissions for g in self.grants if below(resource, g.resource) and g.counts(at))
        return frozenset().union(*counting)

    def permitted(self, at: datetime) -> Permitted:
        """Return what a token is to say."""
        given: dict[str, frozenset[str]] = {}
        for grant in self.grants:
            if grant.counts(at):
                given[grant.resource] = given.get(grant.resource, frozenset()) | grant.permissions
        everywhere = given.pop(self.organization, frozenset())
        ends = [g.expire_time for g in self.grants if g.expire_time is not None and g.counts(at)]
        return Permitted(tuple(sorted(everywhere)), _bounded(given, everywhere), min(ends, default=None))


def access_of(
    organization: str,
    membership: Membership | None,
    bound: Iterable[tuple[RoleBinding, frozenset[str]]],
) -> Access:
    """Join what membership and bindings give: each binding comes with the permissions of its role."""
    grants = [Grant(membership.role, membership.permissions, organization, membership.name)] if membership else []
    teams = frozenset(membership.teams) if membership else frozenset()
    for binding, permissions in bound:
        team = binding.subject if binding.subject in teams else ""
        grants.append(Grant(binding.role, permissions, binding.resource, binding.name, team, binding.expire_time))
    return Access(organization, tuple(grants))


def _bounded(given: Mapping[str, frozenset[str]], everywhere: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Return as many of the grants as a token can carry, those nearest to the organization first."""
    kept: dict[str, tuple[str, ...]] = {}
    size = 0
    for resource in sorted(given, key=lambda name: (name.count("/"), name)):
        more = tuple(sorted(given[resource] - everywhere))
        size += len(json.dumps({resource: more})) if more else 0
        if size > MOST_BYTES or len(kept) == MOST_RESOURCES:
            break
        if more:
            kept[resource] = more
    return kept


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a subject has a permission on a resource."""

    subject: str
    permission: str
    resource: str

    @property
    def organization(self) -> str:
        """The organization that the resource belongs to."""
        return "/".join(self.resource.split("/", 2)[:2])
