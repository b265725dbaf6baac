"""What user knows of memberships."""

from __future__ import annotations

from typing import Protocol


class Memberships(Protocol):
    """What user knows of memberships, as of now."""

    async def permissions(self, organization: str, user: str) -> tuple[str, ...]:
        """Return what the user may do there. Raises NotAMember, MembershipUnavailable."""
        ...
