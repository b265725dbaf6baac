"""The servers that the platform is measured beside: `python -m benchmarks.baselines NAME PORT`.

    echo     bare grpc.aio: answers GetUser with a fixed user
    chain    the same behind the whole middleware list, on the services' own loop
    bare     bare grpc.aio: GetUser is one asyncpg fetchrow; UpdateUser one asyncpg transaction of the same rows
    access   bare grpc.aio: answers CheckAccess with a fixed answer
    refresh  bare grpc.aio: RefreshToken is one ES256 signature and the same rows of the same tables, read by asyncpg
    fastapi  FastAPI + SQLAlchemy + joserfc: the peer that many would write

What they need comes in BENCH_* variables.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import uvloop
from joserfc import jws
from joserfc.jwk import ECKey

from trellis.auth.v1 import access_service_pb2 as access_rpc
from trellis.auth.v1 import access_service_pb2_grpc as access_grpc
from trellis.auth.v1 import resources_pb2 as auth_pb
from trellis.auth.v1 import service_pb2 as auth_rpc
from trellis.auth.v1 import service_pb2_grpc as auth_grpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1 import service_pb2_grpc as base

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def user_message(row: Any) -> pb.User:
    """Return the same message the user service answers with."""
    return pb.User(
        name=row["name"],
        email=row["email"],
        display_name=row["display_name"],
        language_code=row["language_code"],
        time_zone=row["time_zone"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        etag=f'"{row["version"]:x}"',
    )


FIXED = {
    "name": "users/usr_01",
    "email": "ada@example.com",
    "display_name": "Ada",
    "language_code": "",
    "time_zone": "",
    "create_time": NOW,
    "update_time": NOW,
    "version": 1,
}


class Echo(base.UserServiceServicer):
    """Answers from memory."""

    async def GetUser(self, request: rpc.GetUserRequest, context: Any) -> pb.User:
        return user_message(FIXED)


class Bare(base.UserServiceServicer):
    """What somebody would write with nothing but grpc.aio and asyncpg."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def GetUser(self, request: rpc.GetUserRequest, context: Any) -> pb.User:
        return user_message(await self._pool.fetchrow("SELECT * FROM users WHERE name = $1", request.name))

    async def UpdateUser(self, request: rpc.UpdateUserRequest, context: Any) -> pb.User:
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "UPDATE users SET display_name = $2, update_time = now(), version = version + 1 WHERE name = $1 RETURNING *",
                request.user.name,
                request.user.display_name,
            )
            answer = user_message(row)
            await connection.execute(
                "INSERT INTO bench_outbox (id, topic, subject, time, traceparent, data) VALUES ($1, $2, $3, now(), '', $4)",
                request.request_id,
                "user.v1.user_updated",
                request.user.name,
                answer.SerializeToString(),
            )
            await connection.execute(
                "INSERT INTO bench_answers (key, fingerprint, answer, create_time) VALUES ($1, $2, $3, now())",
                request.request_id.encode(),
                b"f" * 32,
                answer.SerializeToString(),
            )
        return answer


class BareAccess(access_grpc.AccessServiceServicer):
    """Answers from memory."""

    async def CheckAccess(self, request: access_rpc.CheckAccessRequest, context: Any) -> access_rpc.CheckAccessResponse:
        return access_rpc.CheckAccessResponse(
            allowed=True,
            role="roles/admin",
            source="organizations/org_01/roleBindings/rbd_01",
            resource=request.resource,
            explanation="organizations/org_01/roleBindings/rbd_01 gives roles/admin on organizations/org_01/projects/9.",
        )


class BareRefresh(auth_grpc.AuthServiceServicer):
    """Reads the session, and what its user may do in its organization, rotates it and signs one token."""

    def __init__(self, pool: Any, users: Any) -> None:
        self._pool, self._users = pool, users
        self._key = ECKey.generate_key("P-256", {"kid": "bench"})

    async def RefreshToken(self, request: auth_rpc.RefreshTokenRequest, context: Any) -> auth_pb.TokenSet:
        name, _, generation = request.refresh_token.partition(" ")
        session = await self._pool.fetchrow("SELECT * FROM sessions WHERE name = $1", name)
        if session["organization"]:
            await self._users.fetchrow(
                'SELECT * FROM memberships WHERE organization = $1 AND "user" = $2', session["organization"], session["user"]
            )
            await self._pool.fetch(
                "SELECT * FROM role_bindings WHERE organization = $1 AND subject = $2",
                session["organization"],
                session["user"],
            )
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "UPDATE sessions SET generation = generation + 1, rotate_time = now(), last_refresh_time = now()"
                " WHERE name = $1 AND generation = $2 RETURNING *",
                name,
                int(generation),
            )
        return self._answer(row)

    def _answer(self, row: Any) -> auth_pb.TokenSet:
        now_s = int(time.time())
        claims = {
            "iss": "bench",
            "aud": "bench",
            "sub": row["user"],
            "session": row["name"],
            "iat": now_s,
            "exp": now_s + 300,
        }
        header = {"alg": "ES256", "typ": "at+jwt", "kid": "bench"}
        return auth_pb.TokenSet(
            access_token=jws.serialize_compact(header, json.dumps(claims), self._key, algorithms=["ES256"]),
            token_type="Bearer",
            refresh_token=f"{row['name']} {row['generation']}",
            session=row["name"],
            user=row["user"],
            organization=row["organization"],
        )


async def serve_grpc(
    port: int, servicer: Any, add: Callable[[Any, grpc.aio.Server], None] = base.add_UserServiceServicer_to_server
) -> None:
    """Serve without any interceptor."""
    server = grpc.aio.server()
    add(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


async def _echo(port: int) -> None:
    await serve_grpc(port, Echo())  # type: ignore[abstract]  # answers what is measured, nothing else


async def _bare(port: int) -> None:
    import asyncpg

    pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=8, max_size=8)
    await serve_grpc(port, Bare(pool))  # type: ignore[abstract]


async def _access(port: int) -> None:
    await serve_grpc(port, BareAccess(), access_grpc.add_AccessServiceServicer_to_server)  # type: ignore[abstract]


async def _refresh(port: int) -> None:
    import asyncpg

    pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=8, max_size=8)
    users = await asyncpg.create_pool(os.environ["BENCH_USERS_URL"], min_size=8, max_size=8)
    await serve_grpc(port, BareRefresh(pool, users), auth_grpc.add_AuthServiceServicer_to_server)  # type: ignore[abstract]


async def _chain(port: int) -> None:
    """Serve the echo behind everything that stands around a real RPC."""
    from services.chassis import memory, telemetry
    from services.chassis.bus.valkey import connect_valkey
    from services.chassis.clock import utc_now
    from services.chassis.config import ServiceConfig
    from services.chassis.keys import Keyring
    from services.chassis.limits import TokenBucket
    from services.chassis.rpc.server import Guards, Servicer, build_server
    from services.chassis.tokens import ACCESS, SERVICE, TokenVerifier, static_keys

    config = ServiceConfig.load()
    telemetry.start("user", config)
    keys = static_keys(os.environ["BENCH_JWKS"])
    users = TokenVerifier(keys, kind=ACCESS, audience=config.audience, issuer=config.issuer, clock=utc_now)
    services = TokenVerifier(keys, kind=SERVICE, audience=config.audience, issuer=None, clock=utc_now)
    buckets = TokenBucket(connect_valkey(config.valkey_url.get_secret_value()), on_failure="open")
    keyring = Keyring(bytes(32))
    guards = Guards("user", users, services, keyring, buckets, config.max_concurrent_calls, set())
    echo = Echo()  # type: ignore[abstract]
    descriptor = rpc.DESCRIPTOR.services_by_name["UserService"]
    memory.settle()
    server, _ = build_server([Servicer(descriptor, base.add_UserServiceServicer_to_server, echo)], guards)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


async def _fastapi(port: int) -> None:
    """Serve the peer: the same JSON of the same row, after the same check of the same token."""
    import uvicorn
    from fastapi import Depends, FastAPI, Header, HTTPException
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    url = os.environ["BENCH_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=8, max_overflow=0)
    keys = KeySet.import_key_set(json.loads(os.environ["BENCH_JWKS"]))
    claims = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": "https://auth.trellis.local"}, aud={"essential": True, "value": "trellis"}
    )
    app = FastAPI()

    async def caller(authorization: str = Header()) -> str:
        try:
            token = jwt.decode(authorization.removeprefix("Bearer "), keys, algorithms=["ES256"])
            claims.validate(token.claims)
        except JoseError as error:
            raise HTTPException(401) from error
        return str(token.claims["sub"])

    @app.get("/v1/users/{user}")
    async def get_user(user: str, subject: str = Depends(caller)) -> dict[str, Any]:
        async with engine.connect() as connection:
            result = await connection.execute(text("SELECT * FROM users WHERE name = :name"), {"name": subject})
            row = result.mappings().one()
        return {
            "name": row["name"],
            "email": row["email"],
            "displayName": row["display_name"],
            "languageCode": row["language_code"],
            "timeZone": row["time_zone"],
            "createTime": row["create_time"],
            "updateTime": row["update_time"],
            "etag": f'"{row["version"]:x}"',
        }

    await uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False)).serve()


SERVERS: dict[str, Callable[[int], Awaitable[None]]] = {
    "echo": _echo,
    "chain": _chain,
    "bare": _bare,
    "access": _access,
    "refresh": _refresh,
    "fastapi": _fastapi,
}


if __name__ == "__main__":
    run = uvloop.run if sys.argv[1] == "chain" else asyncio.run  # the chain is ours, and has our loop
    run(SERVERS[sys.argv[1]](int(sys.argv[2])))  # type: ignore[arg-type]
