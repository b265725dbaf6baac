"""Composition root: which adapter stands behind which port."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from pathlib import Path

from extauthz.v3 import external_auth_pb2 as edge
from extauthz.v3 import external_auth_pb2_grpc as edge_grpc
from services.auth import consumers, convert, events
from services.auth.clients import UserMemberships
from services.auth.config import AuthConfig
from services.auth.handlers import (
    AccountHandlers,
    ApiKeyHandlers,
    Handlers,
    KeyExchange,
    KeyHandlers,
    OrganizationHandlers,
    ServiceAccountHandlers,
    SessionHandlers,
    SignInHandlers,
    SignUpHandlers,
)
from services.auth.handlers.authority import SubjectAuthority
from services.auth.handlers.tokens import Tokens
from services.auth.ports import Memberships
from services.auth.servicer import (
    AccountServicer,
    ApiKeyServicer,
    AuthorizationServicer,
    AuthServicer,
    JwksServicer,
    ServiceAccountServicer,
    SessionServicer,
)
from services.auth.store import (
    SqlAccounts,
    SqlApiKeys,
    SqlAuthTransaction,
    SqlServiceAccounts,
    SqlSessions,
    SqlSigningKeys,
    SqlSignUps,
)
from services.chassis.db.session import Codec
from services.chassis.lists import Lists
from services.chassis.mail import mailer
from services.chassis.passwords import Argon2Passwords
from services.chassis.rpc.server import Servicer
from services.chassis.service import Assembly, Chassis, Service
from trellis.auth.v1 import api_key_service_pb2 as api_key_rpc
from trellis.auth.v1 import api_key_service_pb2_grpc as api_key_grpc
from trellis.auth.v1 import service_account_service_pb2 as service_account_rpc
from trellis.auth.v1 import service_account_service_pb2_grpc as service_account_grpc
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1 import service_pb2_grpc as grpc
from trellis.policies import POLICIES, ROLE_PERMISSIONS

COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")
PERMISSIONS = frozenset(policy.permission for policy in POLICIES.values() if policy.permission)


async def build(chassis: Chassis) -> Assembly:
    """Wire the auth service."""
    config: AuthConfig = chassis.config
    passwords = Argon2Passwords(threads=config.password_threads, queue=config.password_queue)
    built = handlers(chassis, config, passwords)
    await built.keys.create_first()
    return Assembly(
        servicers=servicers(built, Lists(chassis.keyring, chassis.now)),
        jwks=built.keys.get_jwks,
        consumers=[consumers.consumer(built.sign_ups), consumers.organizations(built.organizations)],
        close=[passwords.aclose, built.key_exchange.aclose],
        for_the_edge=[authorization(built)],
    )


def handlers(chassis: Chassis, config: AuthConfig, passwords: Argon2Passwords) -> Handlers:
    """Return every use case over its adapters."""
    database = chassis.database
    keys = _keys(chassis, config)
    tokens = _tokens(chassis, config, keys)
    begin = partial(SqlAuthTransaction, database)
    api_keys, service_accounts = SqlApiKeys(database), SqlServiceAccounts(database)
    memberships = UserMemberships(chassis.channel(config.user_target), ROLE_PERMISSIONS)
    authority = SubjectAuthority(memberships, service_accounts, ROLE_PERMISSIONS)
    return Handlers(
        sign_ups=_sign_ups(chassis, config, passwords, tokens),
        sign_ins=_sign_ins(chassis, config, passwords, tokens, memberships),
        sessions=SessionHandlers(SqlSessions(database), begin, chassis.now),
        keys=keys,
        accounts=AccountHandlers(SqlAccounts(database)),
        service_accounts=ServiceAccountHandlers(service_accounts, begin, chassis.now, chassis.new_id),
        api_keys=ApiKeyHandlers(api_keys, authority, begin, chassis.now, chassis.new_id, os.urandom, PERMISSIONS),
        key_exchange=KeyExchange(api_keys, authority, tokens, chassis.now),
        organizations=OrganizationHandlers(begin),
    )


def _keys(chassis: Chassis, config: AuthConfig) -> KeyHandlers:
    return KeyHandlers(
        SqlSigningKeys(chassis.database),
        chassis.now,
        chassis.new_id,
        activation=timedelta(seconds=config.key_activation_s),
        lifetime=timedelta(seconds=config.access_token_lifetime_s),
    )


def _tokens(chassis: Chassis, config: AuthConfig, keys: KeyHandlers) -> Tokens:
    return Tokens(
        keyring=chassis.keyring,
        keys=keys,
        now=chassis.now,
        new_id=chassis.new_id,
        issuer=config.issuer,
        audience=config.audience,
        lifetime=timedelta(seconds=config.access_token_lifetime_s),
    )


def _sign_ups(chassis: Chassis, config: AuthConfig, passwords: Argon2Passwords, tokens: Tokens) -> SignUpHandlers:
    return SignUpHandlers(
        accounts=SqlAccounts(chassis.database),
        sign_ups=SqlSignUps(chassis.database),
        passwords=passwords,
        tokens=tokens,
        mailer=mailer(config.mail_url, config.mail_sender, chassis.now),
        begin=partial(SqlAuthTransaction, chassis.database),
        now=chassis.now,
        new_id=chassis.new_id,
        common_passwords=frozenset(COMMON_PASSWORDS.read_text().split("\n")),
        link_lifetime=timedelta(hours=config.verification_lifetime_hours),
        web_url=config.web_url,
    )


def _sign_ins(
    chassis: Chassis, config: AuthConfig, passwords: Argon2Passwords, tokens: Tokens, memberships: Memberships
) -> SignInHandlers:
    return SignInHandlers(
        accounts=SqlAccounts(chassis.database),
        sign_ups=SqlSignUps(chassis.database),
        sessions=SqlSessions(chassis.database),
        memberships=memberships,
        passwords=passwords,
        tokens=tokens,
        begin=partial(SqlAuthTransaction, chassis.database),
        now=chassis.now,
        new_id=chassis.new_id,
        session_lifetime=timedelta(days=config.session_lifetime_days),
        grace=timedelta(seconds=config.refresh_grace_s),
    )


def servicers(built: Handlers, lists: Lists) -> list[Servicer]:
    """Return the gRPC services over the handlers."""
    by_name = rpc.DESCRIPTOR.services_by_name
    return [
        Servicer(
            by_name["AuthService"],
            grpc.add_AuthServiceServicer_to_server,
            AuthServicer(built.sign_ups, built.sign_ins),
        ),
        Servicer(
            by_name["SessionService"],
            grpc.add_SessionServiceServicer_to_server,
            SessionServicer(built.sessions, lists),
        ),
        Servicer(by_name["JwksService"], grpc.add_JwksServiceServicer_to_server, JwksServicer(built.keys)),
        Servicer(by_name["AccountService"], grpc.add_AccountServiceServicer_to_server, AccountServicer(built.accounts)),
        Servicer(
            service_account_rpc.DESCRIPTOR.services_by_name["ServiceAccountService"],
            service_account_grpc.add_ServiceAccountServiceServicer_to_server,
            ServiceAccountServicer(built.service_accounts, lists),
        ),
        Servicer(
            api_key_rpc.DESCRIPTOR.services_by_name["ApiKeyService"],
            api_key_grpc.add_ApiKeyServiceServicer_to_server,
            ApiKeyServicer(built.api_keys, lists),
        ),
    ]


def authorization(built: Handlers) -> Servicer:
    """Return what the edge asks about API keys."""
    return Servicer(
        edge.DESCRIPTOR.services_by_name["Authorization"],
        edge_grpc.add_AuthorizationServicer_to_server,
        AuthorizationServicer(built.key_exchange),
    )


SERVICE = Service("auth", AuthConfig, Codec(convert.answer_to_proto, events.announcement), build)
