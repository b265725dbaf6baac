"""Use cases of imports. Each message's rows are one unit of work that holds the organization's lock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.chassis.principal import Principal
from services.user.domain import ImportedRows, ImportRow, Intake
from services.user.handlers.memberships import role_of
from services.user.ports import Begin, NewId, Now

AT_A_STRETCH = 10
"""Rows decided on before other calls get their turn: to check attributes takes milliseconds at worst."""


@dataclass(frozen=True, slots=True)
class ImportHandlers:
    """What callers can do with imports."""

    begin: Begin
    now: Now
    new_id: NewId

    async def import_users(self, organization: str, rows: Sequence[ImportRow], caller: Principal) -> ImportedRows:
        """Take in those rows that can be taken in, all of them or none.

        Raises OrganizationNotFound, OrganizationDeleted, OwnerRequired.
        """
        async with self.begin() as tx:
            (await tx.organizations.get(organization)).must_be_active()
            await role_of(tx, organization, caller)
            schema = await tx.attribute_schemas.get(organization)
            members = await tx.imports.members(organization, [row.email for row in rows if row.error is None])
            intake = Intake(organization, schema, members, self.now(), self.new_id)
            imported = await _taken(intake, rows)
            await tx.imports.add([*intake.users.values()], [*intake.created.values()])
            await tx.imports.save_attributes([*intake.updated.values()])
            if intake.event is not None:
                tx.outbox.add(intake.event)
            await tx.commit(imported)
        return imported


async def _taken(intake: Intake, rows: Sequence[ImportRow]) -> ImportedRows:
    results = []
    for row in rows:
        results.append(intake.take(row))
        if len(results) % AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    return ImportedRows(tuple(results))
