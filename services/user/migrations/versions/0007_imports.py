"""Users whom an organization imported."""

import sqlalchemy as sa
from alembic import op

revision = "0007_imports"
down_revision = "0006_attributes"

IMPORTED = sa.text("provisioned_by IS NOT NULL")


def upgrade() -> None:
    """Add the column, empty everywhere; its reference is checked without holding anybody up."""
    op.add_column("users", sa.Column("provisioned_by", sa.Text))
    op.create_foreign_key(
        "users_provisioned_by_fkey",
        "users",
        "organizations",
        ["provisioned_by"],
        ["name"],
        ondelete="CASCADE",
        postgresql_not_valid=True,
    )
    with op.get_context().autocommit_block():  # nobody who writes has to wait for it
        op.execute("ALTER TABLE users VALIDATE CONSTRAINT users_provisioned_by_fkey")
        op.create_index(
            "users_by_provisioned_by",
            "users",
            ["provisioned_by"],
            postgresql_where=IMPORTED,
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    """Drop the column and what depends on it."""
    op.drop_column("users", "provisioned_by")
