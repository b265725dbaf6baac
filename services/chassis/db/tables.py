"""The three tables every service's database has beside its own: what it announced, answered and has seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, MetaData, Table, Text

metadata = MetaData()

outbox = Table(
    "outbox",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    comment="Events that committed and are not published yet.",
)

answers = Table(
    "answers",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False, index=True),
    comment="First answers by request_id, encrypted; kept for a day.",
)

inbox = Table(
    "inbox",
    metadata,
    Column("subscription", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("create_time", DateTime(timezone=True), nullable=False, index=True),
    comment="Events that took effect; kept longer than any redelivery.",
)


def create(op: Any) -> None:
    """Create the tables; called by the first migration of every service."""
    metadata.create_all(op.get_bind())


def drop(op: Any) -> None:
    """Drop the tables."""
    metadata.drop_all(op.get_bind())
