"""Roles that organizations make, and who has which role on what."""

import sqlalchemy as sa
from alembic import op

revision = "0004_access"
down_revision = "0002_passwords"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "roles",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("permissions", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("roles_by_organization", "roles", ["organization"])
    op.create_table(
        "role_bindings",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False, comment="Of table roles, or predefined by the contract."),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True)),
        sa.Column("creator", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("organization", "subject", "role", "resource", name="role_bindings_once"),
    )
    op.create_index("role_bindings_by_role", "role_bindings", ["role"])


def downgrade() -> None:
    """Drop both."""
    op.drop_table("role_bindings")
    op.drop_table("roles")
