"""The whole table of attacks against everything that looks at access tokens.

A verifier is a door: it says what becomes of a token. A new one is one line in DOORS, and a table of its own for the attacks
that end otherwise by design, each with the reason. The edge's exchange of API keys is none: it is asked only where no token
was checked, and a token as a key, or a key as a token, is a column of `tests/generated/columns.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from compiler import buf, reader
from services.chassis.errors import Unauthenticated
from services.chassis.tokens import ACCESS, TokenVerifier, public_set, static_keys
from tests.component.refusals import refused_by
from tests.conftest import Time
from tests.fakes import edge, user_process
from tests.fakes.user import FakeUserStore
from tests.vectors.access_tokens import NAMES, OTHER_CURVE, Signer, attacks
from trellis.user.v1 import service_pb2 as rpc

pytestmark = pytest.mark.xdist_group("test_every_verifier.py")

TAKEN, REFUSED, UNSENDABLE = "taken", "refused", "cannot be sent"
SURELY_REFUSED_BYTES = 16 << 10
CURVE = ECKey.generate_key("P-384", {"kid": OTHER_CURVE})


@dataclass
class Door:
    """Something that looks at tokens."""

    signer: Signer
    verdict: Callable[[str], Awaitable[str]]
    """`taken`, `refused`, or why it cannot even be asked."""
    differs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Attacks that end otherwise, by design: how, and why."""
    attacks: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.attacks = attacks(self.signer)


@asynccontextmanager
async def chassis(_: Path) -> AsyncIterator[Door]:
    """The class by which every service verifies."""
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    keys = static_keys(public_set([key, CURVE]).decode())
    signer = Signer(key, "https://auth.test", "trellis", int(time.time()))
    verifier = TokenVerifier(
        keys, kind=ACCESS, audience=signer.audience, issuer=signer.issuer, clock=lambda: datetime.now(UTC)
    )

    async def verdict(token: str) -> str:
        try:
            await verifier.verify(token)
        except Unauthenticated:
            return REFUSED
        return TAKEN

    yield Door(signer, verdict)


@asynccontextmanager
async def service(_: Path) -> AsyncIterator[Door]:
    """A running service, called by gRPC."""
    clock = Time(datetime.now(UTC))
    signer = Signer(user_process.AUTH_KEY, user_process.ISSUER, user_process.AUDIENCE, int(clock().timestamp()))
    async with user_process.running(user_process.Parts(FakeUserStore().ports, clock)) as process:

        async def verdict(token: str) -> str:
            try:
                await process.users.GetUser(
                    rpc.GetUserRequest(name="users/usr_other"), metadata=(("authorization", f"Bearer {token}"),)
                )
            except grpc.aio.AioRpcError as error:
                return _by_grpc(error, token)
            except (ValueError, grpc.aio.InternalError):  # the client itself refuses to send it
                return UNSENDABLE
            return TAKEN

        yield Door(signer, verdict, SERVICE_DIFFERS)


def _by_grpc(error: grpc.aio.AioRpcError, token: str) -> str:
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and "metadata" in str(error.details()):
        # Between 8 and 16 kB gRPC refuses at random; what comes through is refused by the verifier.
        return UNSENDABLE if len(token) > SURELY_REFUSED_BYTES else REFUSED
    said = refused_by(error)
    if said.reason == "USER_NOT_VISIBLE":
        return TAKEN
    assert (error.code(), said.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID"), error
    return REFUSED


@asynccontextmanager
async def envoy(home: Path) -> AsyncIterator[Door]:
    """The edge, by REST: taken is what it passes on. Services verify again, so what it misses does not matter."""
    contract = reader.read(buf.image(source_info=False))
    async with edge.running(contract, home) as live:
        signer = Signer(live.keys[-1], edge.ISSUER, edge.AUDIENCE, int(time.time()))

        async def verdict(token: str) -> str:
            live.seen.clear()
            status = await asyncio.to_thread(_status, live.base, token)
            if live.came:
                return TAKEN
            assert status in (400, 401, 403, 431), status
            return REFUSED

        yield Door(signer, verdict, EDGE_DIFFERS)


def _status(base: str, token: str) -> int:
    """Ask with exactly these bytes, as no proper client would."""
    host, _, port = base.removeprefix("http://").partition(":")
    head = b"GET /v1/users/me HTTP/1.1\r\nhost: trellis\r\nconnection: close\r\nauthorization: Bearer "
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        with contextlib.suppress(OSError):  # it may not even read to the end
            connection.sendall(head + token.encode() + b"\r\n\r\n")
        answer = b""
        with contextlib.suppress(OSError):
            while b"\r\n" not in answer and (more := connection.recv(4096)):
                answer += more
    return int(answer.split()[1]) if answer else 431


LINE = "no header of HTTP/2 can hold it (RFC 9113 §8.2.1), so no caller can send it"
SIZE = "headers of a call have a limit, below which it is refused before anybody reads it"
AGAIN = (
    "the edge is the first lock, not the lock: it checks signature, issuer, audience and times; the rest is the service's"
)
LENIENT = "Envoy decodes base64url leniently; the service takes one spelling of a signature only"
HTTP = "what surrounds a header's value is no part of it (RFC 9110 §5.5): the good token arrives"
UNKNOWN_HEADERS = "Envoy does not know `crit`; it takes no key and no algorithm from a token, so the signature is good"

SERVICE_DIFFERS = {
    **dict.fromkeys(["line after", "line within", "no ascii", "nul"], (UNSENDABLE, LINE)),
    **dict.fromkeys(["kid of 1 MB", "of 3 MB"], (UNSENDABLE, SIZE)),
}
EDGE_DIFFERS = {
    **dict.fromkeys(["id token", "typ missing", "typ in capitals", "service token"], (TAKEN, AGAIN)),
    **dict.fromkeys(["aud a list", "kid missing", "iat missing", "iat in the future"], (TAKEN, AGAIN)),
    **dict.fromkeys(["exp missing", "exp a fraction", "exp huge"], (TAKEN, AGAIN)),
    **dict.fromkeys(["permissions a text", "permissions of objects"], (TAKEN, AGAIN)),
    **dict.fromkeys(["grants a list", "grants of texts", "grants of objects"], (TAKEN, AGAIN)),
    **dict.fromkeys(["crit", "crit empty"], (TAKEN, UNKNOWN_HEADERS)),
    **dict.fromkeys(["trailing bits", "padded"], (TAKEN, LENIENT)),
    **dict.fromkeys(["space before", "line after"], (TAKEN, HTTP)),
}

Opens = Callable[[Path], AbstractAsyncContextManager[Door]]
DOORS: dict[str, Opens] = {"chassis": chassis, "service": service, "envoy": envoy}
"""Everything that verifies access tokens, by name."""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=DOORS)
async def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """One verifier after the other."""
    async with DOORS[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield opened


@pytest.mark.asyncio(loop_scope="module")
async def test_a_good_token_is_taken(door: Door) -> None:
    assert await door.verdict(door.signer.token()) == TAKEN


def test_what_ends_otherwise_is_in_the_table() -> None:
    assert {*SERVICE_DIFFERS, *EDGE_DIFFERS} <= set(NAMES)
    assert {attack for attack, (verdict, _) in SERVICE_DIFFERS.items() if verdict == TAKEN} == set()


@pytest.mark.parametrize("attack", NAMES)
@pytest.mark.asyncio(loop_scope="module")
async def test_an_attack_is_refused(door: Door, attack: str) -> None:
    wanted, why = door.differs.get(attack, (REFUSED, ""))
    assert await door.verdict(door.attacks[attack]) == wanted, why
