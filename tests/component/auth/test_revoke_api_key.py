"""ApiKeyService.RevokeApiKey."""

from __future__ import annotations

from datetime import timedelta

from services.auth.domain import (
    ApiKeyRevoked,
    SessionCreated,
)
from services.user.domain import MembershipDeleted
from tests.component.auth.acme import ACME, ADA, BOB, CID, Acme
from tests.component.auth.keys import make_account, make_key, opens
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import api_key_service_pb2 as rpc


def announced(store: FakeAuthStore) -> list[object]:
    """Return what was announced beside the sign-ins that calls here begin with."""
    return [event for event in store.events if not isinstance(event, SessionCreated)]


async def revoke(acme: Acme, name: str, by: str = ADA) -> rpc.ApiKey:
    return await acme.service.api_keys.RevokeApiKey(rpc.RevokeApiKeyRequest(name=name), metadata=await acme.token(by))


async def test_a_key_opens_nothing_at_the_next_look(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    key = await make_key(acme)
    assert await opens(acme, key.secret)

    revoked = await revoke(acme, key.name)
    time.move(seconds=1)

    assert revoked.HasField("revoke_time")
    assert store.events[-1] == ApiKeyRevoked(key.name, ACME, ADA, time() - timedelta(seconds=1))
    assert not await opens(acme, key.secret)


async def test_an_administrator_ends_a_members_key(acme: Acme) -> None:
    key = await make_key(acme, CID)

    assert (await revoke(acme, key.name, BOB)).name == key.name


async def test_revoking_again_changes_nothing(acme: Acme, store: FakeAuthStore) -> None:
    key = await make_key(acme)
    first = await revoke(acme, key.name)
    before = announced(store)

    assert await revoke(acme, key.name) == first
    assert announced(store) == before


async def test_somebody_elses_is_not_found(acme: Acme) -> None:
    key = await make_key(acme)

    assert (await refusal(revoke(acme, key.name, CID))).reason == "API_KEY_NOT_FOUND"


async def test_keys_end_with_the_membership_and_do_not_come_back_with_it(
    acme: Acme, store: FakeAuthStore, time: Time
) -> None:
    old = await make_key(acme, CID)
    others = [await make_key(acme, BOB), await make_key(acme, subject=(await make_account(acme)).name)]
    left = MembershipDeleted(f"{ACME}/memberships/usr_cid", ACME, CID, time())
    known = acme.service.parts.memberships.known
    role = known.pop((ACME, CID))

    await acme.service.parts.hear(left)
    told = announced(store)
    await acme.service.parts.hear(left, "evt_again")
    known[ACME, CID] = role
    time.move(seconds=1)

    assert told[-1] == ApiKeyRevoked(old.name, ACME, CID, time() - timedelta(seconds=1))
    assert announced(store) == told
    assert [await opens(acme, key.secret) for key in (old, *others)] == [False, True, True]
    assert await opens(acme, (await make_key(acme, CID)).secret)
