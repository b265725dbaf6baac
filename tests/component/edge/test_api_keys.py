"""API keys at the edge: asked about where one is sent, and exchanged before any service sees the request."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2

from compiler import buf, reader
from services.auth.domain import MembershipUnavailable
from services.auth.handlers.key_exchange import TooManyGuesses
from tests.component.edge.test_edge import verify
from tests.component.edge.test_failures import detail, status_of
from tests.fakes.edge import Edge, new_key, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTRACT = reader.read(buf.image(source_info=False))
CLOSED = [rpc for rpc in CONTRACT.rpcs if rpc.policy.access in ("signed_in", "permission")]
PUBLIC = [rpc for rpc in CONTRACT.rpcs if rpc.policy.access == "public"]
ME = "/v1/users/me"
GET_USER = "/trellis.user.v1.UserService/GetUser"
GOOD, ROBOT = "trk_good", "organizations/org_a/serviceAccounts/sva_1"
INVALID = "The API key is not valid: it is unknown, expired or revoked."
Answered = tuple[int, dict[str, str], bytes]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    async with running(CONTRACT, tmp_path_factory.mktemp("api_keys")) as started:
        yield started


@pytest.fixture
def live(edge: Edge) -> Edge:
    """The edge, with one good key and nothing asked yet."""
    edge.api_keys = {GOOD: ROBOT}
    edge.asked.clear()
    edge.seen.clear()
    return edge


async def sent(live: Edge, verb: str = "GET", path: str = ME, **headers: str) -> Answered:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found: Answered = await asyncio.to_thread(verify.send, live.base, verb, path, named, None)
    return found


async def code_of(live: Edge, path: str, *metadata: tuple[str, str]) -> tuple[grpc.StatusCode, str]:
    async with grpc.aio.insecure_channel(live.target) as channel:
        try:
            call: Any = channel.unary_unary(path)
            await call(b"", metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error.code(), error.details() or ""
        return grpc.StatusCode.OK, ""


def refused(answer: Answered) -> tuple[int, str, str]:
    """Status, reason and message of a refusal, which is a google.rpc.Status of the edge."""
    code, headers, body = answer
    status, info = status_of(body)
    assert (headers["content-type"], info.domain) == ("application/json", "trellis.edge")
    return code, info.reason, status.message


async def test_a_service_gets_a_token_and_never_the_key(live: Edge) -> None:
    code, _, _ = await sent(live, x_api_key=GOOD)

    (seen,) = live.came
    token = seen.metadata["authorization"].removeprefix("Bearer ")
    claims = base64.urlsafe_b64decode(token.split(".")[1] + "==").decode()
    assert code == 200
    assert ROBOT in claims
    assert GOOD not in str(seen.metadata)
    assert live.asked == [(GOOD, "127.0.0.1")]


@pytest.mark.parametrize("rpc", CLOSED, ids=lambda rpc: rpc.full_name)
async def test_a_key_opens_every_closed_rpc_at_the_edge(live: Edge, rpc: Any) -> None:
    assert (await code_of(live, rpc.path, ("x-api-key", GOOD)))[0] is grpc.StatusCode.OK
    assert [seen.method for seen in live.came] == [rpc.path]
    assert (await code_of(live, rpc.path, ("x-api-key", "trk_bad"))) == (grpc.StatusCode.UNAUTHENTICATED, INVALID)


@pytest.mark.parametrize("rpc", PUBLIC, ids=lambda rpc: rpc.full_name)
async def test_a_public_rpc_does_not_ask(live: Edge, rpc: Any) -> None:
    assert (await code_of(live, rpc.path, ("x-api-key", "trk_bad")))[0] is grpc.StatusCode.OK
    assert live.asked == []
    assert "trk_bad" not in str([seen.metadata for seen in live.seen])


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/openapi.json"])
async def test_documents_do_not_ask(live: Edge, path: str) -> None:
    assert (await sent(live, path=path, x_api_key="trk_bad"))[0] == 200
    assert live.asked == []


async def test_without_a_key_nothing_is_asked(live: Edge) -> None:
    assert refused(await sent(live))[:2] == (401, "TOKEN_INVALID")
    assert (await sent(live, authorization=f"Bearer {live.token()}"))[0] == 200
    assert live.asked == []


async def test_an_empty_key_is_a_bad_one(live: Edge) -> None:
    assert refused(await sent(live, x_api_key="")) == (401, "API_KEY_INVALID", INVALID)


async def test_a_refused_key_is_told_in_the_words_of_auth(live: Edge) -> None:
    assert refused(await sent(live, x_api_key="trk_bad")) == (401, "API_KEY_INVALID", INVALID)
    assert live.came == []


async def test_grpc_web_gets_plain_text(live: Edge) -> None:
    _, headers, body = await sent(live, "POST", GET_USER, x_api_key="trk_bad", **verify.GRPC_WEB)

    assert headers["grpc-status"] == str(code_pb2.UNAUTHENTICATED)
    assert headers["grpc-message"].replace("%20", " ") == INVALID
    assert b"{" not in body


async def test_too_many_guesses_say_when_to_come_back(live: Edge) -> None:
    live.api_keys["trk_guess"] = TooManyGuesses(retry_after_s=7)

    answer = await sent(live, x_api_key="trk_guess")

    assert refused(answer)[:2] == (429, "RATE_LIMITED")
    assert answer[1]["retry-after"] == "7"
    code, _ = await code_of(live, GET_USER, ("x-api-key", "trk_guess"))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_what_cannot_be_decided_lets_nothing_through(live: Edge) -> None:
    live.api_keys["trk_undecided"] = MembershipUnavailable()

    answer = await sent(live, x_api_key="trk_undecided")

    assert refused(answer)[0] == 503
    assert detail(answer[2], "RetryInfo")
    assert live.came == []


async def test_a_token_and_a_key_together_are_refused(live: Edge) -> None:
    answer = await sent(live, x_api_key=GOOD, authorization=f"Bearer {live.token()}")

    assert refused(answer) == (401, "API_KEY_INVALID", "Send an access token or an API key, not both.")
    assert live.came == []


async def test_no_key_makes_up_for_a_bad_token(live: Edge) -> None:
    for case in verify.forgeries(live.token()):
        assert (case.name, refused(await sent(live, x_api_key=GOOD, **case.headers))[:2]) == (
            case.name,
            (401, "TOKEN_INVALID"),
        )
    for token in (live.token(exp=1), live.token(aud="else"), live.token(iss="services/user"), live.token(key=new_key("x"))):
        assert refused(await sent(live, x_api_key=GOOD, authorization=f"Bearer {token}"))[:2] == (401, "TOKEN_INVALID")
    assert (live.asked, live.came) == ([], [])


@pytest.mark.parametrize("header", ["x-user-id", "X-User-Id", "x-internal-user", "x-envoy-external-address"])
async def test_nobody_says_who_they_are_beside_a_key(live: Edge, header: str) -> None:
    await sent(live, x_api_key=GOOD, **{header: "users/usr_evil"})

    (seen,) = live.came
    assert "evil" not in str(seen.metadata)
    assert live.asked == [(GOOD, "127.0.0.1")]


async def test_two_keys_are_none(live: Edge) -> None:
    code, text = await code_of(live, GET_USER, ("x-api-key", GOOD), ("x-api-key", GOOD))

    assert (code, text) == (grpc.StatusCode.UNAUTHENTICATED, INVALID)


async def test_a_page_of_another_origin_may_send_one(live: Edge) -> None:
    _, headers, _ = await sent(
        live,
        "OPTIONS",
        origin="http://localhost:3000",
        access_control_request_method="GET",
        access_control_request_headers="x-api-key",
    )

    assert "x-api-key" in headers["access-control-allow-headers"]
    assert live.asked == []


async def test_auth_is_away(live: Edge) -> None:
    auth = live.probes[0]
    await auth.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    try:
        for _ in range(100):
            answer = await sent(live, x_api_key=GOOD)
            if answer[0] == 503:
                break
            await asyncio.sleep(0.1)
        assert refused(answer)[:2] == (503, "DEPENDENCY_UNAVAILABLE")
        assert detail(answer[2], "RetryInfo")
        assert (await sent(live, authorization=f"Bearer {live.token()}"))[0] == 200, "tokens are verified without auth"
    finally:
        await auth.set("", health_pb2.HealthCheckResponse.SERVING)
