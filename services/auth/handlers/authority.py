"""What a subject may do in an organization: the one place that knows the different kinds of subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.auth.domain import is_service_account
from services.auth.ports import Memberships, ServiceAccounts

_ROLES = "roles/"


@dataclass(frozen=True, slots=True)
class SubjectAuthority:
    """Users may do what their membership says, service accounts what their role says."""

    memberships: Memberships
    service_accounts: ServiceAccounts
    permissions_by_role: Mapping[str, Sequence[str]]

    async def permissions(self, organization: str, subject: str) -> tuple[str, ...]:
        if not is_service_account(subject):
            return await self.memberships.permissions(organization, subject)
        account = await self.service_accounts.get(subject)
        return tuple(self.permissions_by_role[account.role.removeprefix(_ROLES)])
