"""Every setting the user service reads beside those of all services."""

from __future__ import annotations

from services.chassis.config import ServiceConfig


class UserConfig(ServiceConfig):
    """Settings of the user service."""

    organization_retention_days: int = 30
    """How long a deleted organization can be brought back."""
    user_retention_days: int = 30
    """How long a deleted account can be brought back; then the person's data is erased."""
    restore_link_days: int = 7
    """How long the link works that brings an account back; signing in has another one sent."""
    mail_url: str
    """Where mail goes: `outbox:/directory`, `smtp://user:password@host:587?starttls` or `smtps://…`."""
    mail_sender: str = "Trellis <no-reply@trellis.local>"
    """`From` of every mail."""
    web_url: str = "http://localhost:3000"
    """Root of the web app that the links in mails point to."""
