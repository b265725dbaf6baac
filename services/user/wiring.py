"""Composition root: which adapter stands behind which port."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from services.chassis.db.session import Codec
from services.chassis.dns import DnsResolver
from services.chassis.jobs import Job
from services.chassis.keys import Keyring
from services.chassis.links import Links
from services.chassis.lists import Lists
from services.chassis.mail import mailer
from services.chassis.operations.runner import Runner, Step
from services.chassis.operations.store import SqlOperations
from services.chassis.rpc.server import Servicer
from services.chassis.service import Assembly, Chassis, Service
from services.user import consumers, convert, events
from services.user.clients import AuthAccounts, AuthKeys
from services.user.config import UserConfig
from services.user.domain import (
    ERASE,
    EXPORT,
    InvitationTerms,
)
from services.user.handlers import (
    AttributeSchemaHandlers,
    AuditHandlers,
    DomainHandlers,
    Handlers,
    ImportHandlers,
    InvitationHandlers,
    LifecycleHandlers,
    MembershipHandlers,
    OperationHandlers,
    OrganizationHandlers,
    PersonalDataHandlers,
    PreferencesHandlers,
    TeamHandlers,
    UserHandlers,
)
from services.user.handlers.domains import DomainTerms
from services.user.handlers.newcomers import Newcomers
from services.user.handlers.personal_data_steps import EraseSteps, ExportSteps
from services.user.handlers.restore_links import RestoreLinks
from services.user.ports import Accounts
from services.user.servicer import (
    AttributeSchemaServicer,
    AuditServicer,
    DomainServicer,
    ImportServicer,
    InvitationServicer,
    MembershipServicer,
    OperationServicer,
    OrganizationServicer,
    PersonalDataServicer,
    PreferencesServicer,
    TeamServicer,
    UserServicer,
)
from services.user.store import (
    SqlAttributeSchemas,
    SqlAuditLogs,
    SqlCertificates,
    SqlDomains,
    SqlExports,
    SqlInvitations,
    SqlMemberships,
    SqlOrganizations,
    SqlPreferences,
    SqlTeams,
    SqlUsers,
    SqlUserTransaction,
)

DOMAINS_EVERY, INVITATIONS_EVERY = timedelta(minutes=10), timedelta(hours=1)

PURGE_EVERY, FORGET_EVERY = timedelta(minutes=1), timedelta(hours=1)
LOOK_EVERY = timedelta(seconds=0.25)


async def build(chassis: Chassis) -> Assembly:
    """Wire the user service."""
    auth = chassis.channel(chassis.config.auth_target)
    built = handlers(chassis, AuthAccounts(auth))
    return Assembly(
        servicers=servicers(built, Lists(chassis.keyring, chassis.now), chassis.keyring),
        jwks=AuthKeys(auth).fetch,
        consumers=[
            consumers.consumer(built.users),
            consumers.mails(built.lifecycle),
            consumers.answers(built.personal_data),
            consumers.mail(built.invitations),
            consumers.audit(built.audit),
        ],
        jobs=_jobs(built, runner(chassis)),
    )


def runner(chassis: Chassis) -> Runner:
    """Return what does the operations of user."""
    config, now, keyring = chassis.config, chassis.now, chassis.keyring
    others = consumers.participants()
    mails = mailer(config.mail_url, config.mail_sender, now)
    steps: dict[str, Step] = {EXPORT: ExportSteps(now, keyring, others), ERASE: EraseSteps(now, keyring, mails, others)}
    return Runner(partial(SqlUserTransaction, chassis.database), now, steps)


def _jobs(built: Handlers, running: Runner) -> list[Job]:
    return [
        Job("user.domains", DOMAINS_EVERY, built.domains.check_domains),
        Job("user.invitations", INVITATIONS_EVERY, built.invitations.forget_invitations),
        Job("user.operations", LOOK_EVERY, running.run_next),
        Job("user.forget-operations", PURGE_EVERY, running.forget_expired),
        Job("user.forget-exports", PURGE_EVERY, built.personal_data.forget),
        Job("user.forget-audit-entries", FORGET_EVERY, built.audit.forget_audit_entries),
        Job("user.purge-organizations", PURGE_EVERY, built.lifecycle.purge_organizations),
        Job("user.purge-users", PURGE_EVERY, built.personal_data.purge_users),
    ]


def handlers(chassis: Chassis, accounts: Accounts) -> Handlers:
    """Return every use case over its adapters."""
    database, now, config = chassis.database, chassis.now, chassis.config
    begin = partial(SqlUserTransaction, database)
    retention = timedelta(days=config.organization_retention_days)
    return Handlers(
        users=UserHandlers(SqlUsers(database), accounts, begin, now),
        organizations=OrganizationHandlers(SqlOrganizations(database), accounts, begin, now, chassis.new_id, retention),
        memberships=MembershipHandlers(SqlMemberships(database), begin, now),
        invitations=_invitations(chassis, accounts),
        domains=_domains(chassis),
        imports=ImportHandlers(begin, now, chassis.new_id),
        teams=TeamHandlers(SqlTeams(database), begin, now, chassis.new_id),
        attribute_schemas=AttributeSchemaHandlers(SqlAttributeSchemas(database), begin, now),
        preferences=PreferencesHandlers(SqlPreferences(database), accounts, begin, now),
        audit=AuditHandlers(
            SqlAuditLogs(database), begin, now, chassis.keyring, timedelta(days=config.audit_retention_days)
        ),
        lifecycle=_lifecycle(chassis, config, accounts),
        operations=OperationHandlers(SqlOperations(database), begin, now, asyncio.sleep),
        personal_data=_personal_data(chassis, accounts),
    )


def _domains(chassis: Chassis) -> DomainHandlers:
    database, config = chassis.database, chassis.config
    terms = DomainTerms(
        limit=config.domain_limit,
        recheck=timedelta(hours=config.domain_recheck_hours),
        patience=timedelta(days=config.domain_patience_days),
    )
    resolver = DnsResolver([server.strip() for server in config.dns_servers.split(",") if server.strip()])
    begin = partial(SqlUserTransaction, database)
    return DomainHandlers(SqlDomains(database), resolver, begin, chassis.now, chassis.new_id, terms)


def _invitations(chassis: Chassis, accounts: Accounts) -> InvitationHandlers:
    database, config = chassis.database, chassis.config
    begin = partial(SqlUserTransaction, database)
    return InvitationHandlers(
        invitations=SqlInvitations(database),
        organizations=SqlOrganizations(database),
        newcomers=Newcomers(SqlUsers(database), accounts, begin, chassis.now),
        links=Links(chassis.keyring, "invitation"),
        mailer=mailer(config.mail_url, config.mail_sender, chassis.now),
        begin=begin,
        now=chassis.now,
        new_id=chassis.new_id,
        terms=_terms(config),
        web_url=config.web_url,
    )


def _terms(config: UserConfig) -> InvitationTerms:
    return InvitationTerms(
        lifetime=timedelta(days=config.invitation_lifetime_days),
        open_limit=config.invitation_open_limit,
        mails_per_hour=config.invitation_mails_per_hour,
        mails_per_address=config.invitation_mails_per_address,
        retention=timedelta(days=config.invitation_retention_days),
    )


def _personal_data(chassis: Chassis, accounts: Accounts) -> PersonalDataHandlers:
    database = chassis.database
    return PersonalDataHandlers(
        operations=SqlOperations(database),
        exports=SqlExports(database),
        certificates=SqlCertificates(database),
        accounts=accounts,
        begin=partial(SqlUserTransaction, database),
        now=chassis.now,
        new_id=chassis.new_id,
        keyring=chassis.keyring,
    )


def _lifecycle(chassis: Chassis, config: UserConfig, accounts: Accounts) -> LifecycleHandlers:
    links = RestoreLinks(chassis.keyring, chassis.now, timedelta(days=config.restore_link_days), config.web_url)
    return LifecycleHandlers(
        accounts=accounts,
        begin=partial(SqlUserTransaction, chassis.database),
        now=chassis.now,
        retention=timedelta(days=config.user_retention_days),
        links=links,
        mailer=mailer(config.mail_url, config.mail_sender, chassis.now),
    )


def servicers(built: Handlers, lists: Lists, keyring: Keyring) -> list[Servicer]:
    """Return the gRPC services over the handlers."""
    return [
        Servicer.of(UserServicer(built.users, built.lifecycle, lists)),
        Servicer.of(OrganizationServicer(built.organizations, lists)),
        Servicer.of(MembershipServicer(built.memberships, lists)),
        Servicer.of(InvitationServicer(built.invitations, lists)),
        Servicer.of(DomainServicer(built.domains, lists)),
        Servicer.of(ImportServicer(built.imports, keyring)),
        Servicer.of(TeamServicer(built.teams, lists)),
        Servicer.of(PreferencesServicer(built.preferences)),
        Servicer.of(OperationServicer(built.operations, lists)),
        Servicer.of(PersonalDataServicer(built.personal_data)),
        Servicer.of(AttributeSchemaServicer(built.attribute_schemas)),
        Servicer.of(AuditServicer(built.audit, lists)),
    ]


SERVICE = Service("user", UserConfig, Codec(convert.answer_to_proto, events.announcement), build)
