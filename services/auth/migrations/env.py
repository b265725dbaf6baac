"""Alembic's entry for the auth database."""

from services.chassis.db import migrate

migrate.run()
