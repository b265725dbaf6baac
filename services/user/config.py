"""Every setting the user service reads beside those of all services."""

from __future__ import annotations

from services.chassis.config import MailConfig


class UserConfig(MailConfig):
    """Settings of the user service."""

    organization_retention_days: int = 30
    """How long a deleted organization can be brought back."""
    invitation_lifetime_days: int = 7
    """How long the link of an invitation works."""
    invitation_open_limit: int = 200
    """Open invitations of one organization."""
    invitation_mails_per_hour: int = 60
    """Invitations mailed in an hour by one organization, and by one person over all organizations."""
    invitation_mails_per_address: int = 3
    """Of these, mails to one address."""
