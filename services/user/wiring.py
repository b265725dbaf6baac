"""Composition root: which adapter stands behind which port."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from services.chassis.db.session import Codec
from services.chassis.jobs import Job
from services.chassis.lists import Lists
from services.chassis.mail import mailer
from services.chassis.rpc.server import Servicer
from services.chassis.service import Assembly, Chassis, Service
from services.user import consumers, convert, events
from services.user.clients import AuthAccounts, AuthKeys
from services.user.config import UserConfig
from services.user.handlers import (
    Handlers,
    LifecycleHandlers,
    MembershipHandlers,
    OrganizationHandlers,
    PreferencesHandlers,
    TeamHandlers,
    UserHandlers,
)
from services.user.handlers.restore_links import RestoreLinks
from services.user.ports import Accounts
from services.user.servicer import MembershipServicer, OrganizationServicer, PreferencesServicer, TeamServicer, UserServicer
from services.user.store import SqlMemberships, SqlOrganizations, SqlPreferences, SqlTeams, SqlUsers, SqlUserTransaction
from trellis.user.v1 import preferences_service_pb2 as preferences_rpc
from trellis.user.v1 import preferences_service_pb2_grpc as preferences_grpc
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as grpc
from trellis.user.v1 import team_service_pb2 as team_rpc
from trellis.user.v1 import team_service_pb2_grpc as team_grpc

PURGE_EVERY_S = 60.0


async def build(chassis: Chassis) -> Assembly:
    """Wire the user service."""
    auth = chassis.channel(chassis.config.auth_target)
    built = handlers(chassis, AuthAccounts(auth))
    return Assembly(
        servicers=servicers(built, Lists(chassis.keyring, chassis.now)),
        jwks=AuthKeys(auth).fetch,
        consumers=[consumers.consumer(built.users), consumers.mails(built.lifecycle)],
        jobs=[Job("user.purge-organizations", PURGE_EVERY_S, built.lifecycle.purge_organizations)],
    )


def handlers(chassis: Chassis, accounts: Accounts) -> Handlers:
    """Return every use case over its adapters."""
    database, now, config = chassis.database, chassis.now, chassis.config
    begin = partial(SqlUserTransaction, database)
    retention = timedelta(days=config.organization_retention_days)
    return Handlers(
        users=UserHandlers(SqlUsers(database), accounts, begin, now),
        organizations=OrganizationHandlers(SqlOrganizations(database), accounts, begin, now, chassis.new_id, retention),
        memberships=MembershipHandlers(SqlMemberships(database), begin, now),
        teams=TeamHandlers(SqlTeams(database), begin, now, chassis.new_id),
        preferences=PreferencesHandlers(SqlPreferences(database), accounts, begin, now),
        lifecycle=_lifecycle(chassis, config, accounts),
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


def servicers(built: Handlers, lists: Lists) -> list[Servicer]:
    """Return the gRPC services over the handlers."""
    by_name = rpc.DESCRIPTOR.services_by_name
    return [
        Servicer(
            by_name["UserService"], grpc.add_UserServiceServicer_to_server, UserServicer(built.users, built.lifecycle, lists)
        ),
        Servicer(
            by_name["OrganizationService"],
            grpc.add_OrganizationServiceServicer_to_server,
            OrganizationServicer(built.organizations, lists),
        ),
        Servicer(
            by_name["MembershipService"],
            grpc.add_MembershipServiceServicer_to_server,
            MembershipServicer(built.memberships, lists),
        ),
        Servicer(
            team_rpc.DESCRIPTOR.services_by_name["TeamService"],
            team_grpc.add_TeamServiceServicer_to_server,
            TeamServicer(built.teams, lists),
        ),
        Servicer(
            preferences_rpc.DESCRIPTOR.services_by_name["PreferencesService"],
            preferences_grpc.add_PreferencesServiceServicer_to_server,
            PreferencesServicer(built.preferences),
        ),
    ]


SERVICE = Service("user", UserConfig, Codec(convert.answer_to_proto, events.announcement), build)
