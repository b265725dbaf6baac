"""The table of a service's operations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

operations = Table(
    "operations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("verb", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("next_time", DateTime(timezone=True), nullable=False),
    Column("cancellable", Boolean, nullable=False),
    Column("stage", Text, nullable=False),
    Column("done_count", BigInteger, nullable=False),
    Column("total_count", BigInteger, nullable=False),
    Column("waiting_for", ARRAY(Text), nullable=False),
    Column("checkpoint", JSONB, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("end_time", DateTime(timezone=True)),
    Column("expire_time", DateTime(timezone=True)),
    Column("response", LargeBinary, nullable=False),
    Column("error", LargeBinary, nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("operations_by_owner", "owner", "name"),
    Index("operations_by_target", "target", "verb"),
    Index("operations_due", "next_time", postgresql_where=text("end_time IS NULL")),
    Index("operations_expired", "expire_time", postgresql_where=text("expire_time IS NOT NULL")),
    comment="Work that outlives a call.",
)


def create(op: Any) -> None:
    """Create the table; called by a migration of each service that has operations."""
    metadata.create_all(op.get_bind())


def drop(op: Any) -> None:
    """Drop the table."""
    metadata.drop_all(op.get_bind())
