"""The unit of work of the auth service."""

from __future__ import annotations

from services.auth.store.accounts import ChangedAccounts
from services.auth.store.api_keys import ChangedApiKeys
from services.auth.store.keys import ChangedSigningKeys
from services.auth.store.organizations import ChangedOrganizations
from services.auth.store.personal_data import STATEMENTS
from services.auth.store.purged_organizations import ChangedPurgedOrganizations
from services.auth.store.role_bindings import ChangedRoleBindings
from services.auth.store.roles import ChangedRoles
from services.auth.store.service_accounts import ChangedServiceAccounts
from services.auth.store.sessions import ChangedSessions
from services.auth.store.sign_ups import ChangedSignUps
from services.chassis.db.session import Database, SqlTransaction
from services.chassis.personal_data.holdings import SqlPersonalData, SqlReports


class SqlAuthTransaction(SqlTransaction):
    """One transaction with the repositories that take part in it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.accounts = ChangedAccounts(self)
        self.sign_ups = ChangedSignUps(self)
        self.sessions = ChangedSessions(self)
        self.service_accounts = ChangedServiceAccounts(self)
        self.api_keys = ChangedApiKeys(self)
        self.organizations = ChangedOrganizations(self)
        self.keys = ChangedSigningKeys(self, database.keyring)
        self.purged_organizations = ChangedPurgedOrganizations(self)
        self.roles = ChangedRoles(self)
        self.role_bindings = ChangedRoleBindings(self)
        self.personal_data = SqlPersonalData(self, STATEMENTS)
        self.reports = SqlReports(self)
