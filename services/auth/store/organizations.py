"""Deleted organizations in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert as upsert

from services.auth.store.tables import deleted_organizations
from services.chassis.db.session import SqlTransaction
from services.chassis.db.statements import Statement

_close = Statement(
    upsert(deleted_organizations).values(organization=bindparam("key"), delete_time=bindparam("at")).on_conflict_do_nothing()
)
_reopen = Statement(delete(deleted_organizations).where(deleted_organizations.c.organization == bindparam("key")))


class ChangedOrganizations:
    """Deleted organizations inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def close(self, organization: str, at: datetime) -> None:
        await self._tx.execute(_close, key=organization, at=at)

    async def reopen(self, organization: str) -> None:
        await self._tx.execute(_reopen, key=organization)
