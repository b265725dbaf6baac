"""Audit logs of organizations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008_audit"
down_revision = "0007_imports"


def upgrade() -> None:
    """Create the entries and what says where each log begins and ends."""
    op.create_table(
        "audit_entries",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("service", "rpc", "actor", "api_key")),
        sa.Column("resources", ARRAY(sa.Text), nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("code", "reason", "request_id", "trace_id", "address_prefix")
        ),
        sa.Column("call_count", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("previous_hash", "hash")),
        comment="Added at the end, removed at the beginning, never changed but for erasing address_prefix.",
    )
    op.create_index("audit_entries_by_id", "audit_entries", ["organization", "id"], unique=True)
    op.create_index("audit_entries_by_create_time", "audit_entries", ["organization", "create_time", "sequence"])
    op.create_index("audit_entries_by_actor", "audit_entries", ["actor"])
    op.create_table(
        "audit_chains",
        sa.Column("organization", sa.Text, primary_key=True),
        sa.Column("head_sequence", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("head_hash", sa.Text, nullable=False, server_default=""),
        sa.Column("anchor_sequence", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("anchor_hash", sa.Text, nullable=False, server_default=""),
        sa.Column("seal", sa.Text, nullable=False, server_default=""),
        comment="Where each log begins and ends.",
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("audit_chains")
    op.drop_table("audit_entries")
