"""One unit of work, and the clock and ids it uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from services.chassis.operations import ChangedOperations
from services.chassis.personal_data import PersonalData
from services.chassis.transaction import Transaction
from services.user.ports.attributes import ChangedAttributeSchemas
from services.user.ports.audit import ChangedAuditLogs
from services.user.ports.domains import ChangedDomains
from services.user.ports.imports import ChangedImports
from services.user.ports.invitations import ChangedInvitations
from services.user.ports.memberships import ChangedMemberships
from services.user.ports.organizations import ChangedOrganizations
from services.user.ports.personal_data import Answers, ChangedCertificates, ChangedExports
from services.user.ports.preferences import ChangedPreferences
from services.user.ports.teams import ChangedTeams
from services.user.ports.users import ChangedUsers


class UserTransaction(Transaction, Protocol):
    """One unit of work. Leaving it without commit changes nothing."""

    @property
    def users(self) -> ChangedUsers: ...
    @property
    def organizations(self) -> ChangedOrganizations: ...
    @property
    def memberships(self) -> ChangedMemberships: ...
    @property
    def invitations(self) -> ChangedInvitations: ...
    @property
    def imports(self) -> ChangedImports: ...
    @property
    def domains(self) -> ChangedDomains: ...
    @property
    def teams(self) -> ChangedTeams: ...
    @property
    def attribute_schemas(self) -> ChangedAttributeSchemas: ...
    @property
    def preferences(self) -> ChangedPreferences: ...
    @property
    def operations(self) -> ChangedOperations: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def exports(self) -> ChangedExports: ...
    @property
    def certificates(self) -> ChangedCertificates: ...
    @property
    def audit(self) -> ChangedAuditLogs: ...
    @property
    def personal_data(self) -> PersonalData: ...


Begin = Callable[[], UserTransaction]


Now = Callable[[], datetime]


NewId = Callable[[str], str]
