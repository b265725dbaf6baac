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
    invitation_retention_days: int = 90
    """How long an invitation that is over is kept."""
    audit_retention_days: int = 400
    """How long audit entries are kept."""
    domain_limit: int = 20
    """Domains of one organization."""
    domain_recheck_hours: int = 24
    """How long after it was looked for the record of a verified domain is looked for again."""
    domain_patience_days: int = 7
    """How long that record may be gone before the domain is lost."""
    dns_servers: str = ""
    """Name servers to ask, such as `10.0.0.53,127.0.0.1:5353`; empty asks those of the machine."""
    user_retention_days: int = 30
    """How long a deleted account can be brought back; then the person's data is erased."""
    restore_link_days: int = 7
    """How long the link works that brings an account back; signing in has another one sent."""
