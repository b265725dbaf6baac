"""What user knows of memberships."""

from __future__ import annotations

from typing import Protocol

from services.auth.domain import Membership


class Memberships(Protocol):
    """What user knows of memberships, as of now."""

    async def resolve(self, organization: str, user: str) -> Membership:
        """Return the user's place there. Raises NotAMember, MembershipUnavailable."""
        ...
