"""Whatever fails at the edge answers REST callers with a google.rpc.Status that has exactly one declared ErrorInfo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2

from compiler import answers, buf, reader
from tests.component.edge.test_edge import verify
from tests.fakes.edge import Edge, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTRACT = reader.read(buf.image(source_info=False))
COMMON = CONTRACT.reasons("common")
JSON = {"content-type": "application/json"}
ME, SIGN_IN, MEMBERS = "/v1/users/me", "/v1/auth:signIn", "/v1/organizations/org_a/memberships"
GET_USER = "/trellis.user.v1.UserService/GetUser"


class Refusal(NamedTuple):
    """One request that the edge refuses."""

    name: str
    verb: str
    path: str
    status: int
    reason: str
    message: str
    """A part of the message."""
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    signed: bool = False
    numbered: bool = True
    """Whether the request got an id before it was refused."""


REFUSALS = [
    Refusal("no token", "GET", ME, 401, "TOKEN_INVALID", "missing or not valid"),
    Refusal("a bad token", "GET", ME, 401, "TOKEN_INVALID", "not valid", {"authorization": "Bearer x.y.z"}),
    Refusal("an unknown path", "GET", "/v1/nothing", 404, "ENDPOINT_UNKNOWN", "Nothing is served", signed=True),
    Refusal("a wrong verb", "PUT", ME, 404, "ENDPOINT_UNKNOWN", "Nothing is served", signed=True),
    Refusal("broken JSON", "POST", SIGN_IN, 400, "REQUEST_INVALID", "Unexpected end of string", JSON, b'{"email":'),
    Refusal("no JSON", "POST", SIGN_IN, 400, "REQUEST_INVALID", "Unexpected token", JSON, b"email=a"),
    Refusal("a wrong type", "POST", SIGN_IN, 400, "REQUEST_INVALID", "email", JSON, b'{"email":{"a":1}}'),
    Refusal("an unknown enum value", "POST", MEMBERS, 400, "REQUEST_INVALID", "NOPE", JSON, b'{"role":"NOPE"}', signed=True),
    Refusal("an unknown query parameter", "GET", f"{ME}?nmae=x", 400, "REQUEST_INVALID", '"nmae"', signed=True),
    Refusal("a number that is none", "GET", f"{MEMBERS}?pageSize=x", 400, "REQUEST_INVALID", "page_size", signed=True),
    Refusal(
        "a body over the limit",
        "POST",
        SIGN_IN,
        413,
        "REQUEST_TOO_LARGE",
        "larger than 1 MB",
        JSON,
        b'{"email":"' + b"a" * 1_100_000 + b'"}',
    ),
    Refusal(
        "a header with an underscore",
        "GET",
        ME,
        400,
        "REQUEST_INVALID",
        "a header is malformed",
        {"x_a": "1"},
        numbered=False,
    ),
    Refusal("an escaped slash", "GET", "/v1/users/a%2Fb", 400, "REQUEST_INVALID", "its path", numbered=False),
    Refusal("an unknown method", "BREW", ME, 400, "REQUEST_INVALID", "malformed", numbered=False),
    Refusal(
        "large headers", "GET", ME, 431, "REQUEST_INVALID", "headers are too large", {"x-a": "a" * 40_000}, numbered=False
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    async with running(CONTRACT, tmp_path_factory.mktemp("failures")) as edge:
        yield edge


async def sent(live: Edge, refusal: Refusal) -> tuple[int, dict[str, str], bytes]:
    headers = {**refusal.headers, **({"authorization": f"Bearer {live.token()}"} if refusal.signed else {})}
    found: tuple[int, dict[str, str], bytes] = await asyncio.to_thread(
        verify.send, live.base, refusal.verb, refusal.path, headers, refusal.body
    )
    return found


def status_of(body: bytes) -> tuple[status_pb2.Status, error_details_pb2.ErrorInfo]:
    """The status and its ErrorInfo. Every detail must be a known message, and one alone is an ErrorInfo."""
    status = json_format.Parse(body, status_pb2.Status())
    infos = []
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            infos.append(info)
    (info,) = infos
    return status, info


def detail(body: bytes, kind: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = [d for d in json.loads(body)["details"] if d["@type"].endswith(f"google.rpc.{kind}")]
    assert len(found) < 2
    return found[0] if found else None


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
async def test_a_refusal_is_a_status(live: Edge, refusal: Refusal) -> None:
    code, headers, body = await sent(live, refusal)
    status, info = status_of(body)
    assert (code, headers["content-type"]) == (refusal.status, "application/json")
    assert (info.reason, info.domain) == (refusal.reason, "trellis.edge")
    assert status.code == code_pb2.Code.Value(COMMON[refusal.reason].code)
    assert refusal.message in status.message
    asked = detail(body, "RequestInfo")
    assert (asked and asked["requestId"]) == (headers["x-request-id"] if refusal.numbered else None)


async def test_a_service_that_is_away_is_unavailable_for_a_while(live: Edge) -> None:
    user = live.probes[1]
    read = Refusal("", "GET", ME, 503, "DEPENDENCY_UNAVAILABLE", "does not answer", signed=True)
    await user.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    code, headers, body = await until(live, read, 503)
    await user.set("", health_pb2.HealthCheckResponse.SERVING)
    assert (code, status_of(body)[1].reason) == (503, "DEPENDENCY_UNAVAILABLE")
    assert (headers["retry-after"], detail(body, "RetryInfo")) == ("1", retry_info("1s"))
    await until(live, read, 200)


async def test_a_call_that_takes_too_long_is_cut(live: Edge) -> None:
    live.silent.add(GET_USER)
    for _ in range(5):  # the stub's own gRPC ends at the same moment; now and then it is first, and says less
        code, _, body = await sent(live, Refusal("", "GET", ME, 504, "DEADLINE_EXCEEDED", "", signed=True))
        assert code == 504
        if b"ErrorInfo" in body:
            break
    live.silent.clear()
    status, info = status_of(body)
    assert (info.reason, status.message) == ("DEADLINE_EXCEEDED", "The call ran out of time.")


async def test_too_many_calls_say_when_to_come_back(live: Edge) -> None:
    limited = Refusal("", "POST", "/v1/auth:resendVerification", 429, "RATE_LIMITED", "", JSON, b"{}")
    code, headers, body = await until(live, limited, 429)
    assert (code, status_of(body)[1].reason) == (429, "RATE_LIMITED")
    assert int(headers["retry-after"]) > 1
    assert detail(body, "RetryInfo") == retry_info(f"{headers['retry-after']}s")


async def test_what_a_service_says_of_coming_back_is_a_header(live: Edge) -> None:
    live.failing[GET_USER], live.waits[GET_USER] = grpc.StatusCode.RESOURCE_EXHAUSTED, "7"
    code, headers, _ = await sent(live, Refusal("", "GET", ME, 429, "", "", signed=True))
    live.failing.clear()
    live.waits.clear()
    assert (code, headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize("name", ["a'b", "a!", "ab-bin", "x.y", "A-B"])
async def test_a_header_that_grpc_does_not_know_is_no_fault(live: Edge, name: str) -> None:
    assert (await sent(live, Refusal("", "GET", ME, 200, "", "", {name: "!"}, signed=True)))[0] == 200


async def test_health_and_documents_are_not_taken_for_failures(live: Edge) -> None:
    _, headers, body = await sent(live, Refusal("", "GET", "/healthz", 200, "", ""))
    assert (headers["content-type"], body) == ("text/plain", b"ok\n")


async def test_every_reason_of_the_edge_is_declared() -> None:
    assert {reason for reason, _ in answers.EDGE.values()} <= COMMON.keys()


def retry_info(delay: str) -> dict[str, str]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


async def until(live: Edge, refusal: Refusal, status: int) -> tuple[int, dict[str, str], bytes]:
    """Ask until the answer has that status."""
    for _ in range(100):
        answer = await sent(live, refusal)
        if answer[0] == status:
            break
        await asyncio.sleep(0.05)
    return answer
