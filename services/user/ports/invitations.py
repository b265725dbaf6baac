"""Where invitations are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.chassis.lists import ListQuery, Rows
from services.user.domain import Invitation, MailCounts


class Invitations(Protocol):
    """Reads invitations, one statement each."""

    async def get(self, name: str) -> Invitation:
        """Raises InvitationNotFound."""
        ...

    async def find(self, invitation_id: str) -> Invitation | None:
        """Return the invitation that a link is about."""
        ...

    async def list(self, organization: str, query: ListQuery, at: datetime) -> Rows[Invitation]:
        """Return a page of the invitations of `organization`, as they are at a time."""
        ...


class ChangedInvitations(Protocol):
    """Invitations inside a transaction that holds their organization's lock."""

    async def get(self, name: str) -> Invitation:
        """Raises InvitationNotFound."""
        ...

    async def find_pending(self, organization: str, email: str) -> Invitation | None:
        """Return the invitation of an address that is neither used nor taken back, also an expired one."""
        ...

    async def count_open(self, organization: str, at: datetime) -> int:
        """Return how many invitations work at a time."""
        ...

    async def count_mails(self, invitation: Invitation, inviter: str, since: datetime) -> MailCounts:
        """Return what was mailed since a time: by the organization, by `inviter`, and by either of them to the address."""
        ...

    async def add_mail(self, invitation: Invitation, inviter: str, at: datetime, forget_before: datetime) -> None:
        """Count a mail, and forget those of the organization that are too old to count."""
        ...

    async def remove_ended(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` invitations that neither worked nor changed since `before`, and return how many."""
        ...

    async def add(self, invitation: Invitation) -> None:
        """Write a new invitation."""
        ...

    async def save(self, invitation: Invitation) -> None:
        """Write the invitation's current values."""
        ...
