"""What tables hold of a person, told by the contract: a message describes a table, its fields have the columns' names.

The data class of each field decides what an export shows and what a certificate says was erased. A service lists its
tables once; those that hold nothing of a person are listed too, with the reason, so that none is forgotten.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import BigInteger, ColumnElement, String, Table, bindparam, delete, insert, or_, select, tuple_, update

from services.chassis.db.session import SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.personal_data.report import ErasedRecords, ErasureReport
from services.chassis.personal_data.tables import erasures
from trellis.policy.v1 import policy_pb2

PERSON = "person"
"""The parameter that a holding's condition compares with the user's name."""
_CLASSES = {policy_pb2.DATA_CLASS_PERSONAL: "PERSONAL", policy_pb2.DATA_CLASS_SECRET: "SECRET"}


@dataclass(frozen=True)
class Holding:
    """One table's rows of a person."""

    record: type[Message]
    """Describes a row; fields that no column has are left out."""
    table: Table
    where: ColumnElement[bool]
    """Which rows are the person's, over the parameter `person`."""
    row_stays: bool = False
    """Whether erasing empties the fields that are personal or secret and leaves the row, as a stone over a grave."""
    many: bool = False
    """Whether there may be more rows than a transaction should change. They stay, and are emptied some at a time before."""
    shown: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    """Fields that no column holds as they are, such as names made of two columns."""

    @property
    def name(self) -> str:
        """The kind of record, `trellis.user.v1.User`."""
        return str(self.record.DESCRIPTOR.full_name)

    def fields(self) -> list[Any]:
        """Return the descriptors of the fields that are stored."""
        held = {*self.table.c.keys(), *self.shown}
        return [each for each in self.record.DESCRIPTOR.fields if each.name in held]

    def of_class(self, wanted: str) -> tuple[str, ...]:
        """Return the stored fields of a data class."""
        return tuple(each.name for each in self.fields() if data_class(each) == wanted)

    def emptied(self) -> dict[str, Any]:
        """Return what the person's columns become where the row stays."""
        names = (*self.of_class("PERSONAL"), *self.of_class("SECRET"))
        return {name: "" if isinstance(self.table.c[name].type, String) else None for name in names}


def data_class(descriptor: Any) -> str:
    """Return `PERSONAL`, `SECRET` or nothing, as the contract says of a field."""
    return _CLASSES.get(descriptor.GetOptions().Extensions[policy_pb2.data_class], "")


class SqlPersonalData:
    """What a service's holdings have of a person, inside a transaction."""

    def __init__(self, tx: SqlTransaction, statements: Sequence[HoldingStatements]) -> None:
        self._tx, self._statements = tx, statements

    async def collect(self, user: str) -> list[dict[str, Any]]:
        found = []
        for each in self._statements:
            rows = await self._tx.fetch(each.select, **{PERSON: user})
            found += [_record(each.holding, row) for row in rows]
        return found

    async def erase_some(self, user: str, limit: int) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for each in self._statements:
            if each.erase_some is not None and (left := limit - counts.total()):
                counts[each.holding.name] += await self._tx.execute(each.erase_some, **{PERSON: user}, most=left)
        return dict(+counts)

    async def erase(self, user: str, before: Mapping[str, int] | None = None) -> tuple[ErasedRecords, ...]:
        counts = Counter(before or {})
        for each in self._statements:
            counts[each.holding.name] += await self._tx.execute(each.erase, **{PERSON: user})
        kinds = {each.holding.name: each.holding for each in self._statements}
        return tuple(
            ErasedRecords(name, count, kinds[name].of_class("PERSONAL"), kinds[name].of_class("SECRET"))
            for name, count in counts.items()
            if count
        )


class HoldingStatements:
    """What is asked and done for one holding; compiled once."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        key = list(holding.table.primary_key)
        shown = [column.label(_shown(name)) for name, column in holding.shown.items()]
        self.select = Statement(select(holding.table, *shown).where(holding.where).order_by(*key))
        self.erase_some: Statement | None = None
        if holding.many:
            emptied = holding.emptied()
            full = or_(*(holding.table.c[name].is_distinct_from(empty) for name, empty in emptied.items()))
            most = bindparam("most", type_=BigInteger)
            some = tuple_(*key).in_(select(*key).where(holding.where, full).limit(most))
            self.erase_some = Statement(update(holding.table).where(some).values(emptied))
            self.erase = Statement(update(holding.table).where(holding.where, full).values(emptied))
        elif holding.row_stays:
            self.erase = Statement(update(holding.table).where(holding.where).values(holding.emptied()))
        else:
            self.erase = Statement(delete(holding.table).where(holding.where))


_find = Statement(select(erasures.c.report).where(erasures.c.operation == bindparam("key")))
_add = Statement(insert(erasures).values({column.name: bindparam(column.name) for column in erasures.c}))


class SqlReports:
    """What was answered to erasures, inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def find(self, operation: str) -> ErasureReport | None:
        row = await self._tx.fetchrow(_find, key=operation)
        return ErasureReport.from_json(row["report"]) if row else None

    async def add(self, operation: str, user: str, report: ErasureReport, at: datetime) -> None:
        document = report.to_json().decode()
        await self._tx.execute(_add, operation=operation, user=user, report=document, erase_time=at)


def _record(holding: Holding, row: Any) -> dict[str, Any]:
    fields = {}
    for descriptor in holding.fields():
        kind, name = data_class(descriptor), descriptor.name
        value = row[_shown(name) if name in holding.shown else name]
        shown = {} if kind == "SECRET" else {"value": _value(descriptor, value)}
        fields[name] = {"class": kind or "NONE", **shown}
    return {"record": holding.name, "fields": fields}


def _shown(name: str) -> str:
    return f"shown_{name}"


def _value(descriptor: Any, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if descriptor.message_type is not None and isinstance(value, str):
        return json.loads(value)  # a JSONB column
    if descriptor.enum_type is not None and isinstance(value, int):
        known = descriptor.enum_type.values_by_number.get(value)
        return known.name if known else value
    if isinstance(value, list | tuple):
        return [_value(descriptor, each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
