"""Where role bindings are kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from services.auth.domain import RoleBinding
from services.chassis.lists import ListQuery, Rows

Bound = tuple[RoleBinding, frozenset[str]]
"""A binding and the permissions of its role; none for a predefined one, which the contract knows."""


class RoleBindings(Protocol):
    """Reads role bindings, one statement each."""

    async def get(self, name: str) -> RoleBinding:
        """Raises RoleBindingNotFound."""
        ...

    async def list(self, organization: str, query: ListQuery) -> Rows[RoleBinding]:
        """Return a page of the role bindings of an organization."""
        ...

    async def of(self, organization: str, subjects: Collection[str]) -> Sequence[Bound]:
        """Return what is bound to any of the subjects, in the order it came to be."""
        ...


class ChangedRoleBindings(Protocol):
    """Role bindings inside a transaction."""

    async def lock(self, name: str) -> RoleBinding:
        """Lock and return a role binding. Raises RoleBindingNotFound."""
        ...

    async def subjects_of(self, role: str, at: datetime) -> Sequence[str]:
        """Return who has a role at a time, each once."""
        ...

    async def of_subject(self, organization: str, subject: str) -> Sequence[RoleBinding]:
        """Lock and return what is bound to a subject."""
        ...

    async def count(self, organization: str, subject: str) -> int:
        """Return how many a subject has, expired ones too. Those that are made at the same time are not among them."""
        ...

    async def add(self, binding: RoleBinding) -> None:
        """Write a new role binding in place of an expired one that says the same. Raises RoleBindingExists."""
        ...

    async def remove(self, name: str) -> None:
        """Delete the role binding."""
        ...

    async def remove_expired(self, role: str, at: datetime) -> None:
        """Delete what bound a role and has expired."""
        ...

    async def purge(self, organization: str, limit: int) -> int:
        """Delete at most `limit` of an organization that is gone, and return how many there were."""
        ...
