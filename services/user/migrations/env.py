"""Alembic's entry for the user database."""

from services.chassis.db import migrate

migrate.run()
