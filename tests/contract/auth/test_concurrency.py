"""What only a real database can get wrong: many at once, and the same again."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from services.auth.domain import Account, SignUpRepeated
from services.chassis.db.session import Database
from tests.component.refusals import refusal, refused_by
from tests.conftest import Time
from tests.fakes.auth import Ports
from tests.fakes.auth_process import PASSWORD, AuthProcess, Parts, bearer, running
from trellis.auth.v1 import events_pb2
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc

ORG = "organizations/org_1"
Send = Callable[..., Awaitable[Message]]


@pytest.fixture
async def service(sql: Ports, time: Time) -> AsyncIterator[AuthProcess]:
    await sql.crowd()
    async with running(Parts(sql, time)) as process:
        yield process


@pytest.fixture
async def ada(sql: Ports, time: Time) -> Account:
    account = Account("users/usr_ada", "ada@example.com", "Ada", f"new:{PASSWORD}", time())
    async with sql.begin() as tx:
        await tx.accounts.add(account)
        await tx.commit()
    return account


async def announced(database: Database) -> Counter[str]:
    rows = await database.pool.fetch("SELECT topic FROM outbox")
    return Counter(row["topic"].removeprefix("auth.v1.") for row in rows)


def refresh(service: AuthProcess, token: str) -> Awaitable[pb.TokenSet]:
    return service.auth.RefreshToken(rpc.RefreshTokenRequest(refresh_token=token))


async def test_fifty_refreshes_at_once_have_one_successor_and_sign_nobody_out(
    service: AuthProcess, ada: Account, database: Database
) -> None:
    tokens = await service.sign_in()

    answers = await asyncio.gather(*(refresh(service, tokens.refresh_token) for _ in range(50)))

    successors = {answer.refresh_token for answer in answers}
    assert len(successors) == 1
    assert tokens.refresh_token not in successors
    assert (await refresh(service, successors.pop())).session == tokens.session
    assert await announced(database) == {"session_created": 1}


async def test_more_refreshes_than_connections_are_answered_also_while_keys_are_read_anew(
    service: AuthProcess, ada: Account, time: Time
) -> None:
    """Who waits inside a transaction for a second connection waits for others who do the same."""
    sessions = [await service.sign_in() for _ in range(24)]
    time.move(seconds=6)

    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(service.parts.sign_ins.refresh_token(tokens.refresh_token) for tokens in sessions))

    assert [answer.session for answer in answers] == [tokens.session for tokens in sessions]


async def test_a_replay_after_the_window_ends_the_family(
    service: AuthProcess, ada: Account, database: Database, time: Time
) -> None:
    tokens = await service.sign_in()
    successor = await refresh(service, tokens.refresh_token)
    time.move(seconds=31)

    outcomes = await asyncio.gather(*(refusal(refresh(service, tokens.refresh_token)) for _ in range(10)))

    assert {outcome.reason for outcome in outcomes} <= {"REFRESH_TOKEN_REUSED", "REFRESH_TOKEN_INVALID"}
    assert (await refusal(refresh(service, successor.refresh_token))).reason == "REFRESH_TOKEN_INVALID"
    assert await announced(database) == {"session_created": 1, "session_revoked": 1}
    [row] = await database.pool.fetch("SELECT data FROM outbox WHERE topic = 'auth.v1.session_revoked'")
    assert events_pb2.SessionRevoked.FromString(row["data"]).cause == events_pb2.SessionRevoked.CAUSE_REUSED


async def links(service: AuthProcess, database: Database, count: int) -> list[str]:
    """Sign one address up `count` times and return the tokens of all mails."""
    form = rpc.SignUpRequest(email="new@example.com", password=PASSWORD, display_name="New")
    for _ in range(count):
        await service.auth.SignUp(form)
    sign_ups = [
        await service.parts.ports.sign_ups.find(row["id"]) for row in await database.pool.fetch("SELECT id FROM sign_ups")
    ]
    return [service.parts.tokens.verification(sign_up) for sign_up in sign_ups if sign_up]


async def test_links_followed_at_once_make_one_account(service: AuthProcess, database: Database) -> None:
    tokens = await links(service, database, 8)

    async def follow(token: str) -> str:
        try:
            await service.auth.VerifyEmail(rpc.VerifyEmailRequest(token=token, password=PASSWORD))
        except grpc.aio.AioRpcError as error:
            return refused_by(error).reason
        return "made"

    outcomes = Counter(await asyncio.gather(*(follow(token) for token in tokens * 3)))

    assert outcomes == {"made": 1, "VERIFICATION_INVALID": 23}
    assert (await announced(database))["account_created"] == 1
    assert await database.pool.fetchval("SELECT count(*) FROM accounts") == 1


async def prepared(service: AuthProcess, database: Database, rpc_name: str) -> tuple[Send, Message, Any]:
    """Return a mutation that would succeed: the stub's method, the request, the metadata."""
    auth, sessions = service.auth, service.sessions
    if rpc_name in ("SignUp", "VerifyEmail", "ResendVerification"):
        [token] = await links(service, database, 1)
        return {  # type: ignore[return-value]
            "SignUp": (auth.SignUp, rpc.SignUpRequest(email="third@example.com", password=PASSWORD, display_name="T"), ()),
            "VerifyEmail": (auth.VerifyEmail, rpc.VerifyEmailRequest(token=token, password=PASSWORD), ()),
            "ResendVerification": (auth.ResendVerification, rpc.ResendVerificationRequest(email="new@example.com"), ()),
        }[rpc_name]
    tokens = await service.sign_in()
    service.parts.memberships.known[ORG, tokens.user] = ()
    caller = bearer(tokens.access_token)
    return {  # type: ignore[return-value]
        "SignIn": (auth.SignIn, rpc.SignInRequest(email="ada@example.com", password=PASSWORD), ()),
        "RefreshToken": (auth.RefreshToken, rpc.RefreshTokenRequest(refresh_token=tokens.refresh_token), ()),
        "SwitchOrganization": (auth.SwitchOrganization, rpc.SwitchOrganizationRequest(organization=ORG), caller),
        "SignOut": (auth.SignOut, rpc.SignOutRequest(), caller),
        "RevokeSession": (sessions.RevokeSession, rpc.RevokeSessionRequest(name=tokens.session), caller),
    }[rpc_name]


MUTATIONS = [
    "SignUp",
    "VerifyEmail",
    "ResendVerification",
    "SignIn",
    "RefreshToken",
    "SwitchOrganization",
    "SignOut",
    "RevokeSession",
]


async def stored(database: Database) -> dict[str, list[Any]]:
    """Return every row of what a mutation may write."""
    names = ("accounts", "sign_ups", "sessions", "outbox")
    return {name: await database.pool.fetch(f"SELECT * FROM {name}") for name in names}


@pytest.mark.parametrize("rpc_name", MUTATIONS)
async def test_a_mutation_sent_again_gets_its_first_answer_and_works_once(
    service: AuthProcess, ada: Account, database: Database, time: Time, rpc_name: str
) -> None:
    send, request, metadata = await prepared(service, database, rpc_name)
    setattr(request, "request_id", str(uuid.uuid4()))  # noqa: B010 -- every mutation has one
    before = await stored(database)

    first = await send(request, metadata=metadata)
    after = await stored(database)
    time.move(seconds=45)
    second = await send(request, metadata=metadata)

    assert second == first
    assert after != before
    assert await stored(database) == after


@pytest.mark.parametrize("rpc_name", MUTATIONS)
async def test_a_mutation_sent_twice_at_once_works_once(
    service: AuthProcess, ada: Account, database: Database, rpc_name: str
) -> None:
    send, request, metadata = await prepared(service, database, rpc_name)
    setattr(request, "request_id", str(uuid.uuid4()))  # noqa: B010
    events = (await announced(database)).total()

    first, second = await asyncio.gather(send(request, metadata=metadata), send(request, metadata=metadata))

    assert first == second
    assert (await announced(database)).total() - events <= 1
    assert await database.pool.fetchval("SELECT count(*) FROM answers") == 1


@pytest.mark.parametrize("rpc_name", MUTATIONS)
async def test_validate_only_stores_nothing(service: AuthProcess, ada: Account, database: Database, rpc_name: str) -> None:
    send, request, metadata = await prepared(service, database, rpc_name)
    setattr(request, "validate_only", True)  # noqa: B010
    before = await stored(database)

    await send(request, metadata=metadata)

    assert await stored(database) == before
    assert await database.pool.fetchval("SELECT count(*) FROM answers") == 0


async def test_another_request_under_the_same_id_is_refused(service: AuthProcess, ada: Account) -> None:
    request_id = str(uuid.uuid4())
    await service.auth.SignIn(rpc.SignInRequest(email=ada.email, password=PASSWORD, request_id=request_id))

    other = rpc.SignInRequest(email=ada.email, password=PASSWORD, organization="", request_id=request_id)
    other.email = "ADA@example.com"

    assert (await refusal(service.auth.SignIn(other))).reason == "REQUEST_ID_REUSED"


async def test_an_answer_with_tokens_is_stored_encrypted(service: AuthProcess, ada: Account, database: Database) -> None:
    request = rpc.SignInRequest(email=ada.email, password=PASSWORD, request_id=str(uuid.uuid4()))

    tokens = await service.auth.SignIn(request)

    [row] = await database.pool.fetch("SELECT answer FROM answers")
    for secret in (tokens.access_token, tokens.refresh_token, tokens.session):
        assert secret.encode() not in row["answer"]


async def test_what_is_stored_opens_nothing(service: AuthProcess, ada: Account, database: Database) -> None:
    """Whoever reads the database has no token, no link and no key."""
    tokens = await service.sign_in()
    [link] = await links(service, database, 1)

    rows = [
        str(dict(row))
        for name in ("sessions", "sign_ups", "outbox")
        for row in await database.pool.fetch(f"SELECT * FROM {name}")
    ]
    keys = [row["private_jwk"] for row in await database.pool.fetch("SELECT private_jwk FROM signing_keys")]

    for secret in (tokens.access_token, tokens.refresh_token.rpartition(".")[2], link.rpartition(".")[2]):
        assert not any(secret in row for row in rows)
    assert keys
    assert not any(b'"d"' in key or b"P-256" in key for key in keys)


async def test_a_text_that_cannot_be_stored_is_the_callers_mistake(service: AuthProcess, database: Database) -> None:
    form = rpc.SignUpRequest(email="new@example.com", password=PASSWORD, display_name="N\0")

    refused = await refusal(service.auth.SignUp(form))

    assert (refused.code.name, refused.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
    assert await announced(database) == {}


async def test_an_event_delivered_again_sends_no_second_mail(service: AuthProcess, ada: Account) -> None:
    for event_id in ("evt_1", "evt_1", "evt_2"):
        await service.parts.deliver(SignUpRepeated(ada.user), event_id)

    assert service.parts.mailer.count == 2
