"""The running platform and the people on it. Services are called at their own ports, where no limit by address stands."""

from __future__ import annotations

import base64
import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import grpc
from google.protobuf.message import Message
from joserfc import jws
from joserfc.jwk import ECKey

from services.auth.store.keys import SEAL
from services.chassis.keys import Keyring
from tests.dns_server import DnsServer
from tests.e2e.client import PASSWORD, mails_to
from tests.e2e.platform import SERVICES, Platform, eventually
from tests.generated.answers import Answer, answered, refused
from tests.generated.contract import Rpc
from tests.generated.ledger import Ledger
from trellis.auth.v1 import api_key_service_pb2 as api_key_rpc
from trellis.auth.v1 import api_key_service_pb2_grpc as api_key_stubs
from trellis.auth.v1 import resources_pb2 as auth
from trellis.auth.v1 import service_account_service_pb2 as service_account_rpc
from trellis.auth.v1 import service_account_service_pb2_grpc as service_account_stubs
from trellis.auth.v1 import service_pb2 as auth_rpc
from trellis.auth.v1 import service_pb2_grpc as auth_stubs
from trellis.user.v1 import domain_service_pb2 as domain_rpc
from trellis.user.v1 import (
    domain_service_pb2_grpc as domain_stubs,
)
from trellis.user.v1 import invitation_service_pb2 as invitation_rpc
from trellis.user.v1 import invitation_service_pb2_grpc as invitation_stubs
from trellis.user.v1 import operation_service_pb2 as operation_rpc
from trellis.user.v1 import operation_service_pb2_grpc as operation_stubs
from trellis.user.v1 import personal_data_service_pb2 as personal_data_rpc
from trellis.user.v1 import personal_data_service_pb2_grpc as personal_data_stubs
from trellis.user.v1 import resources_pb2 as user
from trellis.user.v1 import service_pb2 as user_rpc
from trellis.user.v1 import service_pb2_grpc as user_stubs

Metadata = tuple[tuple[str, str], ...]
Claims = dict[str, Any]
API_KEY = "x-api-key"
PATIENCE_S = 15
PATIENT = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.2s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)
"""On a busy machine one service may wait in vain for another."""
LASTS_S = 25  # less than clocks may differ
LIFETIME_S = 300
SOON_S = 150
"""What has less than this to live is renewed: a run may last longer than a token."""


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a session."""

    email: str
    name: str
    session: str
    token: str
    refresh_token: str
    password: str = field(default=PASSWORD, repr=False)


@dataclass
class Scope:
    """Somebody who works in an organization; `made` are the resources they made there, by type."""

    person: Person
    organization: str
    renewed: Callable[[], str]
    """Gives another token: what is made may end the tokens that were there before."""
    mark: str
    """What every text that is made here begins with."""
    made: dict[str, list[str]] = field(default_factory=dict)
    shared: bool = False
    """Whether other cases use it too: nothing in it is ever brought to an end."""
    _token: str = ""
    _made_then: int = -1
    _good_until_s: float = 0

    def renew(self) -> None:
        """Take another token the next time: something ended the one that is there."""
        self._made_then = -1

    @property
    def token(self) -> str:
        """A token that is younger than everything that was made."""
        made = sum(map(len, self.made.values()))
        if made != self._made_then or time.monotonic() > self._good_until_s:
            self._token, self._made_then, self._good_until_s = self.renewed(), made, time.monotonic() + SOON_S
        return self._token

    @property
    def names(self) -> list[str]:
        """Every name that belongs here."""
        made = [name for names in self.made.values() for name in names]
        return [name for name in dict.fromkeys([self.organization, self.person.name, self.person.session, *made]) if name]


@dataclass
class World:
    """A platform with people in it."""

    platform: Platform
    ledger: Ledger
    name_server: DnsServer
    """What the platform asks about domains."""
    _newcomers: dict[str, list[str]] = field(default_factory=dict)
    _villages: dict[str, Scope] = field(default_factory=dict)
    _api_keys: dict[str, str] = field(default_factory=dict)
    _programs: dict[str, str] = field(default_factory=dict)
    _of_role: dict[str, tuple[float, Metadata]] = field(default_factory=dict)

    # Calls

    def call(self, rpc: Rpc, messages: Sequence[Message], metadata: Metadata = ()) -> Answer:
        """Call at the service's own port."""
        try:
            return answered(_in_order(rpc, answer) for answer in self._sent(rpc, messages, metadata))
        except grpc.RpcError as error:
            return refused(error)

    def call_at_once(self, rpc: Rpc, messages: Sequence[Message], metadata: Metadata, times: int) -> list[Answer]:
        """Make the same call many times at the same moment."""
        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(lambda _: self.call(rpc, messages, metadata), range(times)))

    def rest(
        self, verb: str, path: str, body: bytes | None, metadata: Metadata, *, from_: str = "127.0.0.1"
    ) -> tuple[int, bytes]:
        """Call at the edge, from an address."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.platform.base, timeout=PATIENCE_S, source_address=(from_, 0)
        )
        typed = {"content-type": "application/json"} if body is not None else {}
        try:
            connection.request(verb, path, body, {**typed, **dict(metadata)})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _sent(self, rpc: Rpc, messages: Sequence[Message], metadata: Metadata) -> list[bytes]:
        channel, written = self.channels[rpc.policy.service], _written
        if not rpc.streams_in:
            (message,) = messages
            if rpc.streams_out:
                return [*channel.unary_stream(rpc.path, written)(message, metadata=metadata, timeout=PATIENCE_S)]
            return [channel.unary_unary(rpc.path, written)(message, metadata=metadata, timeout=PATIENCE_S)]
        if rpc.streams_out:
            return [*channel.stream_stream(rpc.path, written)(iter(messages), metadata=metadata, timeout=PATIENCE_S)]
        return [channel.stream_unary(rpc.path, written)(iter(messages), metadata=metadata, timeout=PATIENCE_S)]

    @cached_property
    def channels(self) -> dict[str, Any]:
        """A channel to each service."""
        ports = self.platform.home.ports
        return {
            name: grpc.insecure_channel(f"127.0.0.1:{ports[f'{name}_a']}", [("grpc.service_config", PATIENT)])
            for name in SERVICES
        }

    # People

    @cached_property
    def ada(self) -> Scope:
        """The owner of an organization, who is never changed: reads and refused calls are made here."""
        return replace(self.scope(self.person("ada"), "ada"), shared=True)

    @cached_property
    def eve(self) -> Scope:
        """The owner of another organization."""
        return replace(self.scope(self.person("evesown"), "evesown"), shared=True)

    @cached_property
    def loner(self) -> Person:
        """Somebody who belongs to no organization."""
        return self.person("loner")

    @cached_property
    def founder(self) -> Person:
        """The owner of every organization that is made for one case."""
        return self.person("founder")

    def newcomer(self, scope: Scope, taken: Iterable[str]) -> str:
        """Return somebody whom the organizations of a mark may take in, no other ones do, and this one did not yet."""
        people = self._newcomers.setdefault(scope.mark, [])
        free = [name for name in people if name not in taken]
        if not free:
            person = self.person(f"{scope.mark}-newcomer")
            self.join(self._village(scope.person), person)
            free = [person.name]
            people += free
        return free[0]

    def _village(self, person: Person) -> Scope:
        """Return where somebody meets others: nobody takes in strangers."""
        if person.name not in self._villages:
            self._villages[person.name] = self.scope(person, "village")
        return self._villages[person.name]

    def of_role(self, role: str) -> Metadata:
        """Return the credentials of a member of Ada's organization with a role."""
        if role == "owner":
            return bearer(self.ada.token)
        until_s, credentials = self._of_role.get(role, (0.0, ()))
        if time.monotonic() > until_s:
            credentials = self.lasting(bearer(self.switch(self._members[role], self.ada.organization)))
            self._of_role[role] = time.monotonic() + LASTS_S / 2, credentials
        return credentials

    @cached_property
    def _members(self) -> dict[str, Person]:
        found: dict[str, Person] = {}
        for role in ("admin", "member"):
            found[role] = self.person(role)
            self.join(self.ada, found[role], user.Role.Value(f"ROLE_{role.upper()}"))
        return found

    def person(self, display_name: str) -> Person:
        """Sign somebody up, follow the link, sign in."""
        email = f"{display_name}-{uuid.uuid4().hex[:12]}@example.com"
        form = auth_rpc.SignUpRequest(email=email, password=PASSWORD, display_name=display_name)
        self._auth.SignUp(form)
        self._auth.VerifyEmail(auth_rpc.VerifyEmailRequest(token=self.token_in_mail(email), password=PASSWORD))
        self.ledger.settle()
        return self.signed_in(email)

    def signed_in(self, email: str, password: str = PASSWORD) -> Person:
        """Begin another session."""
        tokens: auth.TokenSet = self._auth.SignIn(auth_rpc.SignInRequest(email=email, password=password))
        return Person(email, tokens.user, tokens.session, tokens.access_token, tokens.refresh_token)

    def open_link(self) -> str:
        """Return the token of a verification mail that nobody followed yet."""
        return self.token_in_mail(self.unfinished())

    def unfinished(self) -> str:
        """Return an address that signed up and did not follow its link."""
        email = f"link-{uuid.uuid4().hex[:12]}@example.com"
        self._auth.SignUp(auth_rpc.SignUpRequest(email=email, password=PASSWORD, display_name="link"))
        return email

    def reset_link(self, person: Person) -> str:
        """Return the token of a mail that lets somebody choose another password."""
        self._auth.RequestPasswordReset(auth_rpc.RequestPasswordResetRequest(email=person.email))
        return self.token_in_mail(person.email)

    def invitation(self, person: Person) -> str:
        """Return the token of a mail that invites somebody into an organization of its own."""
        return self._invite(self.scope(self.founder, "host"), person)

    def join(self, scope: Scope, person: Person, role: user.Role.ValueType = user.ROLE_MEMBER) -> None:
        """Let somebody be invited into an organization, and accept."""
        request = invitation_rpc.AcceptInvitationRequest(token=self._invite(scope, person, role))
        self._invitations.AcceptInvitation(request, metadata=bearer(self.token_of(person)))
        self.ledger.settle()

    def _invite(self, scope: Scope, person: Person, role: user.Role.ValueType = user.ROLE_MEMBER) -> str:
        wanted = invitation_rpc.Invitation(email=person.email, role=role)
        request = invitation_rpc.CreateInvitationRequest(parent=scope.organization, invitation=wanted)
        self._invitations.CreateInvitation(request, metadata=bearer(scope.token))
        return self.token_in_mail(person.email)

    @cached_property
    def _invitations(self) -> Any:
        return invitation_stubs.InvitationServiceStub(self.channels["user"])

    def verified_domain(self, scope: Scope) -> str:
        """Let an organization claim a domain and prove that it is theirs."""
        name = self.proven_domain(scope)
        self._domains.VerifyDomain(domain_rpc.VerifyDomainRequest(name=name), metadata=bearer(scope.token))
        return name

    def proven_domain(self, scope: Scope) -> str:
        """Let an organization claim a domain whose record stands in DNS, and nobody has looked yet."""
        claim = domain_rpc.CreateDomainRequest(parent=scope.organization, domain_id=self.new_domain())
        domain = self._domains.CreateDomain(claim, metadata=bearer(scope.token))
        self.name_server.texts[domain.txt_record_name] = [domain.txt_record_value]
        return str(domain.name)

    @cached_property
    def _domains(self) -> Any:
        return domain_stubs.DomainServiceStub(self.channels["user"])

    def audit_entry(self, organization: str) -> str:
        """Return the oldest entry of an organization's audit log: that somebody made the organization."""
        self.ledger.settle()
        row = self.ledger.row("user", f"SELECT id FROM audit_entries WHERE organization = '{organization}' AND sequence = 1")
        return f"{organization}/auditEntries/{row['id']}"

    def new_domain(self) -> str:
        """Return a domain that nobody claimed."""
        return f"{uuid.uuid4().hex[:12]}.example"

    def join_as_owner(self, scope: Scope) -> None:
        """Let an organization have another owner."""
        self.join(scope, self.person("partner"), user.ROLE_OWNER)

    def exported(self, person: Person) -> str:
        """Let somebody's data be exported, and return the name of the export."""
        operation = self.operation(person)
        self._wait(operation, person)
        return f"{person.name}/personalDataExports/{operation.removeprefix('operations/')}"

    def operation(self, person: Person) -> str:
        """Let somebody begin an operation."""
        asked = personal_data_rpc.ExportPersonalDataRequest(name=person.name)
        return str(self._personal_data.ExportPersonalData(asked, metadata=bearer(self.token_of(person))).name)

    def erased(self) -> str:
        """Let somebody's data be erased, and return the name of the certificate."""
        person = self.person("gone")
        asked = personal_data_rpc.ErasePersonalDataRequest(name=person.name)
        operation = self._personal_data.ErasePersonalData(asked, metadata=bearer(person.token))
        self.ledger.settle()
        name = f"erasureCertificates/{operation.name.removeprefix('operations/')}"
        request = personal_data_rpc.GetErasureCertificateRequest(name=name)
        eventually(lambda: _is_there(lambda: self._personal_data.GetErasureCertificate(request)))
        return name

    def _wait(self, operation: str, person: Person) -> None:
        request = operation_rpc.WaitOperationRequest(name=operation)
        request.timeout_duration.FromSeconds(8)
        operation_stubs.OperationServiceStub(self.channels["user"]).WaitOperation(
            request, metadata=bearer(self.token_of(person)), timeout=PATIENCE_S
        )

    @cached_property
    def _personal_data(self) -> Any:
        return personal_data_stubs.PersonalDataServiceStub(self.channels["user"])

    def token_in_mail(self, email: str) -> str:
        """Return the token of the newest mail to an address that carries one."""
        self.ledger.settle()
        texts = [mail["text"] for mail in mails_to(self.platform.mail, email) if "Token:\n" in mail["text"]]
        return str(texts[-1].partition("Token:\n")[2].split()[0])

    def scope(self, person: Person, mark: str) -> Scope:
        """Let somebody make an organization and work there."""
        wanted = user.Organization(display_name=f"{mark} {uuid.uuid4().hex[:8]}")
        request = user_rpc.CreateOrganizationRequest(organization=wanted)
        made = self._organizations.CreateOrganization(request, metadata=bearer(self.token_of(person)))
        self.ledger.settle()
        return Scope(person, made.name, lambda: self.switch(person, made.name), mark)

    def alone(self, person: Person, mark: str) -> Scope:
        """Return somebody's work where no organization is needed."""
        return Scope(person, "", lambda: self.token_of(person), mark)

    def switch(self, person: Person, organization: str) -> str:
        """Return a token of somebody's session that names an organization."""
        request = auth_rpc.SwitchOrganizationRequest(organization=organization)
        return str(self._auth.SwitchOrganization(request, metadata=bearer(self.token_of(person))).access_token)

    @cached_property
    def ended_token(self) -> str:
        """Return a token of a session that was used, and then ended."""
        again = self.signed_in(self.ada.person.email)
        token = self.switch(again, self.ada.organization)
        assert self._doors_open_to(token) == [True, True]
        self._auth.SignOut(auth_rpc.SignOutRequest(), metadata=bearer(token))
        eventually(lambda: self._doors_open_to(token) == [False, False])
        return token

    def _doors_open_to(self, token: str) -> list[bool]:
        """Return whether each service takes a token."""
        users = user_stubs.UserServiceStub(self.channels["user"])
        sessions = auth_stubs.SessionServiceStub(self.channels["auth"])
        me, mine = user_rpc.GetUserRequest(name="users/me"), auth_rpc.ListSessionsRequest(parent="users/me")
        reads: list[Callable[[], Any]] = [
            lambda: users.GetUser(me, metadata=bearer(token)),
            lambda: sessions.ListSessions(mine, metadata=bearer(token)),
        ]
        return [_is_there(read) for read in reads]

    @cached_property
    def _auth(self) -> Any:
        return auth_stubs.AuthServiceStub(self.channels["auth"])

    @cached_property
    def _organizations(self) -> Any:
        return user_stubs.OrganizationServiceStub(self.channels["user"])

    # Tokens

    @cached_property
    def auths_key(self) -> ECKey:
        """Auth's own signing key, out of its vault: what even the right signature does not make good is refused."""
        row = self.ledger.row("auth", "SELECT kid, private_jwk FROM signing_keys ORDER BY sign_from_time LIMIT 1")
        keyring = Keyring(bytes.fromhex(self.platform.home.root_secret("auth")))
        return ECKey.import_key(json.loads(keyring.open(SEAL, row["private_jwk"], row["kid"].encode())))

    def api_key(self, scope: Scope, scopes: Iterable[str], subject: str = "") -> str:
        """Return the secret of a key with some scopes, of the scope's person or of another subject."""
        key = api_key_rpc.ApiKey(display_name="Key", subject=subject, scopes=scopes)
        made = f"{scope.organization} {key}"
        if made not in self._api_keys:
            create = api_key_rpc.CreateApiKeyRequest(parent=scope.organization, api_key=key)
            keys = api_key_stubs.ApiKeyServiceStub(self.channels["auth"])
            self._api_keys[made] = str(keys.CreateApiKey(create, metadata=bearer(scope.token)).secret)
        return self._api_keys[made]

    def program(self, scope: Scope) -> str:
        """Return a program that administers an organization."""
        if scope.organization not in self._programs:
            account = service_account_rpc.ServiceAccount(display_name="Program", role="roles/admin")
            create = service_account_rpc.CreateServiceAccountRequest(parent=scope.organization, service_account=account)
            accounts = service_account_stubs.ServiceAccountServiceStub(self.channels["auth"])
            self._programs[scope.organization] = str(
                accounts.CreateServiceAccount(create, metadata=bearer(scope.token)).name
            )
        return self._programs[scope.organization]

    def service_token(self, service: str, **changed: Any) -> str:
        """Return a token that a service calls others with."""
        key = ECKey.import_key(json.loads(self.platform.home.service_key(service)))
        now_s = int(time.time())
        subject = f"services/{service}"
        claims = {"iss": subject, "sub": subject, "aud": "trellis", "iat": now_s, "exp": now_s + 60}
        return signed(key, {**claims, **changed}, kind="svc+jwt")

    def token_of(self, person: Person) -> str:
        """Return a token of somebody's session that lasts a while."""
        now_s = int(time.time())
        if claims_of(person.token)["exp"] - now_s > SOON_S:
            return person.token
        return self.altered(person.token, iat=now_s, iat_ms=now_s * 1000, exp=now_s + LIFETIME_S)

    def lasting(self, credentials: Metadata) -> Metadata:
        """Return the same token as if it were issued some seconds from now: what its own calls revoke does not end it."""
        at_s = int(time.time()) + LASTS_S
        token = dict(credentials)["authorization"].removeprefix("Bearer ")
        return bearer(self.altered(token, iat=at_s, iat_ms=at_s * 1000, exp=at_s + LIFETIME_S))

    def altered(self, token: str, **changed: Any) -> str:
        """Return a token of auth that says something else."""
        return signed(self.auths_key, {**claims_of(token), **changed})


def claims_of(token: str) -> Claims:
    """Return what a token says."""
    part = token.split(".")[1]
    claims: Claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def signed(key: ECKey, claims: Mapping[str, Any], *, kind: str = "at+jwt") -> str:
    """Return a token with these claims."""
    header = {"alg": "ES256", "typ": kind, "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=["ES256"])


def bearer(token: str) -> Metadata:
    """Return the credentials that a token makes."""
    return (("authorization", f"Bearer {token}"),)


def _is_there(call: Callable[[], object]) -> bool:
    try:
        call()
    except grpc.RpcError:
        return False
    return True


def _in_order(rpc: Rpc, answer: bytes) -> bytes:
    """Return the same message with its maps sorted: their order means nothing, and is another in each process."""
    return bytes(rpc.output.FromString(answer).SerializeToString(deterministic=True))


def _written(message: Message) -> bytes:
    return message.SerializeToString()
