"""SQLAlchemy Core writes the SQL, asyncpg runs it.

A statement is compiled once, when its module is imported, to asyncpg's `$1` form. At run time nothing but asyncpg stands
between a handler and PostgreSQL: half the time of SQLAlchemy's own execution, and connections that survive a cancelled call.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql import ClauseElement

_DIALECT = dialect()  # type: ignore[no-untyped-call]


class Statement:
    """A Core construct as SQL text and the order of its parameters."""

    __slots__ = ("_names", "_values", "sql")

    def __init__(self, construct: ClauseElement) -> None:
        compiled = construct.compile(dialect=_DIALECT)
        self.sql: str = compiled.string
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())  # type: ignore[attr-defined]
        self._values: dict[str, Any] = dict(compiled.params)

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """Return the values in the statement's order; literals of the construct fill what `values` lacks."""
        return [values[name] if name in values else self._values[name] for name in self._names]
