"""Verification of access tokens: the table of attacks, and keys that rotate."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from services.chassis.errors import Unauthenticated, Unavailable
from services.chassis.principal import Principal
from services.chassis.tokens import (
    ACCESS,
    LEEWAY_S,
    MAX_LENGTH,
    SERVICE,
    Keys,
    ServiceTokens,
    TokenVerifier,
    public_set,
    sign,
    static_keys,
)
from tests.conftest import NOON, Time

ISSUER, AUDIENCE = "https://auth.test", "trellis"
NOW_S = int(NOON.timestamp())
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
FOREIGN = ECKey.generate_key("P-256", {"kid": "k1"})
ES384 = ECKey.generate_key("P-384", {"kid": "k384"})
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "users/usr_ada",
    "session": "users/usr_ada/sessions/ses_1",
    "organization": "organizations/org_acme",
    "permissions": ["users.list"],
    "iat": NOW_S,
    "exp": NOW_S + 300,
}
HEADER = {"alg": "ES256", "typ": ACCESS, "kid": "k1"}
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


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def der(content: str, key: ECKey = KEY) -> bytes:
    """Return a signature as ASN.1."""
    private = key.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.sign(content.encode(), ec.ECDSA(SHA256()))


def raw(content: str, key: ECKey = KEY) -> bytes:
    """Return a signature as JWS wants it."""
    r, s = decode_dss_signature(der(content, key))
    return r.to_bytes(32) + s.to_bytes(32)


def token(
    header: Any = None,
    claims: Any = None,
    *,
    key: ECKey = KEY,
    signature: Callable[[str], bytes] | None = None,
    **changed: Any,
) -> str:
    """Return a token signed by `key`, with any part replaced. A header or claims that are bytes are taken as they are."""
    header = HEADER if header is None else header
    claims = {**CLAIMS, **changed} if claims is None else claims
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    content = ".".join(b64(part) for part in parts)
    return f"{content}.{b64((signature or (lambda text: raw(text, key)))(content))}"


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name not in names}


def by_hmac(secret: bytes) -> Callable[[str], bytes]:
    """Sign with the public key as if it were a shared secret."""
    return lambda content: hmac.digest(secret, content.encode(), "sha256") * 2


def doubled(document: dict[str, Any], name: str, value: Any) -> bytes:
    """Return JSON that says `name` twice."""
    return (json.dumps(document)[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}").encode()


PUBLIC = KEY.as_dict(private=False)
OK = token()
HEAD, BODY, SIGNATURE = OK.split(".")
NEXT_LETTER = dict(zip("AQgw", "BRhx", strict=True))
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

ATTACKS: dict[str, str] = {
    **{
        f"alg {alg!r}": token({**HEADER, "alg": alg})
        for alg in ("none", "None", "NONE", "", "HS256", "ES384", "RS256", None)
    },
    "alg missing": token({"typ": ACCESS, "kid": "k1"}),
    "alg none without a signature": token({**HEADER, "alg": "none"}, signature=lambda _: b""),
    "hs256 by pem": token({**HEADER, "alg": "HS256"}, signature=by_hmac(KEY.as_pem(private=False))),
    "hs256 by der": token({**HEADER, "alg": "HS256"}, signature=by_hmac(KEY.as_der(private=False))),
    "hs256 by jwk": token({**HEADER, "alg": "HS256"}, signature=by_hmac(json.dumps(PUBLIC).encode())),
    "crit": token({**HEADER, "crit": ["exp"], "exp": 1}),
    "crit empty": token({**HEADER, "crit": []}),
    "jwk in the header": token({**HEADER, "jwk": FOREIGN.as_dict(private=False)}, key=FOREIGN),
    "jku in the header": token({**HEADER, "jku": "https://evil.test/jwks"}, key=FOREIGN),
    "x5u in the header": token({**HEADER, "x5u": "https://evil.test/cert"}, key=FOREIGN),
    "x5c in the header": token({**HEADER, "x5c": ["MIIB"]}, key=FOREIGN),
    "kid traverses paths": token({**HEADER, "kid": "../../dev/null"}),
    "kid is sql": token({**HEADER, "kid": "k1' OR '1'='1"}),
    "kid of 1 MB": token({**HEADER, "kid": "k" * 1_000_000}),
    "kid unknown": token({**HEADER, "kid": "k9"}),
    "kid missing": token({"alg": "ES256", "typ": ACCESS}),
    "kid is a list": token({**HEADER, "kid": ["k1"]}),
    "kid is an object": token({**HEADER, "kid": {"k1": "k1"}}),
    "kid of another curve": token({**HEADER, "kid": "k384"}),
    "r = s = 0": token(signature=lambda _: bytes(64)),
    "r = s = n": token(signature=lambda _: N.to_bytes(32) * 2),
    "signature as asn.1": token(signature=der),
    "signature truncated": OK[:-10],
    "signature missing": f"{HEAD}.{BODY}.",
    "signature of another token": f"{HEAD}.{BODY}.{token(sub='users/usr_eve').split('.')[2]}",
    "key of another issuer": token(key=FOREIGN),
    "claims altered": f"{HEAD}.{b64(json.dumps({**CLAIMS, 'sub': 'users/usr_eve'}).encode())}.{SIGNATURE}",
    "id token": token({**HEADER, "typ": "JWT"}),
    "typ missing": token({"alg": "ES256", "kid": "k1"}),
    "typ in capitals": token({**HEADER, "typ": "AT+JWT"}),
    "service token": token({**HEADER, "typ": SERVICE}),
    "refresh token": "trr_ses_1.1.AAAA",
    "aud wrong": token(aud="other"),
    "aud a list": token(aud=[AUDIENCE]),
    "aud longer": token(aud=f"{AUDIENCE} other"),
    "aud missing": token(claims=without("aud")),
    "iss wrong": token(iss="https://evil.test"),
    "iss with a slash": token(iss=f"{ISSUER}/"),
    "iss in capitals": token(iss=ISSUER.upper()),
    "iss a list": token(iss=[ISSUER]),
    "iss missing": token(claims=without("iss")),
    "nbf in the future": token(nbf=NOW_S + LEEWAY_S + 1),
    "nbf a text": token(nbf="now"),
    "iat in the future": token(iat=NOW_S + LEEWAY_S + 1),
    "iat missing": token(claims=without("iat")),
    "expired": token(exp=NOW_S - LEEWAY_S),
    "exp a fraction": token(exp=NOW_S + 300.5),
    "exp huge": token(exp=1 << 62),
    "exp infinite": token(claims=json.dumps({**CLAIMS, "exp": float("inf")}).encode()),
    "exp negative": token(exp=-1),
    "exp a text": token(exp=str(NOW_S + 300)),
    "exp true": token(exp=True),
    "exp null": token(exp=None),
    "exp missing": token(claims=without("exp")),
    "sub missing": token(claims=without("sub")),
    "sub a number": token(sub=1),
    "permissions a text": token(permissions="users.list"),
    "permissions of objects": token(permissions=[{"users.list": True}]),
    "grants a list": token(grants=["organizations/org_acme"]),
    "grants of texts": token(grants={"organizations/org_acme": "users.list"}),
    "grants of objects": token(grants={"organizations/org_acme": [{"users.list": True}]}),
    "claims twice": token(claims=doubled(CLAIMS, "sub", "users/usr_eve")),
    "header twice": token(header=doubled(HEADER, "kid", "k1")),
    "claims a list": token(claims=[CLAIMS]),
    "claims a text": token(claims="users/usr_ada"),
    "claims no json": token(claims=b"\xff\xfe"),
    "claims nested without end": token(claims=b"[" * 4000),
    "header a list": token(header=[HEADER]),
    "header null": token(header=b"null"),
    "header no json": token(header=b"{"),
    "header no text": token(header=b"\xff"),
    "header nested without end": token(header=b"[" * 5500),
    "zip": token({**HEADER, "zip": "DEF"}, key=FOREIGN),
    "of 3 MB": token(sub="u" * 3_000_000),
    "just too long": OK + "A" * (MAX_LENGTH + 1 - len(OK)),
    "five segments": f"{OK}.AAAA.AAAA",
    "two segments": f"{HEAD}.{BODY}",
    "trailing bits": OK[:-1] + NEXT_LETTER[OK[-1]],
    "padded": f"{OK}==",
    "padded within": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "space before": f" {OK}",
    "line after": f"{OK}\n",
    "line within": f"{HEAD}.{BODY[:8]}\n{BODY[8:]}.{SIGNATURE}",
    "the other alphabet": f"{HEAD}.{BODY}.{'+' + SIGNATURE[1:]}",
    "no ascii": f"{HEAD}.{BODY}.é{SIGNATURE[1:]}",
    "nul": f"{HEAD}.{BODY}.{SIGNATURE}\0",
    "empty": "",
    "dots": "..",
    "garbage": hashlib.sha256(b"garbage").hexdigest(),
}


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


@pytest.mark.parametrize("attack", ATTACKS)
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
