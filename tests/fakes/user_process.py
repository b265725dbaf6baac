"""The user service in this process: its real servicers behind the real middleware, over whatever ports it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from joserfc.jwk import ECKey

from services.chassis.keys import Keyring
from services.chassis.links import Links
from services.chassis.lists import Lists
from services.chassis.rpc.server import Guards, build_server
from services.chassis.tokens import ACCESS, SERVICE, ServiceTokens, TokenVerifier, public_set, sign, static_keys
from services.user.domain import InvitationTerms
from services.user.handlers import (
    AttributeSchemaHandlers,
    DomainHandlers,
    Handlers,
    InvitationHandlers,
    MembershipHandlers,
    OrganizationHandlers,
    PreferencesHandlers,
    TeamHandlers,
    UserHandlers,
)
from services.user.handlers.domains import DomainTerms
from services.user.handlers.newcomers import Newcomers
from services.user.wiring import servicers
from tests.conftest import Ids, Time
from tests.fakes.auth import FakeMailer
from tests.fakes.user import FakeAccounts, FakeBuckets, FakeResolver, Ports
from trellis.policies import ROLE_PERMISSIONS
from trellis.user.v1 import (
    attribute_schema_service_pb2_grpc as attribute_stubs,
)
from trellis.user.v1 import (
    domain_service_pb2_grpc as domain_stubs,
)
from trellis.user.v1 import (
    invitation_service_pb2_grpc as invitation_stubs,
)
from trellis.user.v1 import (
    preferences_service_pb2_grpc as preferences_stubs,
)
from trellis.user.v1 import (
    service_pb2_grpc as stubs,
)
from trellis.user.v1 import (
    team_service_pb2_grpc as team_stubs,
)

ISSUER, AUDIENCE = "https://auth.test", "trellis"
RETENTION = timedelta(days=30)
TERMS = InvitationTerms(timedelta(days=7), open_limit=5, mails_per_hour=8, mails_per_address=3, retention=timedelta(days=90))
DOMAIN_TERMS = DomainTerms(limit=3, recheck=timedelta(days=1), patience=timedelta(days=7))
AUTH_KEY = ECKey.generate_key("P-256", {"kid": "k1"})
SERVICE_KEYS = {name: ECKey.generate_key("P-256", {"kid": name}) for name in ("auth", "user")}
Metadata = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Parts:
    """The handlers of user and what they stand on."""

    ports: Ports
    clock: Time
    ids: Ids = field(default_factory=Ids)
    accounts: FakeAccounts = field(default_factory=FakeAccounts)
    buckets: Any = field(default_factory=FakeBuckets)
    resolver: FakeResolver = field(default_factory=FakeResolver)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    keyring: Keyring = field(default_factory=lambda: Keyring(bytes(32)))

    @property
    def handlers(self) -> Handlers:
        return Handlers(
            users=self.users,
            organizations=self.organizations,
            memberships=self.memberships,
            invitations=self.invitations,
            domains=self.domains,
            teams=self.teams,
            preferences=self.preferences,
            attribute_schemas=self.attribute_schemas,
        )

    @property
    def users(self) -> UserHandlers:
        return UserHandlers(self.ports.users, self.accounts, self.ports.begin, self.clock)

    @property
    def organizations(self) -> OrganizationHandlers:
        ports = self.ports
        return OrganizationHandlers(ports.organizations, self.accounts, ports.begin, self.clock, self.ids, RETENTION)

    @property
    def memberships(self) -> MembershipHandlers:
        return MembershipHandlers(self.ports.memberships, self.ports.begin, self.clock)

    @property
    def newcomers(self) -> Newcomers:
        return Newcomers(self.ports.users, self.accounts, self.ports.begin, self.clock)

    @property
    def links(self) -> Links:
        return Links(self.keyring, "invitation")

    @property
    def domains(self) -> DomainHandlers:
        return DomainHandlers(self.ports.domains, self.resolver, self.ports.begin, self.clock, self.ids, DOMAIN_TERMS)

    @property
    def invitations(self) -> InvitationHandlers:
        ports = self.ports
        return InvitationHandlers(
            invitations=ports.invitations,
            organizations=ports.organizations,
            newcomers=self.newcomers,
            links=self.links,
            mailer=self.mailer,
            begin=ports.begin,
            now=self.clock,
            new_id=self.ids,
            terms=TERMS,
            web_url="https://app.test",
        )

    @property
    def preferences(self) -> PreferencesHandlers:
        return PreferencesHandlers(self.ports.preferences, self.accounts, self.ports.begin, self.clock)

    @property
    def attribute_schemas(self) -> AttributeSchemaHandlers:
        return AttributeSchemaHandlers(self.ports.attribute_schemas, self.ports.begin, self.clock)

    @property
    def teams(self) -> TeamHandlers:
        return TeamHandlers(self.ports.teams, self.ports.begin, self.clock, self.ids)


@dataclass(frozen=True, slots=True)
class UserProcess:
    """A running user service and stubs of all it serves."""

    parts: Parts
    users: stubs.UserServiceAsyncStub
    organizations: stubs.OrganizationServiceAsyncStub
    memberships: stubs.MembershipServiceAsyncStub
    invitations: invitation_stubs.InvitationServiceAsyncStub
    domains: domain_stubs.DomainServiceAsyncStub
    teams: team_stubs.TeamServiceAsyncStub
    preferences: preferences_stubs.PreferencesServiceAsyncStub
    attribute_schemas: attribute_stubs.AttributeSchemaServiceAsyncStub

    def called_by(self, user: str, organization: str = "", role: str = "") -> Metadata:
        """Return the metadata of a call by a user, with what a role permits in an organization."""
        now_s = int(self.parts.clock().timestamp())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now_s, "exp": now_s + 300}
        if organization:
            claims |= {"organization": organization, "permissions": list(ROLE_PERMISSIONS[role])}
        return _bearer(sign(AUTH_KEY, ACCESS, claims))

    def called_by_service(self, name: str) -> Metadata:
        """Return the metadata of a call by a service of the platform."""
        return _bearer(ServiceTokens(SERVICE_KEYS[name], audience=AUDIENCE, clock=self.parts.clock).token())


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[UserProcess]:
    """Serve on a free port of loopback."""
    lists = Lists(parts.keyring, parts.clock)
    server, _ = build_server(servicers(parts.handlers, lists), _guards(parts))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield UserProcess(
            parts,
            stubs.UserServiceStub(channel),
            stubs.OrganizationServiceStub(channel),
            stubs.MembershipServiceStub(channel),
            invitation_stubs.InvitationServiceStub(channel),
            domain_stubs.DomainServiceStub(channel),
            team_stubs.TeamServiceStub(channel),
            preferences_stubs.PreferencesServiceStub(channel),
            attribute_stubs.AttributeSchemaServiceStub(channel),
        )
    await server.stop(None)


def _bearer(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),)


def _guards(parts: Parts) -> Guards:
    users = _verifier([AUTH_KEY], ACCESS, ISSUER, parts.clock)
    services = _verifier([*SERVICE_KEYS.values()], SERVICE, None, parts.clock)
    return Guards("user", users, services, parts.keyring, parts.buckets, 256, set())


def _verifier(keys: list[ECKey], kind: str, issuer: str | None, clock: Time) -> TokenVerifier:
    known = static_keys(public_set(keys).decode())
    return TokenVerifier(known, kind=kind, audience=AUDIENCE, issuer=issuer, clock=clock)
