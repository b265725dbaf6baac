"""The user service over in-memory ports. Ada owns ACME, Cid administers it, Bob is a member; Eve owns HIDDEN."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.bus.bus import Event
from services.chassis.personal_data.sealed import public_jwk, seal
from services.chassis.times import timestamp
from services.user import consumers
from services.user.domain import Domain, DomainState, Membership, Organization, Role, User, membership_name
from services.user.handlers.personal_data import answer_key
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, Parts, UserProcess, running
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.policy.v1 import personal_data_pb2 as shared
from trellis.user.v1 import (
    domain_service_pb2 as domain_rpc,
)
from trellis.user.v1 import invitation_service_pb2 as rpc
from trellis.user.v1 import (
    personal_data_service_pb2 as personal_data,
)
from trellis.user.v1 import resources_pb2 as resources

ADA, BOB, CID, EVE = "users/usr_ada", "users/usr_bob", "users/usr_cid", "users/usr_eve"
DAN = "users/usr_dan"
ACME, HIDDEN = "organizations/org_acme", "organizations/org_hidden"
ROLES = {ADA: Role.OWNER, CID: Role.ADMIN, BOB: Role.MEMBER}
NOBODY = "users/usr_nobody"
NOTHING = "organizations/org_nothing"


@pytest.fixture
def store(time: Time) -> FakeUserStore:
    """What the service stores, filled with the people above."""
    store = FakeUserStore(time)
    for name in (ADA, BOB, CID, EVE):
        short = name.removeprefix("users/usr_")
        store.tables.users[name] = User(name, f"{short}@example.com", short.title(), NOON, NOON)
    for name in (ACME, HIDDEN):
        store.tables.organizations[name] = Organization(name, name.removeprefix("organizations/org_").title(), NOON, NOON)
    for user, role in ROLES.items():
        store.tables.memberships[membership_name(ACME, user)] = Membership(ACME, user, role, NOON, NOON)
    store.tables.memberships[membership_name(HIDDEN, EVE)] = Membership(HIDDEN, EVE, Role.OWNER, NOON, NOON)
    return store


@pytest.fixture
async def service(store: FakeUserStore, time: Time) -> AsyncIterator[UserProcess]:
    async with running(Parts(store.ports, time)) as process:
        yield process


@pytest.fixture
def ada(service: UserProcess) -> Metadata:
    """A call by the owner of ACME."""
    return service.called_by(ADA, ACME, "owner")


@pytest.fixture
def cid(service: UserProcess) -> Metadata:
    """A call by an administrator of ACME."""
    return service.called_by(CID, ACME, "admin")


@pytest.fixture
def bob(service: UserProcess) -> Metadata:
    """A call by a member of ACME."""
    return service.called_by(BOB, ACME, "member")


@pytest.fixture
def eve(service: UserProcess) -> Metadata:
    """A call by the owner of HIDDEN."""
    return service.called_by(EVE, HIDDEN, "owner")


@pytest.fixture
def dan(service: UserProcess, store: FakeUserStore) -> Metadata:
    """A call by somebody who is a member of nothing; dan@example.com."""
    store.tables.users[DAN] = User(DAN, "dan@example.com", "Dan", NOON, NOON)
    return service.called_by(DAN)


def own_example_com(store: FakeUserStore) -> None:
    """Let ACME have proved that example.com is its own: it may take in whoever has an address there."""
    proved = Domain(ACME, "example.com", "challenge", NOON, NOON, state=DomainState.VERIFIED)
    store.tables.domains[proved.name] = proved


async def invited(
    service: UserProcess,
    caller: Metadata,
    email: str = "dan@example.com",
    role: resources.Role.ValueType = resources.ROLE_MEMBER,
) -> tuple[str, str]:
    """Invite somebody into ACME; the name of the invitation and the token of its link."""
    request = rpc.CreateInvitationRequest(parent=ACME, invitation=rpc.Invitation(email=email, role=role))
    invitation = await service.invitations.CreateInvitation(request, metadata=caller)
    return invitation.name, service.parts.links.token(invitation.name.rpartition("/")[2])


EXAMPLE = f"{ACME}/domains/example.com"


async def claimed(service: UserProcess, caller: Metadata, *, capture: bool = False) -> domain_rpc.Domain:
    """Claim example.com for ACME."""
    request = domain_rpc.CreateDomainRequest(parent=ACME, domain_id="example.com", domain=domain_rpc.Domain(capture=capture))
    return await service.domains.CreateDomain(request, metadata=caller)


async def verified(service: UserProcess, caller: Metadata, *, capture: bool = False) -> domain_rpc.Domain:
    """Claim example.com for ACME, put the record into DNS and verify it."""
    domain = await claimed(service, caller, capture=capture)
    service.parts.resolver.records[domain.txt_record_name] = [domain.txt_record_value]
    return await service.domains.VerifyDomain(domain_rpc.VerifyDomainRequest(name=domain.name), metadata=caller)


def stamp(time: Time) -> Timestamp:
    """Return the time of now as the contract writes it."""
    return timestamp(time())


async def auth_answers(service: UserProcess, operation: str, *, erased: bool = False) -> None:
    """Let auth answer an operation, as its events would."""
    source = "services/auth"
    if erased:
        records = [shared.ErasedRecords(record="trellis.auth.v1.AccountRecord", count=1, personal_fields=["email"])]
        answer: Message = auth_events.PersonalDataErased(user=BOB, operation=operation, erased=records)
        topic = "auth.v1.personal_data_erased"
    else:
        key = public_jwk(answer_key(service.parts.keyring, operation))
        document = seal(key, b'[{"record": "trellis.auth.v1.AccountRecord", "fields": {}}]')
        answer = auth_events.PersonalDataCollected(user=BOB, operation=operation, document=document)
        topic = "auth.v1.personal_data_collected"
    event = Event(f"evt_{topic}", source, topic, BOB, service.parts.clock(), answer.SerializeToString())
    await consumers.answers(service.parts.personal_data).handle(event)
    await service.parts.run()


@pytest.fixture
async def exporting(service: UserProcess, bob: Metadata) -> str:
    """The name of an export of Bob's that runs."""
    request = personal_data.ExportPersonalDataRequest(name="users/me")
    return str((await service.personal_data.ExportPersonalData(request, metadata=bob)).name)


@pytest.fixture
async def erasing(service: UserProcess, bob: Metadata) -> str:
    """The name of an erasure of Bob's that runs."""
    request = personal_data.ErasePersonalDataRequest(name="users/me")
    return str((await service.personal_data.ErasePersonalData(request, metadata=bob)).name)
