"""One unit of work, and the clock and ids it uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from services.auth.ports.accounts import ChangedAccounts
from services.auth.ports.api_keys import ChangedApiKeys
from services.auth.ports.keys import ChangedSigningKeys
from services.auth.ports.organizations import ChangedOrganizations
from services.auth.ports.purged_organizations import ChangedPurgedOrganizations
from services.auth.ports.role_bindings import ChangedRoleBindings
from services.auth.ports.roles import ChangedRoles
from services.auth.ports.service_accounts import ChangedServiceAccounts
from services.auth.ports.sessions import ChangedSessions
from services.auth.ports.sign_ups import ChangedSignUps
from services.chassis.personal_data import PersonalData, Reports
from services.chassis.transaction import Transaction


class AuthTransaction(Transaction, Protocol):
    """One unit of work. Leaving it without commit changes nothing."""

    @property
    def accounts(self) -> ChangedAccounts: ...
    @property
    def sign_ups(self) -> ChangedSignUps: ...
    @property
    def sessions(self) -> ChangedSessions: ...
    @property
    def keys(self) -> ChangedSigningKeys: ...
    @property
    def purged_organizations(self) -> ChangedPurgedOrganizations: ...
    @property
    def personal_data(self) -> PersonalData: ...
    @property
    def reports(self) -> Reports: ...
    @property
    def roles(self) -> ChangedRoles: ...
    @property
    def role_bindings(self) -> ChangedRoleBindings: ...
    @property
    def service_accounts(self) -> ChangedServiceAccounts: ...
    @property
    def api_keys(self) -> ChangedApiKeys: ...
    @property
    def organizations(self) -> ChangedOrganizations: ...


Begin = Callable[[], AuthTransaction]


Now = Callable[[], datetime]


NewId = Callable[[str], str]
