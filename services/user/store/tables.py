"""The tables of the user service."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, MetaData, SmallInteger, Table, Text, text

metadata = MetaData()

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("language_code", Text, nullable=False, server_default=""),
    Column("time_zone", Text, nullable=False, server_default=""),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default="1"),
    Column("deactivate_time", DateTime(timezone=True)),
    Column("delete_time", DateTime(timezone=True)),
    Column("purge_time", DateTime(timezone=True)),
    Index("users_by_purge_time", "purge_time", postgresql_where=text("purge_time IS NOT NULL")),
)

organizations = Table(
    "organizations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("delete_time", DateTime(timezone=True)),
    Column("purge_time", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False),
    Index("organizations_by_purge_time", "purge_time", postgresql_where=text("purge_time IS NOT NULL")),
)

memberships = Table(
    "memberships",
    metadata,
    Column("organization", Text, ForeignKey("organizations.name", ondelete="CASCADE"), primary_key=True),
    Column("user", Text, ForeignKey("users.name"), primary_key=True),
    Column("role", SmallInteger, nullable=False),
    Column("create_time", DateTime(timezone=True), nullable=False),
    Column("update_time", DateTime(timezone=True), nullable=False),
    Column("version", BigInteger, nullable=False),
    Index("memberships_by_user", "user"),
)
