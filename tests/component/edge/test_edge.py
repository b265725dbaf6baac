"""The edge by real requests: every RPC is routed, closed unless the contract opens it, and no trap is open."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import grpc
import pytest
import pytest_asyncio

from compiler import buf, reader
from compiler.model import Rpc
from tests.fakes.edge import Edge, new_key, running
from trellis.user.v1.service_pb2 import GetUserRequest


def _verify() -> ModuleType:
    path = buf.ROOT / "gateway-envoy/verify.py"
    spec = importlib.util.spec_from_file_location("verify", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify"] = module
    spec.loader.exec_module(module)
    return module


verify = _verify()
pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTRACT = reader.read(buf.image(source_info=False))
RPCS = CONTRACT.rpcs
PUBLIC = [rpc for rpc in RPCS if rpc.policy.access == "public"]
INTERNAL = [rpc for rpc in RPCS if rpc.policy.access == "internal"]
CLOSED = [rpc for rpc in RPCS if rpc.policy.access in ("signed_in", "permission")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    async with running(CONTRACT, tmp_path_factory.mktemp("edge")) as edge:
        yield edge


async def code_of(live: Edge, rpc: Rpc, *, metadata: Any = (), timeout_s: float | None = None) -> grpc.StatusCode:
    async with grpc.aio.insecure_channel(live.target) as channel:
        try:
            call: Any = channel.unary_unary(rpc.path)
            await call(b"", metadata=metadata, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.mark.parametrize("case", [case for case in verify.CASES if not case.service], ids=lambda case: case.name)
async def test_no_trap_is_open(live: Edge, case: Any) -> None:
    assert await asyncio.to_thread(verify.check, live.base, case, live.token()) == []


async def test_no_forged_token_is_taken(live: Edge) -> None:
    token = live.token()
    for case in verify.forgeries(token):
        assert (case.name, await asyncio.to_thread(verify.check, live.base, case, token)) == (case.name, [])


@pytest.mark.parametrize("rpc", CLOSED, ids=lambda rpc: rpc.full_name)
async def test_a_closed_rpc_is_routed_with_a_token_only(live: Edge, rpc: Rpc) -> None:
    assert await code_of(live, rpc) is grpc.StatusCode.UNAUTHENTICATED
    live.seen.clear()
    assert await code_of(live, rpc, metadata=bearer(live.token())) is grpc.StatusCode.OK
    assert [seen.method for seen in live.came] == [rpc.path]


@pytest.mark.parametrize("rpc", PUBLIC, ids=lambda rpc: rpc.full_name)
async def test_a_public_rpc_is_routed_without_a_token(live: Edge, rpc: Rpc) -> None:
    assert await code_of(live, rpc) is grpc.StatusCode.OK


@pytest.mark.parametrize("rpc", INTERNAL, ids=lambda rpc: rpc.full_name)
async def test_an_internal_rpc_is_not_routed(live: Edge, rpc: Rpc) -> None:
    live.seen.clear()
    assert await code_of(live, rpc, metadata=bearer(live.token())) is grpc.StatusCode.UNIMPLEMENTED
    assert live.came == []


@pytest.mark.parametrize("rpc", [rpc for rpc in RPCS if rpc.bindings], ids=lambda rpc: rpc.full_name)
async def test_each_rest_binding_reaches_its_rpc(live: Edge, rpc: Rpc) -> None:
    headers = {"authorization": f"Bearer {live.token()}", "content-type": "application/json"}
    for binding in rpc.bindings:
        live.seen.clear()
        path = binding.template.replace("{", "").replace("}", "").replace("=", "/").replace("*", "x")
        for variable in binding.variables:
            path = path.replace(f"/{variable.field}/", "/")
        body = b"{}" if binding.body else None
        status, _, text = await asyncio.to_thread(verify.send, live.base, binding.verb, path, headers, body)
        # The edge fetches keys by itself now and then; that is not this request.
        reached = [seen.method for seen in live.seen if seen.method == rpc.path or not seen.method.endswith("/GetJwks")]
        assert (status, set(reached)) == (200, {rpc.path}), text


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("expired", {"exp": int(time.time()) - 3600}),
        ("wrong audience", {"aud": "somebody-else"}),
        ("no audience", {"aud": ""}),
        ("wrong issuer", {"iss": "https://evil.test"}),
        ("issuer of a service", {"iss": "services/user"}),
        ("not yet valid", {"nbf": int(time.time()) + 3600}),
    ],
)
async def test_a_token_that_is_not_for_us_is_unauthenticated(live: Edge, name: str, claims: dict[str, Any]) -> None:
    token = live.token(**claims)
    case = verify.Case(name, "GET", "/v1/users/me", 401, "TOKEN_INVALID", signed=True)
    assert await asyncio.to_thread(verify.check, live.base, case, token) == []
    get_user = next(rpc for rpc in RPCS if rpc.name == "GetUser")
    assert await code_of(live, get_user, metadata=bearer(token)) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_service_token_is_not_taken(live: Edge) -> None:
    token = live.token(key=new_key("user"), typ="svc+jwt", iss="services/user", sub="services/user")
    case = verify.Case("service token", "GET", "/v1/users/me", 401, "TOKEN_INVALID", signed=True)
    assert await asyncio.to_thread(verify.check, live.base, case, token) == []


async def test_the_deadline_of_the_contract_reaches_the_service(live: Edge) -> None:
    get_user = next(rpc for rpc in RPCS if rpc.name == "GetUser")
    live.seen.clear()
    headers = {"authorization": f"Bearer {live.token()}"}
    await asyncio.to_thread(verify.send, live.base, "GET", "/v1/users/me", headers, None)
    await code_of(live, get_user, metadata=bearer(live.token()), timeout_s=30)
    await code_of(live, get_user, metadata=bearer(live.token()), timeout_s=1)
    rest_s, long_s, short_s = (seen.remaining_s or 0 for seen in live.came)
    assert get_user.policy.timeout_s == 2
    assert 1.5 < rest_s <= 2
    assert 1.5 < long_s <= 2
    assert 0.5 < short_s < 1.1


async def test_only_reads_are_repeated(live: Edge) -> None:
    for name, calls in (("GetUser", 3), ("UpdateUser", 1)):
        rpc = next(rpc for rpc in RPCS if rpc.name == name)
        live.failing[rpc.path] = grpc.StatusCode.UNAVAILABLE
        live.seen.clear()
        assert await code_of(live, rpc, metadata=bearer(live.token())) is grpc.StatusCode.UNAVAILABLE
        del live.failing[rpc.path]
        assert (name, len(live.came)) == (name, calls)


async def test_services_get_the_token_and_the_idempotency_key_but_nothing_forged(live: Edge) -> None:
    live.seen.clear()
    headers = {
        "authorization": f"Bearer {live.token()}",
        "content-type": "application/json",
        "idempotency-key": "k-1",
        "x-user-id": "users/usr_evil",
        "x-internal-user": "users/usr_evil",
        "x-request-id": "forged",
    }
    await asyncio.to_thread(verify.send, live.base, "PATCH", "/v1/users/me", headers, b'{"displayName":"x"}')
    (seen,) = live.came
    assert seen.metadata["authorization"] == headers["authorization"]
    assert seen.metadata["idempotency-key"] == "k-1"
    assert seen.metadata["x-envoy-original-path"] == "/v1/users/me"
    assert "evil" not in str(seen.metadata)
    assert "forged" not in str(seen.metadata)


async def test_grpc_may_be_compressed(live: Edge) -> None:
    get_user = next(rpc for rpc in RPCS if rpc.name == "GetUser")
    long = GetUserRequest(name="a" * 10_000).SerializeToString()  # short messages are sent as they are
    async with grpc.aio.insecure_channel(live.target, compression=grpc.Compression.Gzip) as channel:
        call: Any = channel.unary_unary(get_user.path)
        await call(long, metadata=bearer(live.token()))


async def test_too_many_calls_are_told_when_to_come_back(live: Edge) -> None:
    resend = next(rpc for rpc in RPCS if rpc.name == "ResendVerification")
    limit = resend.policy.rate_limit
    assert limit
    path, headers = resend.bindings[0].template, {"content-type": "application/json"}
    for _ in range(limit.burst + 1):
        status, answer, body = await asyncio.to_thread(verify.send, live.base, "POST", path, headers, b"{}")
    assert (status, verify.reason_of(body)) == (429, "RATE_LIMITED")
    assert int(answer["retry-after"]) == limit.per_s / limit.refill
    assert await code_of(live, resend) is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_new_key_is_taken_without_a_restart(live: Edge) -> None:
    live.keys.append(new_key("k2"))
    get_user = next(rpc for rpc in RPCS if rpc.name == "GetUser")
    for _ in range(60):  # the edge asks every 15 s
        if (code := await code_of(live, get_user, metadata=bearer(live.token()))) is grpc.StatusCode.OK:
            break
        await asyncio.sleep(0.5)
    assert code is grpc.StatusCode.OK
    assert await code_of(live, get_user, metadata=bearer(live.token(key=live.keys[0]))) is grpc.StatusCode.OK


async def test_the_frame_and_the_config_of_the_services_agree() -> None:
    from services.chassis.config import ServiceConfig

    frame = (buf.ROOT / "gateway-envoy/frame.yaml").read_text()
    assert f"issuer: {ServiceConfig.model_fields['issuer'].default} " in frame
    assert f"audiences: [{ServiceConfig.model_fields['audience'].default}]" in frame


async def test_every_rpc_has_exactly_one_route_unless_it_is_internal() -> None:
    from compiler.targets import envoy

    routes = {rpc.path for rpc in RPCS if rpc.policy.access != "internal"}
    document = envoy.render(CONTRACT)[envoy.PATH]
    assert all(document.count(f'"path": "{path}"') == 1 for path in routes)
    assert all(rpc.path not in document for rpc in INTERNAL)
