"""The table of what a service answered to erasures."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Table, Text

metadata = MetaData()

erasures = Table(
    "erasures",
    metadata,
    Column("operation", Text, primary_key=True),
    Column("user", Text, nullable=False),
    Column("report", Text, nullable=False, comment="Counts, kinds and reasons; nothing of the person."),
    Column("erase_time", DateTime(timezone=True), nullable=False),
    comment="What was answered to erasures; asked again, it is answered the same.",
)


def create(op: Any) -> None:
    """Create the table; called by a migration of each service that takes part in erasures."""
    metadata.create_all(op.get_bind())


def drop(op: Any) -> None:
    """Drop the table."""
    metadata.drop_all(op.get_bind())
