"""Audit logs in PostgreSQL. Entries are added at the end and removed at the beginning; none is changed but for erasure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Text, and_, bindparam, case, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import AuditChain, AuditEntry, AuditEntryNotFound, UserState
from services.user.store.tables import audit_chains, audit_entries, users

_of = audit_entries.c.organization == bindparam("of")
_oldest = (
    select(audit_entries.c.create_time)
    .where(audit_entries.c.organization == audit_chains.c.organization)
    .order_by(audit_entries.c.sequence)
    .limit(1)
    .scalar_subquery()
)
_erased = exists().where(
    and_(
        users.c.name == bindparam("actor", type_=Text), users.c.state == literal(UserState.ERASED.value, users.c.state.type)
    )
)

_get = Statement(select(audit_entries).where(_of, audit_entries.c.id == bindparam("key")))
_read = Statement(
    select(audit_entries)
    .where(_of, audit_entries.c.sequence >= bindparam("from_sequence"))
    .order_by(audit_entries.c.sequence)
    .limit(bindparam("most"))
)
_due = Statement(select(audit_chains.c.organization).where(_oldest < bindparam("before")).limit(1))
# The update that changes nothing locks the row and makes RETURNING give it, also where it was there.
_lock = Statement(
    upsert(audit_chains)
    .values(organization=bindparam("organization"))
    .on_conflict_do_update(index_elements=["organization"], set_={"organization": bindparam("organization")})
    .returning(*audit_chains.c)
)
_append = Statement(
    insert(audit_entries).values(
        {column.name: bindparam(column.name) for column in audit_entries.c}
        | {"address_prefix": case((_erased, ""), else_=bindparam("address_prefix", type_=Text))}
    )
)
_save = Statement(
    update(audit_chains)
    .where(audit_chains.c.organization == bindparam("of"))
    .values({column.name: bindparam(column.name) for column in audit_chains.c if not column.primary_key})
)
_forget = Statement(delete(audit_entries).where(_of, audit_entries.c.sequence <= bindparam("up_to")))
_list = Listing(
    select(audit_entries).where(_of),
    key=audit_entries.c.sequence,
    fields={
        **{
            column.name: column
            for column in audit_entries.c
            if column.name in ("actor", "api_key", "service", "rpc", "code", "reason", "request_id", "trace_id", "sequence")
        },
        "resources": func.array_to_string(audit_entries.c.resources, " ", type_=Text),
        "create_time": audit_entries.c.create_time,
    },
    sortable=("create_time",),
    default_order="create_time desc",
)


class SqlAuditLogs:
    """Reads audit logs, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> AuditEntry:
        return _found(await self._database.fetchrow(_get, **_key(name)), name)

    async def list(self, organization: str, query: ListQuery) -> Rows[AuditEntry]:
        return await _list.page(self._database, query, _entry, of=organization)

    async def find_due(self, before: datetime) -> str | None:
        row = await self._database.fetchrow(_due, before=before)
        return row["organization"] if row else None


class ChangedAuditLogs:
    """Audit logs inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def lock(self, organization: str) -> AuditChain:
        [row] = await self._tx.fetch(_lock, organization=organization)
        return AuditChain(**dict(row))

    async def get(self, name: str) -> AuditEntry:
        return _found(await self._tx.fetchrow(_get, **_key(name)), name)

    async def read(self, organization: str, sequence: int, limit: int) -> Sequence[AuditEntry]:
        rows = await self._tx.fetch(_read, of=organization, from_sequence=sequence, most=limit)
        return [_entry(row) for row in rows]

    async def append(self, entries: Sequence[AuditEntry], chain: AuditChain) -> None:
        columns = [column.name for column in audit_entries.c]
        await self._tx.execute_many(_append, [{name: getattr(entry, name) for name in columns} for entry in entries])
        await self._save(chain)

    async def forget(self, chain: AuditChain) -> None:
        await self._tx.execute(_forget, of=chain.organization, up_to=chain.anchor_sequence)
        await self._save(chain)

    async def _save(self, chain: AuditChain) -> None:
        values = {column.name: getattr(chain, column.name) for column in audit_chains.c if not column.primary_key}
        await self._tx.execute(_save, of=chain.organization, **values)


def _key(name: str) -> dict[str, str]:
    organization, _, entry_id = name.partition("/auditEntries/")
    return {"of": organization, "key": entry_id}


def _found(row: Row | None, name: str) -> AuditEntry:
    if row is None:
        raise AuditEntryNotFound(name)
    return _entry(row)


def _entry(row: Row) -> AuditEntry:
    values = {column.name: row[column.name] for column in audit_entries.c}
    return AuditEntry(**{**values, "resources": tuple(row["resources"])})
