"""Keyset pages in SQL: a list's filter, order and position become one statement.

Pages are found by the sort position of the last row, never by an offset: page 9,000 costs what page 1 costs, and rows that
come or go between pages neither repeat nor hide others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    SmallInteger,
    String,
    and_,
    literal,
    not_,
    or_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.types import TypeEngine

from services.chassis import filters
from services.chassis.db.session import Database, Row
from services.chassis.db.statements import Statement
from services.chassis.errors import InvalidArgument, invalid_field
from services.chassis.lists import ListQuery, Rows

T = TypeVar("T")
Column = ColumnElement[Any]

_COMPARE: dict[str, Callable[[Column, Any], ColumnElement[bool]]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}

_INTEGER_LIMITS: dict[type, int] = {SmallInteger: 2**15, BigInteger: 2**63}


class Listing:
    """One list: its rows, its unique key, and the fields that clients may filter and sort by."""

    def __init__(
        self,
        rows: Select[Any],
        *,
        key: KeyedColumnElement[Any],
        fields: Mapping[str, Column],
        sortable: Sequence[str],
        enums: Mapping[str, Mapping[str, Any]] | None = None,
        default_order: str = "",
        twin: Column | None = None,
    ) -> None:
        """Take `twin` where rows are joined: the column that is joined with the key.

        PostgreSQL carries an equality over to the other side of a join, a bound it does not: merging, it would begin on that
        side with the first row of all.
        """
        self._rows, self._key, self._fields, self._sortable = rows, key, fields, sortable
        self._enums, self._default_order, self._twin = enums or {}, default_order, twin

    async def page(self, database: Database, query: ListQuery, to_domain: Callable[[Row], T], **values: Any) -> Rows[T]:
        """Return one page. Raises InvalidArgument for a filter or order that cannot be."""
        order = self._order(query.order_by or self._default_order)
        statement = self._rows.order_by(*(c.desc() if descending else c.asc() for c, descending in order))
        if (parsed := filters.parse(query.filter)) is not None:
            statement = statement.where(self._condition(parsed))
        if query.after is not None:
            statement = statement.where(_after(order, query.after))
            if self._twin is not None and len(order) == 1:
                statement = statement.where(_after([(self._twin, order[0][1])], query.after))
        positions = [column.label(f"position_{i}") for i, (column, _) in enumerate(order)]
        rows = await database.fetch(Statement(statement.add_columns(*positions).limit(query.size + 1)), **values)
        more = len(rows) > query.size
        rows = rows[: query.size]
        position = tuple(rows[-1][label.name] for label in positions) if more else None
        return Rows([to_domain(row) for row in rows], position)

    def _order(self, text: str) -> list[tuple[Column, bool]]:
        order: list[tuple[Column, bool]] = []
        for field, descending in filters.parse_order(text):
            if field not in self._sortable:
                raise invalid_field(
                    "order_by", f"{field} cannot be sorted by; {', '.join(self._sortable)} can.", "order_by.field"
                )
            order.append((self._fields[field], descending))
        last_descending = order[-1][1] if order else False
        return [*order, (self._key, last_descending)]

    def _condition(self, term: filters.Filter) -> ColumnElement[bool]:
        match term:
            case filters.All(terms):
                return and_(*(self._condition(each) for each in terms))
            case filters.Any_(terms):
                return or_(*(self._condition(each) for each in terms))
            case filters.Not(inner):
                return not_(self._condition(inner))
            case filters.Comparison(field, operator, value):
                return self._comparison(field, operator, value)

    def _column(self, field: str) -> Column | None:
        """Return the column of a field, or the text inside a document: `attributes.department`."""
        name, *path = field.split(".")
        column = self._fields.get(name)
        if isinstance(column, KeyedColumnElement) and isinstance(column.type, JSONB):
            return cast(Column, column[path].astext) if path else None
        return None if path else column

    def _comparison(self, field: str, operator: str, text: str) -> ColumnElement[bool]:
        column = self._column(field)
        if column is None:
            raise invalid_field("filter", f"there is no field {field}; {', '.join(self._fields)} are.", "filter.field")
        if field in self._enums:
            return _compared(column, operator, _enum_value(field, text, self._enums[field]), field)
        if operator == ":" and isinstance(column.type, String):
            return column.icontains(text, autoescape=True)
        return _compared(column, operator, _value(field, text, column.type), field)


def _compared(column: Column, operator: str, value: Any, field: str) -> ColumnElement[bool]:
    if operator not in _COMPARE:
        raise _bad(field, f"cannot be compared with {operator}")
    return _COMPARE[operator](column, literal(value, column.type))


def _after(order: list[tuple[Column, bool]], position: tuple[Any, ...]) -> ColumnElement[bool]:
    """Return `(a, b) > (x, y)`, spelt out because the directions may differ."""
    alternatives = []
    for i, (column, descending) in enumerate(order):
        equal = [earlier == literal(position[j], earlier.type) for j, (earlier, _) in enumerate(order[:i])]
        value = literal(position[i], column.type)
        alternatives.append(and_(*equal, column < value if descending else column > value))
    return or_(*alternatives)


def _enum_value(field: str, text: str, names: Mapping[str, Any]) -> Any:
    if text not in names:
        raise _bad(field, f"must be one of {', '.join(names)}")
    return names[text]


def _value(field: str, text: str, kind: TypeEngine[Any]) -> Any:
    match kind:
        case DateTime():
            return _time(field, text)
        case Integer():
            return _integer(field, text, limit=_INTEGER_LIMITS.get(type(kind), 2**31))
        case Boolean():
            return _enum_value(field, text, {"true": True, "false": False})
    return text


def _integer(field: str, text: str, *, limit: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not -limit <= int(text) < limit:
        raise _bad(field, f"must be compared with a whole number from {-limit} to {limit - 1}")
    return int(text)


def _time(field: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        time.astimezone(UTC)  # near the ends of the calendar there is no such time in UTC
    except (ValueError, OverflowError):
        raise _bad(field, "must be compared with a time such as 2026-01-31T12:00:00Z") from None
    if time.tzinfo is None:
        raise _bad(field, "must be compared with a time that names its zone, such as 2026-01-31T12:00:00Z")
    return time


def _bad(field: str, description: str) -> InvalidArgument:
    return invalid_field("filter", f"{field} {description}.", "filter.value")
