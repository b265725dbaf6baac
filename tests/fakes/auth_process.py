"""The auth service in this process: its real servicers behind the real middleware, over whatever ports it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from google.api import httpbody_pb2
from joserfc.jwk import ECKey

from services.auth import consumers, events
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
from services.auth.wiring import CATALOGUE, servicers
from services.chassis.bus.bus import Event
from services.chassis.ids import IdGenerator
from services.chassis.keys import Keyring
from services.chassis.lists import Lists
from services.chassis.rpc.server import Guards, build_server
from services.chassis.tokens import ACCESS, SERVICE, Keys, ServiceTokens, TokenVerifier, public_set, static_keys
from services.user.events import announcement as user_announcement
from tests.conftest import Time
from tests.fakes.auth import FakeMailer, FakeMemberships, FakePasswords, Ports
from tests.fakes.user import FakeBuckets
from trellis.auth.v1 import (
    access_service_pb2_grpc,
    api_key_service_pb2_grpc,
    role_binding_service_pb2_grpc,
    role_service_pb2_grpc,
    service_account_service_pb2_grpc,
    signing_key_service_pb2_grpc,
)
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1 import service_pb2_grpc as stubs
from trellis.policies import PERMISSIONS

ISSUER, AUDIENCE = "https://auth.test", "trellis"
PASSWORD = "correct horse battery"
WEB_URL = "https://app.test"
GRACE = timedelta(seconds=30)
ROTATION = Rotation(activation=timedelta(minutes=2), lifetime=timedelta(minutes=5), every=timedelta(days=30))
RESET_LIFETIME = timedelta(minutes=60)
Metadata = tuple[tuple[str, str], ...]


def bearer(token: str) -> Metadata:
    """Return the metadata that carries a token."""
    return (("authorization", f"Bearer {token}"),)


@dataclass(slots=True)
class Parts:
    """The handlers of auth and the fakes at their edges."""

    ports: Ports
    clock: Time
    passwords: FakePasswords = field(default_factory=FakePasswords)
    memberships: FakeMemberships = field(default_factory=FakeMemberships)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    common_passwords: frozenset[str] = frozenset({"passwordpassword"})
    keyring: Keyring = field(default_factory=lambda: Keyring(b"r" * 32))
    buckets: Any = field(default_factory=FakeBuckets)
    ids: IdGenerator = field(init=False)
    keys: KeyHandlers = field(init=False)
    tokens: Tokens = field(init=False)
    sign_ups: SignUpHandlers = field(init=False)
    sign_ins: SignInHandlers = field(init=False)
    sessions: SessionHandlers = field(init=False)
    password_changes: PasswordHandlers = field(init=False)
    grants: Grants = field(init=False)
    key_exchange: KeyExchange = field(init=False)

    def __post_init__(self) -> None:
        ports, now = self.ports, self.clock
        self.ids = IdGenerator(now, lambda size: b"\x2a" * size)
        minutes = timedelta(minutes=1)
        self.keys = KeyHandlers(ports.keys, ports.begin, now, self.ids.new, ROTATION)
        self.tokens = Tokens(self.keyring, self.keys, now, self.ids.new, ISSUER, AUDIENCE, 5 * minutes)
        self.grants = Grants(self.memberships, ports.service_accounts, ports.role_bindings, CATALOGUE, now)
        self.key_exchange = KeyExchange(ports.api_keys, self.grants, self.tokens, now)
        self.sign_ups = SignUpHandlers(
            accounts=ports.accounts,
            sign_ups=ports.sign_ups,
            passwords=self.passwords,
            tokens=self.tokens,
            mailer=self.mailer,
            begin=ports.begin,
            now=now,
            new_id=self.ids.new,
            common_passwords=self.common_passwords,
            link_lifetime=timedelta(hours=24),
            web_url=WEB_URL,
        )
        self.sign_ins = SignInHandlers(
            accounts=ports.accounts,
            sign_ups=ports.sign_ups,
            sessions=ports.sessions,
            grants=self.grants,
            passwords=self.passwords,
            tokens=self.tokens,
            begin=ports.begin,
            now=now,
            new_id=self.ids.new,
            session_lifetime=timedelta(days=30),
            grace=GRACE,
        )
        self.sessions = SessionHandlers(ports.sessions, ports.begin, now)
        self.password_changes = PasswordHandlers(
            accounts=ports.accounts,
            passwords=self.passwords,
            tokens=self.tokens,
            mailer=self.mailer,
            sparing=self.mailer,
            begin=ports.begin,
            now=now,
            new_id=self.ids.new,
            common_passwords=self.common_passwords,
            link_lifetime=RESET_LIFETIME,
            web_url=WEB_URL,
        )

    @property
    def handlers(self) -> Handlers:
        return Handlers(
            sign_ups=self.sign_ups,
            sign_ins=self.sign_ins,
            sessions=self.sessions,
            passwords=self.password_changes,
            keys=self.keys,
            accounts=AccountHandlers(self.ports.accounts, self.ports.begin, self.clock),
            personal_data=self.personal_data,
            purge=self.purge,
            roles=self.roles,
            role_bindings=self.role_bindings,
            access=AccessHandlers(self.grants, self.clock),
            service_accounts=ServiceAccountHandlers(
                self.ports.service_accounts, CATALOGUE, self.grants, self.ports.begin, self.clock, self.ids.new
            ),
            api_keys=self.api_keys,
            key_exchange=self.key_exchange,
            organizations=OrganizationHandlers(self.ports.begin),
        )

    @property
    def api_keys(self) -> ApiKeyHandlers:
        return ApiKeyHandlers(
            self.ports.api_keys,
            self.grants,
            self.ports.begin,
            self.clock,
            self.ids.new,
            lambda size: self.ids.new("secret").encode().ljust(size, b"x")[-size:],
            frozenset(PERMISSIONS),
        )

    @property
    def purge(self) -> PurgeHandlers:
        return PurgeHandlers(self.ports.begin, self.clock)

    @property
    def personal_data(self) -> PersonalDataHandlers:
        return PersonalDataHandlers(self.ports.accounts, self.mailer, self.ports.begin, self.clock)

    @property
    def roles(self) -> RoleHandlers:
        return RoleHandlers(self.ports.roles, CATALOGUE, self.grants, self.ports.begin, self.clock, self.ids.new)

    @property
    def role_bindings(self) -> RoleBindingHandlers:
        return RoleBindingHandlers(
            role_bindings=self.ports.role_bindings,
            memberships=self.memberships,
            catalogue=CATALOGUE,
            grants=self.grants,
            begin=self.ports.begin,
            now=self.clock,
            new_id=self.ids.new,
        )

    async def deliver(self, event: Any, event_id: str = "") -> None:
        """Let auth's own consumer have an event, as the bus would."""
        announced = events.announcement(event)
        consumer = consumers.consumer(self.sign_ups, self.password_changes)
        if announced.topic in consumer.topics:
            await consumer.handle(
                Event(
                    id=event_id or self.ids.new("evt"),
                    source="services/auth",
                    topic=announced.topic,
                    subject=announced.subject,
                    time=self.clock(),
                    traceparent="",
                    data=announced.data,
                )
            )

    async def hear(self, event: Any, event_id: str = "") -> None:
        """Let auth have an event of user, as the bus would."""
        announced = user_announcement(event)
        heard = Event(
            id=event_id or self.ids.new("evt"),
            source="services/user",
            topic=announced.topic,
            subject=announced.subject,
            time=self.clock(),
            traceparent="",
            data=announced.data,
        )
        heard_by = (
            consumers.accounts(self.handlers.accounts),
            consumers.purged_organizations(self.purge),
            consumers.personal_data(self.personal_data),
            consumers.leavers(self.role_bindings),
            consumers.former_members(self.api_keys),
        )
        for consumer in heard_by:
            if announced.topic in consumer.topics:
                await consumer.handle(heard)

    def token_in_mail(self, address: str) -> str:
        """Return the token of the newest verification mail to an address."""
        mails = [mail for mail in self.mailer.sent.values() if mail.to == address and "Token:\n" in mail.text]
        return mails[-1].text.partition("Token:\n")[2].split()[0]


@dataclass(frozen=True, slots=True)
class AuthProcess:
    """A running auth service and stubs of all it serves."""

    parts: Parts
    auth: stubs.AuthServiceAsyncStub
    sessions: stubs.SessionServiceAsyncStub
    jwks: stubs.JwksServiceAsyncStub
    accounts: stubs.AccountServiceAsyncStub
    service_keys: dict[str, ECKey]
    roles: role_service_pb2_grpc.RoleServiceAsyncStub
    role_bindings: role_binding_service_pb2_grpc.RoleBindingServiceAsyncStub
    access: access_service_pb2_grpc.AccessServiceAsyncStub
    signing_keys: signing_key_service_pb2_grpc.SigningKeyServiceAsyncStub
    service_accounts: service_account_service_pb2_grpc.ServiceAccountServiceAsyncStub
    api_keys: api_key_service_pb2_grpc.ApiKeyServiceAsyncStub

    async def sign_in(self, email: str = "ada@example.com", **values: str) -> pb.TokenSet:
        """Begin a session."""
        request = rpc.SignInRequest(**{"email": email, "password": PASSWORD, **values})  # type: ignore[arg-type]
        return await self.auth.SignIn(request)

    async def join(self, tokens: pb.TokenSet, organization: str, *permissions: str) -> pb.TokenSet:
        """Make the user a member and let the session work there."""
        self.parts.memberships.known[organization, tokens.user] = permissions
        request = rpc.SwitchOrganizationRequest(organization=organization)
        return await self.auth.SwitchOrganization(request, metadata=bearer(tokens.access_token))

    def called_by(self, service: str) -> Metadata:
        """Return the metadata of a call by a service of the platform."""
        key = self.service_keys.get(service) or ECKey.generate_key("P-256", {"kid": service})
        return bearer(ServiceTokens(key, audience=AUDIENCE, clock=self.parts.clock).token())

    async def keys(self) -> httpbody_pb2.HttpBody:
        """Return the published keys."""
        return await self.jwks.GetJwks(rpc.GetJwksRequest())


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[AuthProcess]:
    """Serve on a free port of loopback."""
    await parts.keys.create_first()
    service_keys = {name: ECKey.generate_key("P-256", {"kid": name}) for name in ("user", "operator")}
    served = servicers(parts.handlers, Lists(parts.keyring, parts.clock))
    server, _ = build_server(served, _guards(parts, [*service_keys.values()]))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.primary_user_agent", "Trellis-Test")]
    ) as channel:
        yield AuthProcess(
            parts,
            stubs.AuthServiceStub(channel),
            stubs.SessionServiceStub(channel),
            stubs.JwksServiceStub(channel),
            stubs.AccountServiceStub(channel),
            service_keys,
            role_service_pb2_grpc.RoleServiceStub(channel),
            role_binding_service_pb2_grpc.RoleBindingServiceStub(channel),
            access_service_pb2_grpc.AccessServiceStub(channel),
            signing_key_service_pb2_grpc.SigningKeyServiceStub(channel),
            service_account_service_pb2_grpc.ServiceAccountServiceStub(channel),
            api_key_service_pb2_grpc.ApiKeyServiceStub(channel),
        )
    await server.stop(None)


def _guards(parts: Parts, service_keys: list[ECKey]) -> Guards:
    keys = Keys(parts.keys.get_jwks, monotonic=lambda: parts.clock().timestamp())
    users = TokenVerifier(keys, kind=ACCESS, audience=AUDIENCE, issuer=ISSUER, clock=parts.clock)
    known = static_keys(public_set(service_keys).decode())
    services = TokenVerifier(known, kind=SERVICE, audience=AUDIENCE, issuer=None, clock=parts.clock)
    return Guards("auth", users, services, parts.keyring, parts.buckets, 256, set())
