"""Passwords that change: which one an account has now."""

import sqlalchemy as sa
from alembic import op

revision = "0002_passwords"
down_revision = "0001_create"


def upgrade() -> None:
    """Count passwords."""
    op.add_column("accounts", sa.Column("password_version", sa.BigInteger, nullable=False, server_default="1"))


def downgrade() -> None:
    """Forget the count."""
    op.drop_column("accounts", "password_version")
