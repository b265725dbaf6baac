"""Accounts, sign-ups, sessions, signing keys, and the tables of the chassis."""

import sqlalchemy as sa
from alembic import op

from services.chassis.db import tables as chassis

revision = "0001_create"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    chassis.create(op)
    op.create_table(
        "accounts",
        sa.Column("user", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_organization", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "sign_ups",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_time", sa.DateTime(timezone=True)),
    )
    op.create_index("sign_ups_by_email", "sign_ups", ["email", "create_time"])
    op.create_table(
        "sessions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("accounts.user", ondelete="CASCADE"), nullable=False),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_refresh_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("rotate_time", sa.DateTime(timezone=True)),
        sa.Column("revoke_time", sa.DateTime(timezone=True)),
        sa.Column("cause", sa.SmallInteger),
    )
    op.create_index("sessions_by_user", "sessions", ["user", "create_time"])
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column(
            "private_jwk",
            sa.LargeBinary,
            nullable=False,
            comment="Sealed with a key derived from the root secret.",
        ),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sign_from_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retire_time", sa.DateTime(timezone=True)),
    )


def downgrade() -> None:
    """Drop everything."""
    for table in ("signing_keys", "sessions", "sign_ups", "accounts"):
        op.drop_table(table)
    chassis.drop(op)
