"""Composition root: which adapter stands behind which port."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from pathlib import Path

from services.auth import consumers, convert, events
from services.auth.clients import UserMemberships
from services.auth.config import AuthConfig
from services.auth.domain import Catalogue, Permission
from services.auth.handlers import (
    AccessHandlers,
    AccountHandlers,
    ApiKeyHandlers,
    Handlers,
    KeyExchange,
    KeyHandlers,
    OrganizationHandlers,
    PasswordHandlers,
    PersonalDataHandlers,
    PurgeHandlers,
    RoleBindingHandlers,
    RoleHandlers,
    ServiceAccountHandlers,
    SessionHandlers,
    SignInHandlers,
    SignUpHandlers,
)
from services.auth.handlers.grants import Grants
from services.auth.handlers.keys import Rotation
from services.auth.handlers.tokens import Tokens
from services.auth.servicer import (
    AccessServicer,
    AccountServicer,
    ApiKeyServicer,
    AuthorizationServicer,
    AuthServicer,
    JwksServicer,
    RoleBindingServicer,
    RoleServicer,
    ServiceAccountServicer,
    SessionServicer,
    SigningKeyServicer,
)
from services.auth.store import (
    SqlAccounts,
    SqlApiKeys,
    SqlAuthTransaction,
    SqlRoleBindings,
    SqlRoles,
    SqlServiceAccounts,
    SqlSessions,
    SqlSigningKeys,
    SqlSignUps,
)
from services.chassis.db.session import Codec
from services.chassis.jobs import Job
from services.chassis.lists import Lists
from services.chassis.mail import mailer
from services.chassis.passwords import Argon2Passwords, BreachedPasswords
from services.chassis.rpc.server import Servicer
from services.chassis.service import Assembly, Chassis, Service
from services.chassis.sparing_mail import SparingMailer
from trellis.policies import PERMISSIONS

CATALOGUE = Catalogue(
    tuple(
        Permission(name, asked.description, asked.methods, tuple(f"roles/{role}" for role in asked.roles))
        for name, asked in PERMISSIONS.items()
    )
)
BREACHED = BreachedPasswords(Path(__file__).with_name("breached_passwords.bin"))
KEYS_EVERY = timedelta(minutes=1)
PURGE_EVERY = timedelta(minutes=1)
FORGET_EVERY = timedelta(minutes=10)


async def build(chassis: Chassis) -> Assembly:
    """Wire the auth service."""
    config: AuthConfig = chassis.config
    passwords = Argon2Passwords(threads=config.password_threads, queue=config.password_queue)
    built = handlers(chassis, config, passwords)
    await built.keys.create_first()
    return Assembly(
        servicers=servicers(built, Lists(chassis.keyring, chassis.now)),
        jwks=built.keys.get_jwks,
        consumers=[
            consumers.consumer(built.sign_ups, built.passwords),
            consumers.leavers(built.role_bindings),
            consumers.former_members(built.api_keys),
            consumers.organizations(built.organizations),
            consumers.purged_organizations(built.purge),
            consumers.accounts(built.accounts),
            consumers.personal_data(built.personal_data),
        ],
        close=[passwords.aclose, built.key_exchange.aclose],
        for_the_edge=[authorization(built)],
        jobs=[
            Job("auth.keys", KEYS_EVERY, built.keys.rotate_old_keys),
            Job("auth.forget-sign-ups", FORGET_EVERY, built.sign_ups.forget_sign_ups),
            Job("auth.forget-sessions", FORGET_EVERY, built.sessions.forget_sessions),
            Job("auth.purge-organizations", PURGE_EVERY, built.purge.purge_organizations),
            Job("auth.purge-keys", FORGET_EVERY, built.purge.purge_signing_keys),
        ],
    )


def handlers(chassis: Chassis, config: AuthConfig, passwords: Argon2Passwords) -> Handlers:
    """Return every use case over its adapters."""
    database = chassis.database
    keys = _keys(chassis, config)
    tokens = _tokens(chassis, config, keys)
    memberships = UserMemberships(chassis.channel(config.user_target), CATALOGUE)
    service_accounts = SqlServiceAccounts(database)
    grants = Grants(memberships, service_accounts, SqlRoleBindings(database), CATALOGUE, chassis.now)
    chassis.revocations.listen(lambda revocation: grants.forget(revocation.organization, revocation.subject))
    begin, api_keys = partial(SqlAuthTransaction, database), SqlApiKeys(database)
    return Handlers(
        sign_ups=_sign_ups(chassis, config, passwords, tokens),
        sign_ins=_sign_ins(chassis, config, passwords, tokens, grants),
        sessions=SessionHandlers(
            SqlSessions(database),
            partial(SqlAuthTransaction, database),
            chassis.now,
            timedelta(days=config.session_retention_days),
        ),
        keys=keys,
        passwords=_passwords(chassis, config, passwords, tokens),
        roles=_roles(chassis, grants),
        role_bindings=_role_bindings(chassis, grants, memberships),
        access=AccessHandlers(grants, chassis.now),
        service_accounts=ServiceAccountHandlers(service_accounts, CATALOGUE, grants, begin, chassis.now, chassis.new_id),
        api_keys=ApiKeyHandlers(api_keys, grants, begin, chassis.now, chassis.new_id, os.urandom, frozenset(PERMISSIONS)),
        key_exchange=KeyExchange(api_keys, grants, tokens, chassis.now, chassis.revocations.revoked),
        organizations=OrganizationHandlers(begin),
        purge=PurgeHandlers(begin, chassis.now),
        accounts=AccountHandlers(SqlAccounts(database), partial(SqlAuthTransaction, database), chassis.now),
        personal_data=PersonalDataHandlers(
            SqlAccounts(database),
            mailer(config.mail_url, config.mail_sender, chassis.now),
            partial(SqlAuthTransaction, database),
            chassis.now,
        ),
    )


def _roles(chassis: Chassis, grants: Grants) -> RoleHandlers:
    begin = partial(SqlAuthTransaction, chassis.database)
    return RoleHandlers(SqlRoles(chassis.database), CATALOGUE, grants, begin, chassis.now, chassis.new_id)


def _role_bindings(chassis: Chassis, grants: Grants, memberships: UserMemberships) -> RoleBindingHandlers:
    return RoleBindingHandlers(
        role_bindings=SqlRoleBindings(chassis.database),
        memberships=memberships,
        catalogue=CATALOGUE,
        grants=grants,
        begin=partial(SqlAuthTransaction, chassis.database),
        now=chassis.now,
        new_id=chassis.new_id,
    )


def _keys(chassis: Chassis, config: AuthConfig) -> KeyHandlers:
    return KeyHandlers(
        SqlSigningKeys(chassis.database),
        partial(SqlAuthTransaction, chassis.database),
        chassis.now,
        chassis.new_id,
        Rotation(
            activation=timedelta(seconds=config.key_activation_s),
            lifetime=timedelta(seconds=config.access_token_lifetime_s),
            every=timedelta(days=config.key_rotation_days),
        ),
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


def _sparing(chassis: Chassis, config: AuthConfig) -> SparingMailer:
    sends = mailer(config.mail_url, config.mail_sender, chassis.now)
    return SparingMailer(sends, chassis.buckets, chassis.keyring, config.mails_per_address)


def _sign_ups(chassis: Chassis, config: AuthConfig, passwords: Argon2Passwords, tokens: Tokens) -> SignUpHandlers:
    return SignUpHandlers(
        accounts=SqlAccounts(chassis.database),
        sign_ups=SqlSignUps(chassis.database),
        passwords=passwords,
        tokens=tokens,
        mailer=_sparing(chassis, config),
        begin=partial(SqlAuthTransaction, chassis.database),
        now=chassis.now,
        new_id=chassis.new_id,
        common_passwords=BREACHED,
        link_lifetime=timedelta(hours=config.verification_lifetime_hours),
        web_url=config.web_url,
        kept=timedelta(days=config.sign_up_retention_days),
    )


def _passwords(chassis: Chassis, config: AuthConfig, passwords: Argon2Passwords, tokens: Tokens) -> PasswordHandlers:
    return PasswordHandlers(
        accounts=SqlAccounts(chassis.database),
        passwords=passwords,
        tokens=tokens,
        mailer=mailer(config.mail_url, config.mail_sender, chassis.now),
        sparing=_sparing(chassis, config),
        begin=partial(SqlAuthTransaction, chassis.database),
        now=chassis.now,
        new_id=chassis.new_id,
        common_passwords=BREACHED,
        link_lifetime=timedelta(minutes=config.reset_lifetime_minutes),
        web_url=config.web_url,
    )


def _sign_ins(
    chassis: Chassis, config: AuthConfig, passwords: Argon2Passwords, tokens: Tokens, grants: Grants
) -> SignInHandlers:
    return SignInHandlers(
        accounts=SqlAccounts(chassis.database),
        sign_ups=SqlSignUps(chassis.database),
        sessions=SqlSessions(chassis.database),
        grants=grants,
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
    return [
        Servicer.of(AuthServicer(built.sign_ups, built.sign_ins, built.passwords)),
        Servicer.of(SessionServicer(built.sessions, lists)),
        Servicer.of(JwksServicer(built.keys)),
        Servicer.of(SigningKeyServicer(built.keys)),
        Servicer.of(AccountServicer(built.accounts)),
        Servicer.of(ServiceAccountServicer(built.service_accounts, lists)),
        Servicer.of(ApiKeyServicer(built.api_keys, lists)),
        Servicer.of(RoleServicer(built.roles, lists)),
        Servicer.of(RoleBindingServicer(built.role_bindings, lists)),
        Servicer.of(AccessServicer(built.access)),
    ]


def authorization(built: Handlers) -> Servicer:
    """Return what the edge asks about API keys."""
    return Servicer.of(AuthorizationServicer(built.key_exchange))


SERVICE = Service("auth", AuthConfig, Codec(convert.answer_to_proto, events.announcement), build)
