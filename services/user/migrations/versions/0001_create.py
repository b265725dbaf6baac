"""Users, organizations, memberships, and the tables of the chassis."""

import sqlalchemy as sa
from alembic import op

from services.chassis.db import tables as chassis

revision = "0001_create"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    chassis.create(op)
    op.create_table(
        "users",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("language_code", sa.Text, nullable=False, server_default=""),
        sa.Column("time_zone", sa.Text, nullable=False, server_default=""),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "organizations",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True)),
        sa.Column("purge_time", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "memberships",
        sa.Column("organization", sa.Text, sa.ForeignKey("organizations.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.name"), primary_key=True),
        sa.Column("role", sa.SmallInteger, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("memberships_by_user", "memberships", ["user"])


def downgrade() -> None:
    """Drop everything."""
    for table in ("memberships", "organizations", "users"):
        op.drop_table(table)
    chassis.drop(op)
