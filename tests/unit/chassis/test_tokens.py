"""Verification of access tokens: the table of attacks, and keys that rotate."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey

from services.chassis.errors import Unauthenticated, Unavailable
from services.chassis.principal import Principal
from services.chassis.tokens import (
    ACCESS,
    LEEWAY_S,
    SERVICE,
    Keys,
    ServiceTokens,
    TokenVerifier,
    public_set,
    sign,
    static_keys,
)
from tests.conftest import NOON, Time
from tests.vectors.access_tokens import NAMES, OTHER_CURVE, Signer, attacks

ISSUER, AUDIENCE = "https://auth.test", "trellis"
NOW_S = int(NOON.timestamp())
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
ES384 = ECKey.generate_key("P-384", {"kid": OTHER_CURVE})
ADA = Principal(
    "users/usr_ada",
    "organizations/org_acme",
    frozenset({"users.list"}),
    "users/usr_ada/sessions/ses_1",
    float(NOW_S + 300),
    float(NOW_S),
)


def verifier(clock: Time, *, kind: str = ACCESS, issuer: str | None = ISSUER, keys: Keys | None = None) -> TokenVerifier:
    keys = keys or static_keys(public_set([KEY, ES384]).decode())
    return TokenVerifier(keys, kind=kind, audience=AUDIENCE, issuer=issuer, clock=clock)


SIGNER = Signer(KEY, ISSUER, AUDIENCE, NOW_S)
HEADER, CLAIMS, OK = SIGNER.header, SIGNER.claims, SIGNER.token()
ATTACKS = attacks(SIGNER)
token, without = SIGNER.token, SIGNER.without


async def test_a_good_token_names_its_caller(time: Time) -> None:
    assert await verifier(time).verify(OK) == ADA


async def test_a_token_says_when_its_session_began(time: Time) -> None:
    token = sign(KEY, ACCESS, {**CLAIMS, "auth_time": NOW_S - 60})

    assert (await verifier(time).verify(token)).auth_time_s == NOW_S - 60


@pytest.mark.parametrize("auth_time", ["1", 1.5, -1, True, None])
async def test_a_time_that_is_none_is_refused(time: Time, auth_time: Any) -> None:
    with pytest.raises(Unauthenticated):
        await verifier(time).verify(sign(KEY, ACCESS, {**CLAIMS, "auth_time": auth_time}))


async def test_a_token_without_an_organization_permits_nothing(time: Time) -> None:
    small = token(claims=without("organization", "permissions", "session"))

    nobody_there = Principal("users/usr_ada", expires_at_s=float(NOW_S + 300), issued_at_s=float(NOW_S))
    assert await verifier(time).verify(small) == nobody_there


async def test_grants_are_permissions_by_resource(time: Time) -> None:
    team = "organizations/org_acme/teams/team_1"

    principal = await verifier(time).verify(token(grants={team: ["users.list", "teams.get"]}))

    assert principal == replace(ADA, grants={team: frozenset({"users.list", "teams.get"})})


@pytest.mark.parametrize("attack", NAMES)
async def test_an_attack_is_refused_in_the_same_words(time: Time, attack: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await verifier(time).verify(ATTACKS[attack])

    assert refused.value.message == "The access token is not valid; refresh it or sign in again."
    assert (refused.value.reason, refused.value.metadata) == ("TOKEN_INVALID", {})


@pytest.mark.parametrize("attack", ["of 3 MB", "kid of 1 MB", "five segments", "garbage"])
async def test_what_cannot_be_a_token_asks_nobody_for_keys(time: Time, attack: str) -> None:
    jwks = Jwks(KEY)

    with pytest.raises(Unauthenticated):
        await verifier(time, keys=Keys(jwks.fetch)).verify(ATTACKS[attack])

    assert jwks.fetched == 0


async def test_clocks_may_differ_a_little(time: Time) -> None:
    assert (await verifier(time).verify(token(iat=NOW_S + LEEWAY_S, nbf=NOW_S + LEEWAY_S))).subject == ADA.subject
    assert (await verifier(time).verify(token(exp=NOW_S - LEEWAY_S + 1))).subject == ADA.subject


@pytest.mark.parametrize("late", [{"iat": NOW_S + LEEWAY_S + 1}, {"nbf": NOW_S + LEEWAY_S + 1}, {"exp": NOW_S - LEEWAY_S}])
async def test_they_may_not_differ_by_a_second_more(time: Time, late: dict[str, Any]) -> None:
    await refused(verifier(time), token(**late))


async def test_a_remembered_token_ends_as_any_other(time: Time) -> None:
    remembering = verifier(time)
    await remembering.verify(OK)

    time.move(seconds=300 + LEEWAY_S - 1)
    assert await remembering.verify(OK) == ADA
    time.move(seconds=1)

    with pytest.raises(Unauthenticated):
        await remembering.verify(OK)


async def test_a_token_says_to_the_millisecond_when_it_was_issued(time: Time) -> None:
    principal = await verifier(time).verify(token(iat_ms=NOW_S * 1000 + 999, api_key="organizations/o/apiKeys/k"))

    assert (principal.issued_at_s, principal.api_key) == (NOW_S + 0.999, "organizations/o/apiKeys/k")


@pytest.mark.parametrize("iat_ms", [NOW_S * 1000 - 1, NOW_S * 1000 + 1000, NOW_S * 1000.5, "1", True, None])
async def test_a_finer_time_that_is_another_time_is_refused(time: Time, iat_ms: Any) -> None:
    with pytest.raises(Unauthenticated):
        await verifier(time).verify(token(iat_ms=iat_ms))


async def test_a_revoked_token_is_refused_though_it_is_remembered(time: Time) -> None:
    revoked: list[Principal] = []
    keys = static_keys(public_set([KEY]).decode())
    asking = TokenVerifier(
        keys, kind=ACCESS, audience=AUDIENCE, issuer=ISSUER, clock=time, revoked=lambda principal: principal in revoked
    )
    assert await asking.verify(OK) == ADA

    revoked.append(ADA)

    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            await asking.verify(OK)
        assert refused.value.message == "The access token is not valid; refresh it or sign in again."


class Jwks:
    """A key set that counts how often it is fetched."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = list(keys)
        self.fetched = 0
        self.down = False

    async def fetch(self) -> bytes:
        self.fetched += 1
        await asyncio.sleep(0)
        if self.down:
            raise ConnectionError
        return public_set(self.keys)


class Monotonic:
    """Seconds that pass when told."""

    at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


async def refused(checking: TokenVerifier, bad: str) -> None:
    with pytest.raises(Unauthenticated):
        await checking.verify(bad)


async def test_an_unknown_key_is_asked_for_at_most_once_a_minute(time: Time) -> None:
    jwks, monotonic = Jwks(KEY), Monotonic()
    checking = verifier(time, keys=Keys(jwks.fetch, monotonic=monotonic))
    await checking.verify(OK)
    assert jwks.fetched == 1

    await refused(checking, token({**HEADER, "kid": "k8"}))
    monotonic.at_s += 59.9
    await refused(checking, token({**HEADER, "kid": "k9"}))
    assert jwks.fetched == 1

    monotonic.at_s += 0.1
    await refused(checking, token({**HEADER, "kid": "k9"}))
    await refused(checking, token({**HEADER, "kid": "k9"}))
    assert jwks.fetched == 2


async def test_a_new_key_is_found_without_a_restart(time: Time) -> None:
    jwks, monotonic = Jwks(KEY), Monotonic()
    checking = verifier(time, keys=Keys(jwks.fetch, monotonic=monotonic))
    await checking.verify(OK)
    new = ECKey.generate_key("P-256", {"kid": "k2"})
    jwks.keys.append(new)
    monotonic.at_s += 60

    assert await checking.verify(sign(new, ACCESS, CLAIMS)) == ADA


async def test_a_retired_key_is_forgotten(time: Time) -> None:
    jwks = Jwks(KEY)
    keys = Keys(jwks.fetch)
    checking = verifier(time, keys=keys)
    await checking.verify(OK)
    jwks.keys = [ECKey.generate_key("P-256", {"kid": "k2"})]

    await keys.refresh()
    checking.forget()

    await refused(checking, OK)


async def test_callers_at_once_fetch_once(time: Time) -> None:
    jwks = Jwks(KEY)
    checking = verifier(time, keys=Keys(jwks.fetch))

    answers = await asyncio.gather(*(checking.verify(token(sub=f"users/usr_{i}")) for i in range(50)))

    assert [answer.subject for answer in answers] == [f"users/usr_{i}" for i in range(50)]
    assert jwks.fetched == 1


async def test_without_auth_a_token_is_neither_good_nor_bad(time: Time) -> None:
    jwks, monotonic = Jwks(KEY), Monotonic()
    jwks.down = True
    checking = verifier(time, keys=Keys(jwks.fetch, monotonic=monotonic))

    with pytest.raises(Unavailable) as away:
        await checking.verify(OK)
    assert away.value.retry_after_s == 0.5

    jwks.down = False
    monotonic.at_s += 0.5
    assert await checking.verify(OK) == ADA


async def test_known_keys_outlive_auth(time: Time) -> None:
    jwks = Jwks(KEY)
    checking = verifier(time, keys=Keys(jwks.fetch))
    await checking.verify(OK)
    jwks.down = True

    assert (await checking.verify(token(sub="users/usr_bob"))).subject == "users/usr_bob"


def service_token(name: str, time: Time) -> tuple[ECKey, str]:
    key = ECKey.generate_key("P-256", {"kid": name})
    return key, ServiceTokens(key, audience=AUDIENCE, clock=time).token()


async def test_a_service_proves_its_name(time: Time) -> None:
    key, proof = service_token("auth", time)
    checking = verifier(time, kind=SERVICE, issuer=None, keys=static_keys(public_set([key]).decode()))

    assert await checking.verify(proof) == Principal(
        "services/auth", expires_at_s=float(NOW_S + 60), issued_at_s=float(NOW_S)
    )


async def test_a_service_cannot_speak_for_another(time: Time) -> None:
    key, _ = service_token("user", time)
    checking = verifier(time, kind=SERVICE, issuer=None, keys=static_keys(public_set([key]).decode()))
    times = {"aud": AUDIENCE, "iat": NOW_S, "exp": NOW_S + 60}

    await refused(checking, sign(key, SERVICE, {**times, "iss": "services/auth", "sub": "services/auth"}))
    await refused(checking, sign(key, SERVICE, {**times, "iss": "services/user", "sub": "services/auth"}))


async def test_an_access_token_is_no_service_token(time: Time) -> None:
    await refused(verifier(time, kind=SERVICE, issuer=None), OK)


def test_a_service_token_serves_for_half_its_life(time: Time) -> None:
    tokens = ServiceTokens(ECKey.generate_key("P-256", {"kid": "auth"}), audience=AUDIENCE, clock=time)
    first = tokens.token()

    time.move(seconds=29)
    assert tokens.token() == first
    time.move(seconds=1)
    assert tokens.token() != first


def test_published_keys_are_public() -> None:
    [key] = json.loads(public_set([KEY]))["keys"]

    assert (key["kid"], "d" in key) == ("k1", False)


async def test_while_auth_is_away_unknown_keys_cost_an_attempt_each_half_second(time: Time) -> None:
    attempts, monotonic = [], Monotonic()

    async def away() -> bytes:
        attempts.append(monotonic())
        raise ConnectionError

    checking = verifier(time, keys=Keys(away, monotonic=monotonic))
    for _ in range(5):
        with pytest.raises(Unavailable):
            await checking.verify(OK)
    monotonic.at_s += 0.5
    with pytest.raises(Unavailable):
        await checking.verify(OK)

    assert len(attempts) == 2


async def test_known_keys_stay_good_while_auth_is_away(time: Time) -> None:
    jwks, monotonic = Jwks(KEY), Monotonic()
    keys = Keys(jwks.fetch, monotonic=monotonic)
    await keys.get(str(KEY.kid))

    async def away() -> bytes:
        raise ConnectionError

    keys._fetch = away
    monotonic.at_s += 301

    assert (await keys.get(str(KEY.kid))).kid == KEY.kid


async def test_a_retired_key_is_forgotten_when_the_set_is_old(time: Time) -> None:
    jwks, monotonic = Jwks(KEY), Monotonic()
    keys = Keys(jwks.fetch, monotonic=monotonic)
    await keys.get(str(KEY.kid))
    jwks.keys = []
    monotonic.at_s += 300

    with pytest.raises(Unauthenticated):
        await keys.get(str(KEY.kid))
