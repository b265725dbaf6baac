"""ApiKeyService.CreateApiKey."""

from __future__ import annotations

from datetime import timedelta

from grpc import StatusCode

from services.auth.domain import (
    ApiKeyCreated,
)
from services.chassis.times import timestamp
from tests.component.auth.acme import ACME, ADA, BOB, CID, EVE, OTHER, Acme
from tests.component.auth.keys import SCOPES, make_account, make_key, opens, with_key
from tests.component.refusals import refusal
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore
from trellis.auth.v1 import api_key_service_pb2 as rpc
from trellis.policies import ROLE_PERMISSIONS


async def test_the_secret_is_answered_once_and_never_stored(acme: Acme, store: FakeAuthStore, time: Time) -> None:
    key = await make_key(acme)

    assert key.secret.startswith("trk_")
    assert (key.subject, list(key.scopes), key.hint) == (ADA, list(SCOPES), key.secret[-4:])
    assert key.expire_time.ToDatetime(time().tzinfo) == time() + timedelta(days=90)
    assert store.events[-1] == ApiKeyCreated(key.name, ACME, ADA, SCOPES, time())
    assert key.secret not in repr(store.tables)
    assert await opens(acme, key.secret)


async def test_a_member_makes_one_for_themselves(acme: Acme) -> None:
    assert (await make_key(acme, CID)).subject == CID


async def test_a_service_account_gets_one(acme: Acme) -> None:
    account = await make_account(acme)

    key = await make_key(acme, subject=account.name)
    exchanged = await acme.service.parts.key_exchange.exchange(key.secret, "192.0.2.1")

    assert (exchanged.subject, exchanged.principal.permissions) == (account.name, frozenset(SCOPES))
    assert exchanged.principal.api_key == key.name


async def test_nobody_gets_a_secret_that_acts_as_somebody_else(acme: Acme) -> None:
    refused = await refusal(make_key(acme, ADA, subject=BOB))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "SUBJECT_FORBIDDEN",
        {"subject": BOB},
    )


async def test_nobody_gets_more_than_they_may_do(acme: Acme) -> None:
    refused = await refusal(make_key(acme, CID, scopes=("memberships.update",)))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "SCOPE_FORBIDDEN",
        {"scope": "memberships.update"},
    )


async def test_a_program_gets_no_more_than_its_role(acme: Acme) -> None:
    account = await make_account(acme)

    refused = await refusal(make_key(acme, subject=account.name, scopes=("memberships.update",)))

    assert refused.reason == "SCOPE_FORBIDDEN"


async def test_a_scope_is_a_permission(acme: Acme) -> None:
    assert (await refusal(make_key(acme, scopes=("everything.do",)))).fields == ["api_key.scopes"]
    assert (await refusal(make_key(acme, scopes=()))).code is StatusCode.INVALID_ARGUMENT


async def test_a_key_ends_within_a_year(acme: Acme, time: Time) -> None:
    late = timestamp(time() + timedelta(days=366))

    assert (await refusal(make_key(acme, expire_time=late))).code is StatusCode.INVALID_ARGUMENT


async def test_a_service_account_is_there_and_active(acme: Acme, store: FakeAuthStore) -> None:
    nothing = await refusal(make_key(acme, subject=f"{ACME}/serviceAccounts/sva_no"))
    account = await make_account(acme)
    kept = store.tables.service_accounts[account.name]
    store.tables.service_accounts[account.name] = kept.disable(kept.create_time)[0]

    assert nothing.reason == "SERVICE_ACCOUNT_NOT_FOUND"
    assert (await refusal(make_key(acme, subject=account.name))).reason == "SERVICE_ACCOUNT_INACTIVE"


async def test_a_stranger_is_denied(acme: Acme) -> None:
    key = rpc.ApiKey(display_name="x", scopes=SCOPES)
    request = rpc.CreateApiKeyRequest(parent=ACME, api_key=key)
    call = acme.service.api_keys.CreateApiKey(request, metadata=await acme.token(EVE, OTHER))

    assert (await refusal(call)).code is StatusCode.PERMISSION_DENIED


async def test_a_token_of_before_makes_no_key_for_a_program(acme: Acme, store: FakeAuthStore) -> None:
    account = await make_account(acme, role="roles/admin")
    token = await acme.token(BOB)
    acme.service.parts.memberships.known[ACME, BOB] = ROLE_PERMISSIONS["member"]

    key = rpc.ApiKey(subject=account.name, scopes=("memberships.update",))
    call = acme.service.api_keys.CreateApiKey(rpc.CreateApiKeyRequest(parent=ACME, api_key=key), metadata=token)

    assert (await refusal(call)).reason == "SCOPE_FORBIDDEN"
    assert store.tables.api_keys == {}


async def test_a_key_makes_no_key(acme: Acme, store: FakeAuthStore) -> None:
    key = await make_key(acme, scopes=("apiKeys.create",))
    request = rpc.CreateApiKeyRequest(parent=ACME, api_key=rpc.ApiKey(scopes=("apiKeys.create",)))

    call = acme.service.api_keys.CreateApiKey(request, metadata=await with_key(acme, key.secret))

    assert (await refusal(call)).reason == "SESSION_REQUIRED"
    assert [*store.tables.api_keys] == [key.name]


async def test_nobody_makes_one_while_memberships_cannot_be_read(acme: Acme) -> None:
    token = await acme.token(ADA)
    acme.service.parts.memberships.down = True
    request = rpc.CreateApiKeyRequest(parent=ACME, api_key=rpc.ApiKey(scopes=SCOPES))

    assert (await refusal(acme.service.api_keys.CreateApiKey(request, metadata=token))).reason == "MEMBERSHIP_UNAVAILABLE"


async def test_who_may_something_for_a_time_gets_no_secret_of_a_program_for_longer(acme: Acme) -> None:
    robot = await make_account(acme, role="roles/admin")
    end = NOON + timedelta(hours=1)
    await acme.bind("roles/admin", CID, expire_time=timestamp(end))
    scopes = ("memberships.update",)

    longer = await refusal(make_key(acme, CID, subject=robot.name, scopes=scopes, expire_time=timestamp(end)))
    shorter = await make_key(acme, CID, subject=robot.name, scopes=scopes, expire_time=timestamp(end - timedelta(seconds=1)))

    assert (longer.code, longer.reason) == (StatusCode.PERMISSION_DENIED, "SCOPE_FORBIDDEN")
    assert shorter.subject == robot.name
