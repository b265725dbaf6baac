"""Composition root: which adapter stands behind which port."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from services.chassis.db.session import Codec
from services.chassis.lists import Lists
from services.chassis.rpc.server import Servicer
from services.chassis.service import Assembly, Chassis, Service
from services.user import consumers, convert, events
from services.user.clients import AuthAccounts, AuthKeys
from services.user.config import UserConfig
from services.user.handlers import (
    AttributeSchemaHandlers,
    Handlers,
    MembershipHandlers,
    OrganizationHandlers,
    PreferencesHandlers,
    TeamHandlers,
    UserHandlers,
)
from services.user.ports import Accounts
from services.user.servicer import (
    AttributeSchemaServicer,
    MembershipServicer,
    OrganizationServicer,
    PreferencesServicer,
    TeamServicer,
    UserServicer,
)
from services.user.store import (
    SqlAttributeSchemas,
    SqlMemberships,
    SqlOrganizations,
    SqlPreferences,
    SqlTeams,
    SqlUsers,
    SqlUserTransaction,
)
from trellis.user.v1 import attribute_schema_service_pb2 as attributes_rpc
from trellis.user.v1 import attribute_schema_service_pb2_grpc as attributes_grpc
from trellis.user.v1 import preferences_service_pb2 as preferences_rpc
from trellis.user.v1 import preferences_service_pb2_grpc as preferences_grpc
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as grpc
from trellis.user.v1 import team_service_pb2 as team_rpc
from trellis.user.v1 import team_service_pb2_grpc as team_grpc


async def build(chassis: Chassis) -> Assembly:
    """Wire the user service."""
    auth = chassis.channel(chassis.config.auth_target)
    built = handlers(chassis, AuthAccounts(auth))
    return Assembly(
        servicers=servicers(built, Lists(chassis.keyring, chassis.now)),
        jwks=AuthKeys(auth).fetch,
        consumers=[consumers.consumer(built.users)],
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
        attribute_schemas=AttributeSchemaHandlers(SqlAttributeSchemas(database), begin, now),
        preferences=PreferencesHandlers(SqlPreferences(database), accounts, begin, now),
    )


def servicers(built: Handlers, lists: Lists) -> list[Servicer]:
    """Return the gRPC services over the handlers."""
    by_name = rpc.DESCRIPTOR.services_by_name
    return [
        Servicer(by_name["UserService"], grpc.add_UserServiceServicer_to_server, UserServicer(built.users, lists)),
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
        Servicer(
            attributes_rpc.DESCRIPTOR.services_by_name["AttributeSchemaService"],
            attributes_grpc.add_AttributeSchemaServiceServicer_to_server,
            AttributeSchemaServicer(built.attribute_schemas),
        ),
    ]


SERVICE = Service("user", UserConfig, Codec(convert.answer_to_proto, events.announcement), build)
