"""The user service in this process: its real servicers behind the real middleware, over whatever ports it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from joserfc.jwk import ECKey

from services.chassis.keys import Keyring
from services.chassis.links import Links
from services.chassis.lists import Lists
from services.chassis.operations.runner import Runner, Step
from services.chassis.rpc.server import Guards, build_server
from services.chassis.tokens import ACCESS, SERVICE, ServiceTokens, TokenVerifier, public_set, sign, static_keys
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
from services.user.wiring import PERMISSIONS, servicers
from tests.conftest import Ids, Time
from tests.fakes.auth import FakeMailer
from tests.fakes.user import FakeAccounts, FakeBuckets, FakeResolver, Ports
from trellis.policies import ROLE_PERMISSIONS
from trellis.user.v1 import (
    attribute_schema_service_pb2_grpc as attribute_stubs,
)
from trellis.user.v1 import (
    audit_service_pb2_grpc as audit_stubs,
)
from trellis.user.v1 import (
    domain_service_pb2_grpc as domain_stubs,
)
from trellis.user.v1 import (
    import_service_pb2_grpc as import_stubs,
)
from trellis.user.v1 import (
    invitation_service_pb2_grpc as invitation_stubs,
)
from trellis.user.v1 import (
    operation_service_pb2_grpc as operation_stubs,
)
from trellis.user.v1 import (
    personal_data_service_pb2_grpc as personal_data_stubs,
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
AUDIT_RETENTION = timedelta(days=400)
TERMS = InvitationTerms(timedelta(days=7), open_limit=5, mails_per_hour=8, mails_per_address=3, retention=timedelta(days=90))
DOMAIN_TERMS = DomainTerms(limit=3, recheck=timedelta(days=1), patience=timedelta(days=7))
LINK_LIFETIME = timedelta(days=7)
WEB_URL = "https://app.test"
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
    keyring: Keyring = field(default_factory=lambda: Keyring(bytes(32)))
    mailer: FakeMailer = field(default_factory=FakeMailer)
    participants: tuple[str, ...] = ("auth",)
    paused: int = 0
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What happens while somebody waits."""

    @property
    def handlers(self) -> Handlers:
        return Handlers(
            users=self.users,
            organizations=self.organizations,
            memberships=self.memberships,
            invitations=self.invitations,
            domains=self.domains,
            imports=ImportHandlers(self.ports.begin, self.clock, self.ids, PERMISSIONS),
            teams=self.teams,
            preferences=self.preferences,
            attribute_schemas=self.attribute_schemas,
            audit=self.audit,
            lifecycle=self.lifecycle,
            operations=self.operations,
            personal_data=self.personal_data,
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
        return MembershipHandlers(self.ports.memberships, self.ports.begin, self.clock, PERMISSIONS)

    @property
    def newcomers(self) -> Newcomers:
        return Newcomers(self.ports.users, self.accounts, self.ports.begin, self.clock)

    @property
    def lifecycle(self) -> LifecycleHandlers:
        return LifecycleHandlers(self.accounts, self.ports.begin, self.clock, RETENTION, self.restore_links, self.mailer)

    @property
    def operations(self) -> OperationHandlers:
        return OperationHandlers(self.ports.operations, self.ports.begin, self.clock, self.pause)

    @property
    def personal_data(self) -> PersonalDataHandlers:
        ports = self.ports
        return PersonalDataHandlers(
            operations=ports.operations,
            exports=ports.exports,
            certificates=ports.certificates,
            accounts=self.accounts,
            begin=ports.begin,
            now=self.clock,
            new_id=self.ids,
            keyring=self.keyring,
        )

    @property
    def runner(self) -> Runner:
        now, keyring = self.clock, self.keyring
        others = self.participants
        steps: dict[str, Step] = {
            EXPORT: ExportSteps(now, keyring, others),
            ERASE: EraseSteps(now, keyring, self.mailer, others),
        }
        return Runner(self.ports.begin, now, steps)

    async def run(self) -> None:
        """Do every step that is due."""
        while await self.runner.run_next():
            pass

    async def pause(self, seconds: float) -> None:
        """Let time pass, and whatever is to happen meanwhile."""
        self.clock.move(seconds=seconds)
        self.paused += 1
        if self.meanwhile is not None:
            await self.meanwhile()

    @property
    def restore_links(self) -> RestoreLinks:
        return RestoreLinks(self.keyring, self.clock, LINK_LIFETIME, WEB_URL)

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
            permissions=PERMISSIONS,
        )

    async def restore_token(self, user: str) -> str:
        """Have the link sent that brings an account back, and return its token."""
        await self.lifecycle.send_restore_link(user, "evt_restore")
        return self.mailer.sent["evt_restore"].text.partition("Token:\n")[2].split()[0]

    @property
    def preferences(self) -> PreferencesHandlers:
        return PreferencesHandlers(self.ports.preferences, self.accounts, self.ports.begin, self.clock)

    @property
    def attribute_schemas(self) -> AttributeSchemaHandlers:
        return AttributeSchemaHandlers(self.ports.attribute_schemas, self.ports.begin, self.clock)

    @property
    def audit(self) -> AuditHandlers:
        return AuditHandlers(self.ports.audit, self.ports.begin, self.clock, self.keyring, AUDIT_RETENTION)

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
    imports: import_stubs.ImportServiceAsyncStub
    preferences: preferences_stubs.PreferencesServiceAsyncStub
    attribute_schemas: attribute_stubs.AttributeSchemaServiceAsyncStub
    operations: operation_stubs.OperationServiceAsyncStub
    personal_data: personal_data_stubs.PersonalDataServiceAsyncStub
    audit: audit_stubs.AuditServiceAsyncStub

    def called_by(self, user: str, organization: str = "", role: str = "", *, session_age_s: int = 0) -> Metadata:
        """Return the metadata of a call by a user, with what a role permits in an organization."""
        now_s = int(self.parts.clock().timestamp())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now_s, "exp": now_s + 300}
        claims |= {"auth_time": now_s - session_age_s}
        if organization:
            claims |= {"organization": organization, "permissions": list(ROLE_PERMISSIONS[role])}
        return _bearer(sign(AUTH_KEY, ACCESS, claims))

    def called_by_key(self, *scopes: str) -> Metadata:
        """Return the metadata of a call by a program of Acme, with an API key that has these scopes."""
        now_s = int(self.parts.clock().timestamp())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now_s, "exp": now_s + 300, "organization": "organizations/org_acme"}
        claims |= {"sub": "organizations/org_acme/serviceAccounts/sva_1", "api_key": "organizations/org_acme/apiKeys/apk_1"}
        return _bearer(sign(AUTH_KEY, ACCESS, {**claims, "permissions": scopes}))

    def called_by_service(self, name: str) -> Metadata:
        """Return the metadata of a call by a service of the platform."""
        return _bearer(ServiceTokens(SERVICE_KEYS[name], audience=AUDIENCE, clock=self.parts.clock).token())


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[UserProcess]:
    """Serve on a free port of loopback."""
    lists = Lists(parts.keyring, parts.clock)
    server, _ = build_server(servicers(parts.handlers, lists, parts.keyring), _guards(parts))
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
            import_stubs.ImportServiceStub(channel),
            preferences_stubs.PreferencesServiceStub(channel),
            attribute_stubs.AttributeSchemaServiceStub(channel),
            operation_stubs.OperationServiceStub(channel),
            personal_data_stubs.PersonalDataServiceStub(channel),
            audit_stubs.AuditServiceStub(channel),
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
