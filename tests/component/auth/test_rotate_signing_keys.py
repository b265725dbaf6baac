"""SigningKeyService.RotateSigningKeys, and what rotation does to verifiers that learn of it late."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from grpc import StatusCode
from joserfc.jwk import ECKey

from services.auth.domain import Account, Permitted, Session
from services.auth.handlers import KeyHandlers
from services.auth.handlers.keys import Rotation
from services.auth.handlers.tokens import Tokens
from services.chassis.errors import Unauthenticated, Unavailable
from services.chassis.tokens import ACCESS, LEEWAY_S, Keys, TokenVerifier, sign
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth import FakeAuthStore
from tests.fakes.auth_process import AUDIENCE, ISSUER, ROTATION, AuthProcess
from trellis.auth.v1 import signing_key_service_pb2 as rpc

LIVE = Rotation(activation=timedelta(minutes=10), lifetime=timedelta(minutes=5), every=timedelta(days=30))
"""As it is by default."""


async def rotate(service: AuthProcess, caller: str = "operator", **values: object) -> rpc.SigningKeys:
    request = rpc.RotateSigningKeysRequest(**values)  # type: ignore[arg-type]
    answer: rpc.SigningKeys = await service.signing_keys.RotateSigningKeys(request, metadata=service.called_by(caller))
    return answer


async def test_publishes_a_key_that_signs_later_and_ends_the_others_later_still(service: AuthProcess, time: Time) -> None:
    answer = await rotate(service)

    old, new = answer.keys
    now_s = int(time().timestamp())
    assert answer.signing_kid == old.kid
    assert new.sign_from_time.seconds == now_s + 120
    assert old.retire_time.seconds == now_s + 120 + 300 + LEEWAY_S
    assert not new.HasField("retire_time")


async def test_nobody_else_rotates(service: AuthProcess, store: FakeAuthStore) -> None:
    refused = await refusal(rotate(service, "user"))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert len(store.tables.signing_keys) == 1


async def test_validate_only_makes_no_key(service: AuthProcess, store: FakeAuthStore) -> None:
    answer = await rotate(service, validate_only=True)

    assert len(answer.keys) == 2
    assert len(store.tables.signing_keys) == 1


async def test_rotations_at_once_leave_one_key_without_an_end(service: AuthProcess, store: FakeAuthStore) -> None:
    await asyncio.gather(*(rotate(service) for _ in range(20)))

    endless = [key.kid for key in store.tables.signing_keys.values() if key.retire_time is None]
    assert (len(store.tables.signing_keys), len(endless)) == (21, 1)


async def test_it_rotates_by_itself_once_the_key_is_old(service: AuthProcess, store: FakeAuthStore, time: Time) -> None:
    keys = service.parts.keys
    time.move(days=30, seconds=-1)
    await keys.rotate_old_keys()
    assert len(store.tables.signing_keys) == 1

    time.move(seconds=1)
    await asyncio.gather(*(keys.rotate_old_keys() for _ in range(5)))

    assert len(store.tables.signing_keys) == 2


async def test_the_operator_may_keep_it_from_rotating(store: FakeAuthStore, service: AuthProcess, time: Time) -> None:
    never = Rotation(ROTATION.activation, ROTATION.lifetime, every=timedelta(0))
    keys = KeyHandlers(store.ports.keys, store.ports.begin, time, service.parts.ids.new, never)
    time.move(days=1000)

    await keys.rotate_old_keys()

    assert len(store.tables.signing_keys) == 1


@dataclass(slots=True)
class Verifier:
    """A service that verifies tokens, and can be cut off from auth's keys."""

    keys: KeyHandlers
    clock: Time
    cut_off: bool = False
    false_rejects: int = 0
    accepted_forgeries: int = 0
    verifying: TokenVerifier = field(init=False)

    def __post_init__(self) -> None:
        known = Keys(self._fetch, monotonic=lambda: self.clock().timestamp())
        self.verifying = TokenVerifier(known, kind=ACCESS, audience=AUDIENCE, issuer=ISSUER, clock=self.clock)

    async def accepts(self, token: str) -> bool:
        """Whether it lets a call with this token through."""
        try:
            await self.verifying.verify(token)
        except Exception:
            return False
        return True

    async def refuses_for_good(self, token: str) -> bool:
        """Whether it says that the token is wrong, and not only that it cannot tell."""
        try:
            await self.verifying.verify(token)
        except Unauthenticated:
            return True
        except Unavailable:
            return False
        return False

    async def _fetch(self) -> bytes:
        if self.cut_off:
            raise ConnectionError
        return await self.keys.get_jwks()


async def test_five_rotations_under_load_refuse_no_token_and_accept_no_retired_key(
    store: FakeAuthStore, service: AuthProcess, ada: Account, time: Time
) -> None:
    """R23: one verifier asks in time, one has a stale key set, one is cut off around every beginning of a new key."""
    keys = KeyHandlers(store.ports.keys, store.ports.begin, time, service.parts.ids.new, LIVE)
    tokens = Tokens(service.parts.keyring, keys, time, service.parts.ids.new, ISSUER, AUDIENCE, LIVE.lifetime)
    prompt, stale, cut_off = verifiers = [Verifier(keys, time) for _ in range(3)]
    alive: list[tuple[str, float]] = []
    retired: list[ECKey] = []

    async def step(seconds: int) -> None:
        """Let time pass: tokens are issued and used all the while, and old keys are tried to forge some."""
        time.move(seconds=seconds)
        now_s = time().timestamp()
        alive[:] = [(token, end_s) for token, end_s in alive if now_s < end_s]
        for _ in range(3):
            token = await issued(tokens, ada, time)
            alive.append((token, now_s + LIVE.lifetime.total_seconds()))
        for verifier in verifiers:
            verdicts = await asyncio.gather(*(verifier.accepts(token) for token, _ in alive))
            verifier.false_rejects += verdicts.count(False)
            forged = [forgery(key, ada, now_s) for key in retired]
            verifier.accepted_forgeries += sum([await verifier.accepts(token) for token in forged])

    await step(0)
    for _ in range(5):
        old = await keys.signing_key()
        await stale.verifying._keys.refresh()  # a moment before: it does not know the new key for as long as can be
        await keys.rotate_signing_keys()
        for _ in range(54):
            await step(10)
        cut_off.cut_off = True  # a minute before the new key signs, for five minutes
        for _ in range(30):
            await step(10)
        cut_off.cut_off = False
        for _ in range(16):
            await step(10)
        retired.append(old)
        for _ in range(30):
            await step(10)

    assert [verifier.false_rejects for verifier in verifiers] == [0, 0, 0]
    assert [verifier.accepted_forgeries for verifier in verifiers] == [0, 0, 0]
    assert len(retired) == 5
    assert prompt is not stale


async def test_a_verifier_cut_off_for_longer_cannot_tell_and_does_not_say_wrong(
    store: FakeAuthStore, service: AuthProcess, ada: Account, time: Time
) -> None:
    keys = KeyHandlers(store.ports.keys, store.ports.begin, time, service.parts.ids.new, LIVE)
    tokens = Tokens(service.parts.keyring, keys, time, service.parts.ids.new, ISSUER, AUDIENCE, LIVE.lifetime)
    verifier = Verifier(keys, time)
    assert await verifier.accepts(await issued(tokens, ada, time))
    verifier.cut_off = True
    await keys.rotate_signing_keys()
    time.move(minutes=11)
    token = await issued(tokens, ada, time)

    assert not await verifier.accepts(token)
    assert not await verifier.refuses_for_good(token)
    verifier.cut_off = False
    time.move(seconds=1)
    assert await verifier.accepts(token)


async def issued(tokens: Tokens, account: Account, time: Time) -> str:
    """Return a fresh access token."""
    now = time()
    session = Session(f"{account.user}/sessions/ses_1", account.user, "", "", now, now, now)
    return tokens.issue(await tokens.signing_key(), session, Permitted(), at=now).access_token


def forgery(key: ECKey, account: Account, now_s: float) -> str:
    """Return what somebody who got hold of a key would make with it."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": account.user, "iat": int(now_s), "exp": int(now_s) + 300}
    return sign(key, ACCESS, claims)


async def test_a_verifier_that_missed_a_rotation_accepts_nothing_of_the_key_that_it_ended(
    store: FakeAuthStore, service: AuthProcess, ada: Account, time: Time
) -> None:
    keys = KeyHandlers(store.ports.keys, store.ports.begin, time, service.parts.ids.new, LIVE)
    tokens = Tokens(service.parts.keyring, keys, time, service.parts.ids.new, ISSUER, AUDIENCE, LIVE.lifetime)
    verifier, stolen = Verifier(keys, time), await keys.signing_key()
    assert await verifier.accepts(await issued(tokens, ada, time))
    verifier.cut_off = True
    await keys.rotate_signing_keys()
    accepted = []
    for minutes in (0, 5, 10, 0.4, 0.1, 60):
        time.move(minutes=minutes)
        accepted.append(await verifier.accepts(forgery(stolen, ada, time().timestamp())))

    assert accepted == [True, True, True, True, False, False], "the key ends 15.5 minutes after the rotation"
