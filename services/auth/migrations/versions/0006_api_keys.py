"""Service accounts, API keys, and which organizations are deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0006_api_keys"
down_revision = "0005_lifecycle"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "service_accounts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("service_accounts_by_organization", "service_accounts", ["organization", "create_time"])
    op.create_table(
        "api_keys",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("organization", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoke_time", sa.DateTime(timezone=True)),
        sa.Column("last_used_time", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("api_keys_by_organization", "api_keys", ["organization", "create_time"])
    op.create_index("api_keys_by_subject", "api_keys", ["subject"])
    op.create_table(
        "api_key_secrets",
        sa.Column("hash", sa.LargeBinary, primary_key=True, comment="SHA-256 of the secret."),
        sa.Column("api_key", sa.Text, sa.ForeignKey("api_keys.name", ondelete="CASCADE"), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("api_key_secrets_by_api_key", "api_key_secrets", ["api_key"])
    op.create_table(
        "deleted_organizations",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("deleted_organizations", "api_key_secrets", "api_keys", "service_accounts"):
        op.drop_table(table)
