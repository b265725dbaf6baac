"""Use cases, one method per RPC, in the contract's order: load, decide, save, announce, commit."""

from __future__ import annotations

from dataclasses import dataclass

from services.user.handlers.attributes import AttributeSchemaHandlers
from services.user.handlers.audit import AuditHandlers
from services.user.handlers.domains import DomainHandlers
from services.user.handlers.imports import ImportHandlers
from services.user.handlers.invitations import InvitationHandlers
from services.user.handlers.lifecycle import LifecycleHandlers
from services.user.handlers.memberships import MembershipHandlers
from services.user.handlers.operations import OperationHandlers
from services.user.handlers.organizations import OrganizationHandlers
from services.user.handlers.personal_data import PersonalDataHandlers
from services.user.handlers.preferences import PreferencesHandlers
from services.user.handlers.teams import TeamHandlers
from services.user.handlers.users import UserHandlers


@dataclass(frozen=True, slots=True)
class Handlers:
    """Everything the user service can do."""

    users: UserHandlers
    organizations: OrganizationHandlers
    memberships: MembershipHandlers
    teams: TeamHandlers
    preferences: PreferencesHandlers
    attribute_schemas: AttributeSchemaHandlers
    audit: AuditHandlers
    invitations: InvitationHandlers
    domains: DomainHandlers
    lifecycle: LifecycleHandlers
    operations: OperationHandlers
    personal_data: PersonalDataHandlers
    imports: ImportHandlers


__all__ = [
    "AttributeSchemaHandlers",
    "AuditHandlers",
    "DomainHandlers",
    "Handlers",
    "ImportHandlers",
    "InvitationHandlers",
    "LifecycleHandlers",
    "MembershipHandlers",
    "OperationHandlers",
    "OrganizationHandlers",
    "PersonalDataHandlers",
    "PreferencesHandlers",
    "TeamHandlers",
    "UserHandlers",
]
