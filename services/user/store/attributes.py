"""Attribute schemas in PostgreSQL."""

from __future__ import annotations

import json

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.user.domain import AttributeSchema, unsaid
from services.user.store.tables import attribute_schemas

_get = Statement(select(attribute_schemas).where(attribute_schemas.c.organization == bindparam("organization")))
_row = upsert(attribute_schemas).values({column.name: bindparam(column.name) for column in attribute_schemas.c})
_save = Statement(
    _row.on_conflict_do_update(
        index_elements=["organization"],
        set_={name: _row.excluded[name] for name in ("schema", "update_time", "version")},
    )
)


class SqlAttributeSchemas:
    """Reads attribute schemas, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, organization: str) -> AttributeSchema:
        return _schema(await self._database.fetchrow(_get, organization=organization), organization)


class ChangedAttributeSchemas:
    """Attribute schemas inside a transaction that holds their organization's lock."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, organization: str) -> AttributeSchema:
        return _schema(await self._tx.fetchrow(_get, organization=organization), organization)

    async def save(self, schema: AttributeSchema) -> None:
        await self._tx.execute(
            _save,
            organization=schema.organization,
            schema=json.dumps(schema.schema),
            update_time=schema.update_time,
            version=schema.version,
        )


def _schema(row: Row | None, organization: str) -> AttributeSchema:
    if row is None:
        return unsaid(organization)
    return AttributeSchema(organization, json.loads(row["schema"]), row["update_time"], row["version"])
