"""Purged organizations in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.auth.store.tables import purged_organizations
from services.chassis.db.session import SqlTransaction
from services.chassis.db.statements import Statement

_add = Statement(
    upsert(purged_organizations)
    .values(organization=bindparam("organization"), purge_time=bindparam("purge_time"))
    .on_conflict_do_nothing()
)
_next = Statement(
    select(purged_organizations.c.organization)
    .order_by(purged_organizations.c.purge_time, purged_organizations.c.organization)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_remove = Statement(delete(purged_organizations).where(purged_organizations.c.organization == bindparam("key")))


class ChangedPurgedOrganizations:
    """Purged organizations inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, organization: str, at: datetime) -> None:
        await self._tx.execute(_add, organization=organization, purge_time=at)

    async def lock_next(self) -> str | None:
        row = await self._tx.fetchrow(_next)
        return str(row["organization"]) if row else None

    async def remove(self, organization: str) -> None:
        await self._tx.execute(_remove, key=organization)
