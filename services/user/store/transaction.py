"""The unit of work of the user service."""

from __future__ import annotations

from services.chassis.db.session import Database, SqlTransaction
from services.chassis.operations.store import ChangedOperations
from services.chassis.personal_data.holdings import SqlPersonalData
from services.user.store.attributes import ChangedAttributeSchemas
from services.user.store.audit import ChangedAuditLogs
from services.user.store.domains import ChangedDomains
from services.user.store.imports import ChangedImports
from services.user.store.invitations import ChangedInvitations
from services.user.store.memberships import ChangedMemberships
from services.user.store.organizations import ChangedOrganizations
from services.user.store.personal_data import STATEMENTS, ChangedCertificates, ChangedExports, SqlAnswers
from services.user.store.preferences import ChangedPreferences
from services.user.store.teams import ChangedTeams
from services.user.store.users import ChangedUsers


class SqlUserTransaction(SqlTransaction):
    """One transaction with the repositories that take part in it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.users = ChangedUsers(self)
        self.audit = ChangedAuditLogs(self)
        self.organizations = ChangedOrganizations(self)
        self.memberships = ChangedMemberships(self)
        self.invitations = ChangedInvitations(self)
        self.imports = ChangedImports(self)
        self.domains = ChangedDomains(self)
        self.teams = ChangedTeams(self)
        self.preferences = ChangedPreferences(self)
        self.operations = ChangedOperations(self, database.codec.answer, "trellis.user")
        self.answers = SqlAnswers(self)
        self.exports = ChangedExports(self, database.keyring)
        self.certificates = ChangedCertificates(self)
        self.personal_data = SqlPersonalData(self, STATEMENTS)
        self.attribute_schemas = ChangedAttributeSchemas(self)
        self.preferences = ChangedPreferences(self)
