"""AuthService.SignIn."""

from __future__ import annotations

import json
from datetime import timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode
from joserfc import jws
from joserfc.jwk import KeySet

from services.auth.domain import Account, SessionCreated
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import AUDIENCE, ISSUER, PASSWORD, AuthProcess, bearer
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc

ORG, OTHER = "organizations/org_1", "organizations/org_2"


async def test_begins_a_session(service: AuthProcess, store: FakeAuthStore, ada: Account, time: Time) -> None:
    request = rpc.SignInRequest(email="ADA@example.com", password=PASSWORD)

    tokens = await service.auth.SignIn(request, metadata=(("x-user-agent", "Browser/1"),))

    [session] = store.tables.sessions.values()
    expire_time = Timestamp()
    expire_time.FromDatetime(time() + timedelta(minutes=5))
    assert tokens == pb.TokenSet(
        access_token=tokens.access_token,
        token_type="Bearer",
        expire_time=expire_time,
        refresh_token=tokens.refresh_token,
        session=session.name,
        user=ada.user,
    )
    assert session.name.startswith(f"{ada.user}/sessions/ses_")
    assert (session.user_agent, session.expire_time) == ("Browser/1", time() + timedelta(days=30))
    assert store.events == [SessionCreated(session.name, time())]


async def test_the_access_token_says_what_others_read(service: AuthProcess, ada: Account, time: Time) -> None:
    service.parts.memberships.known[ORG, ada.user] = ("organizations.update",)

    tokens = await service.sign_in(organization=ORG)

    keys = KeySet.import_key_set(json.loads((await service.keys()).data))
    opened = jws.deserialize_compact(tokens.access_token, keys, algorithms=["ES256"])
    claims = json.loads(opened.payload)
    now = int(time().timestamp())
    assert opened.headers()["typ"] == "at+jwt"
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": ada.user,
        "client_id": "trellis",
        "session": tokens.session,
        "auth_time": now,
        "organization": ORG,
        "permissions": ["organizations.update"],
        "iat": now,
        "iat_ms": now * 1000,
        "exp": now + 300,
        "jti": claims["jti"],
    }
    assert (tokens.organization, list(tokens.permissions)) == (ORG, ["organizations.update"])


async def test_begins_where_the_user_last_worked(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    service.parts.memberships.known[ORG, ada.user] = ("organizations.get",)
    await service.sign_in(organization=ORG)

    tokens = await service.sign_in()

    assert (tokens.organization, list(tokens.permissions)) == (ORG, ["organizations.get"])


async def test_somebody_removed_since_signs_in_without_an_organization(service: AuthProcess, ada: Account) -> None:
    service.parts.memberships.known[ORG, ada.user] = ()
    await service.sign_in(organization=ORG)
    del service.parts.memberships.known[ORG, ada.user]

    tokens = await service.sign_in()

    assert (tokens.organization, list(tokens.permissions)) == ("", [])


async def test_people_sign_in_while_memberships_cannot_be_read(service: AuthProcess, ada: Account) -> None:
    service.parts.memberships.known[ORG, ada.user] = ()
    await service.sign_in(organization=ORG)
    service.parts.memberships.down = True

    assert (await service.sign_in()).organization == ""

    refused = await refusal(service.sign_in(organization=ORG))
    assert (refused.code, refused.reason) == (StatusCode.UNAVAILABLE, "MEMBERSHIP_UNAVAILABLE")
    assert refused.retry_after_s == 1.0


async def test_refuses_a_foreign_organization(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    service.parts.memberships.known[OTHER, "users/usr_bob"] = ()

    refused = await refusal(service.sign_in(organization=OTHER))
    unknown = await refusal(service.sign_in(organization="organizations/org_nobody"))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.PERMISSION_DENIED,
        "NOT_A_MEMBER",
        {"organization": OTHER},
    )
    assert (unknown.code, unknown.reason) == (refused.code, refused.reason)
    assert store.tables.sessions == {}


async def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nothing(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    wrong = await refusal(service.sign_in(password="a wrong password"))
    unknown = await refusal(service.sign_in("nobody@example.com"))

    assert (wrong.code, wrong.reason) == (StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID")
    assert wrong == unknown
    assert service.parts.passwords.compared == [ada.password_hash, None], "one comparison each, the same time"
    assert store.tables.sessions == {}


async def test_an_unverified_address_is_told_only_to_who_knows_its_password(service: AuthProcess) -> None:
    await service.auth.SignUp(rpc.SignUpRequest(email="new@example.com", password=PASSWORD, display_name="New"))

    right = await refusal(service.sign_in("new@example.com"))
    wrong = await refusal(service.sign_in("new@example.com", password="a wrong password"))

    assert (right.code, right.reason) == (StatusCode.FAILED_PRECONDITION, "EMAIL_NOT_VERIFIED")
    assert (wrong.code, wrong.reason) == (StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID")
    assert len(service.parts.passwords.compared) == 2


async def test_a_weak_hash_is_replaced(service: AuthProcess, store: FakeAuthStore, ada: Account) -> None:
    store.tables.accounts[ada.user] = Account(ada.user, ada.email, ada.display_name, f"old:{PASSWORD}", ada.create_time)

    await service.sign_in()

    assert store.tables.accounts[ada.user].password_hash == f"new:{PASSWORD}"


async def test_validate_only_begins_nothing_and_opens_nothing(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    request = rpc.SignInRequest(email=ada.email, password=PASSWORD, validate_only=True)

    tokens = await service.auth.SignIn(request)

    assert (tokens.user, tokens.access_token, tokens.refresh_token) == (ada.user, "", "")
    assert store.tables.sessions == {}
    assert store.events == []


async def test_names_malformed_fields(service: AuthProcess) -> None:
    request = rpc.SignInRequest(email="no address", organization="organizations/../x")

    refused = await refusal(service.auth.SignIn(request))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["email", "password", "organization"])


async def test_the_client_names_itself_in_at_most_256_characters(
    service: AuthProcess, store: FakeAuthStore, ada: Account
) -> None:
    request = rpc.SignInRequest(email=ada.email, password=PASSWORD)
    await service.auth.SignIn(request, metadata=(("x-user-agent", "x" * 300),))
    await service.auth.SignIn(request, metadata=bearer("garbage"))

    long, native = store.tables.sessions.values()
    assert long.user_agent == "x" * 256
    assert native.user_agent.startswith("Trellis-Test grpc-python-asyncio/")
