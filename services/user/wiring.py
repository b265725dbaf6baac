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
from services.user.handlers import MembershipHandlers, OrganizationHandlers, UserHandlers
from services.user.servicer import MembershipServicer, OrganizationServicer, UserServicer
from services.user.store import SqlMemberships, SqlOrganizations, SqlUsers, SqlUserTransaction
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as grpc


async def build(chassis: Chassis) -> Assembly:
    """Wire the user service."""
    database, now, config = chassis.database, chassis.now, chassis.config
    auth = chassis.channel(config.auth_target)
    begin = partial(SqlUserTransaction, database)
    lists = Lists(chassis.keyring, now)
    accounts = AuthAccounts(auth)
    users = UserHandlers(SqlUsers(database), accounts, begin, now)
    retention = timedelta(days=config.organization_retention_days)
    organizations = OrganizationHandlers(SqlOrganizations(database), accounts, begin, now, chassis.new_id, retention)
    memberships = MembershipHandlers(SqlMemberships(database), begin, now)
    return Assembly(
        servicers=servicers(users, organizations, memberships, lists),
        jwks=AuthKeys(auth).fetch,
        consumers=[consumers.consumer(users)],
    )


def servicers(
    users: UserHandlers, organizations: OrganizationHandlers, memberships: MembershipHandlers, lists: Lists
) -> list[Servicer]:
    """Return the gRPC services over the handlers."""
    by_name = rpc.DESCRIPTOR.services_by_name
    return [
        Servicer(by_name["UserService"], grpc.add_UserServiceServicer_to_server, UserServicer(users, lists)),
        Servicer(
            by_name["OrganizationService"],
            grpc.add_OrganizationServiceServicer_to_server,
            OrganizationServicer(organizations, lists),
        ),
        Servicer(
            by_name["MembershipService"],
            grpc.add_MembershipServiceServicer_to_server,
            MembershipServicer(memberships, lists),
        ),
    ]


SERVICE = Service("user", UserConfig, Codec(convert.answer_to_proto, events.announcement), build)
