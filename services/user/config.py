"""Every setting the user service reads beside those of all services."""

from __future__ import annotations

from services.chassis.config import ServiceConfig


class UserConfig(ServiceConfig):
    """Settings of the user service."""

    organization_retention_days: int = 30
    """How long a deleted organization can be brought back."""
