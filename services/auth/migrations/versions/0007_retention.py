"""Sign-ups and sessions that are over are found by their end."""

from alembic import op

revision = "0007_retention"
down_revision = "0006_api_keys"

ENDING = ("sign_ups", "sessions")


def upgrade() -> None:
    """Index both by their end."""
    with op.get_context().autocommit_block():  # nobody who writes has to wait for it
        for table in ENDING:
            op.create_index(f"{table}_by_expire_time", table, ["expire_time"], postgresql_concurrently=True)


def downgrade() -> None:
    """Drop the indices."""
    with op.get_context().autocommit_block():
        for table in ENDING:
            op.drop_index(f"{table}_by_expire_time", table, postgresql_concurrently=True)
