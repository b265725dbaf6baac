"""What a subject may do in an organization, wherever it comes from."""

from __future__ import annotations

from typing import Protocol


class Authority(Protocol):
    """What users and service accounts may do, as of now."""

    async def permissions(self, organization: str, subject: str) -> tuple[str, ...]:
        """Return what the subject may do there. Raises NotAMember, ServiceAccountNotFound, MembershipUnavailable."""
        ...
