"""Access tokens: what they say, and how every process verifies them against auth's published keys.

A token is verified once and remembered by its text until it ends. Keys are fetched when first needed; a token signed with a
key not yet known makes one fetch, at most once a minute, so that keys rotate without a restart and garbage costs nothing.
What was revoked meanwhile is refused all the same (`revocations.py`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from services.chassis.clock import Clock
from services.chassis.errors import Unauthenticated, Unavailable
from services.chassis.principal import Principal

log = structlog.get_logger()
ALGORITHM = "ES256"
ACCESS = "at+jwt"  # RFC 9068 §2.1
SERVICE = "svc+jwt"
LEEWAY_S = 30
RETRY_S = 0.5  # between two attempts to fetch keys from an auth that does not answer
MAX_LENGTH = 8192
SERVICE_LIFETIME_S = 60
LONGEST_LIFETIME_S = 600
"""No access token is made to live longer: as long is remembered which ones were revoked."""
TRUSTED_S = 930.0
"""How long keys are trusted that auth no longer confirms: as long as a key stays after a rotation, with auth's defaults. By
then the last token from before an outage of auth is over, and who missed a rotation accepts nothing of a key it ended."""
_SEGMENTS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")  # an ES256 signature is 64 bytes
_CANONICAL_END = frozenset("AQgw")  # 64 bytes leave 4 unused bits in the last character; they must be zero

Fetch = Callable[[], Awaitable[bytes]]
Revoked = Callable[[Principal], bool]


class Keys:
    """A JWK set, fetched when a key is missing (at most once in `refetch_s`) and when it is old.

    While auth does not answer, known keys stay good for TRUSTED_S, longer than any token lives, and unknown ones are told
    apart from wrong ones: nobody is signed out by an outage, and garbage costs two attempts a second.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        refetch_s: float = 60.0,
        max_age_s: float = 300.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._refetch_s, self._max_age_s, self._monotonic = fetch, refetch_s, max_age_s, monotonic
        self._keys: dict[str, ECKey] = {}
        self._ends: dict[str, float] = {}
        self.generation = 0
        """Changes with what the set says."""
        self._fetched_at_s = self._tried_at_s = -math.inf
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> ECKey:
        """Return the key. Raises Unauthenticated if auth does not know it, Unavailable if auth does not answer."""
        if self._due(kid):
            async with self._lock:
                if self._due(kid):
                    await self._fetch_anew(needed=kid not in self._keys)
        if kid in self._keys:
            if self._monotonic() - self._fetched_at_s >= TRUSTED_S:
                raise _no_keys()
            return self._keys[kid]
        raise _invalid() if self._fetched_at_s >= self._tried_at_s else _no_keys()

    def end_of(self, kid: str) -> float:
        """Return when a key verifies nothing any more, in seconds since the epoch; infinity while that is not known."""
        return self._ends.get(kid, math.inf)

    async def refresh(self) -> None:
        """Fetch the set now: keys that auth retired are forgotten. Raises Unavailable."""
        async with self._lock:
            await self._fetch_anew(needed=True)

    def _due(self, kid: str) -> bool:
        now_s = self._monotonic()
        patience_s = self._max_age_s if kid in self._keys else self._refetch_s
        return now_s - self._fetched_at_s >= patience_s and now_s - self._tried_at_s >= RETRY_S

    async def _fetch_anew(self, *, needed: bool) -> None:
        try:
            document = json.loads(await self._fetch())
        except Exception as error:  # whatever the transport raises: the keys cannot be had
            self._tried_at_s = self._monotonic()
            log.warning("keys_not_read", why=repr(error), needed=needed)
            if needed:
                raise _no_keys() from error
            return
        self._take(document["keys"])
        self._fetched_at_s = self._tried_at_s = self._monotonic()

    def _take(self, documents: list[dict[str, Any]]) -> None:
        usable = [document for document in documents if document.get("crv") == "P-256"]
        ends = {document["kid"]: float(document["exp"]) for document in usable if "exp" in document}
        if ends != self._ends or {document["kid"] for document in usable} != self._keys.keys():
            self.generation += 1
        self._keys, self._ends = {document["kid"]: ECKey.import_key(document) for document in usable}, ends


def _no_keys() -> Unavailable:
    return Unavailable("The signing keys cannot be read at the moment; try again.", retry_after_s=RETRY_S)


class TokenVerifier:
    """Verifies one kind of token and remembers the verdict. `revoked` is asked about every token, remembered or not."""

    def __init__(
        self,
        keys: Keys,
        *,
        kind: str,
        audience: str,
        issuer: str | None,
        clock: Clock,
        revoked: Revoked = lambda _: False,
        remembered: int = 10_000,
    ) -> None:
        self._keys, self._kind, self._audience, self._issuer = keys, kind, audience, issuer
        self._clock, self._revoked, self._remembered = clock, revoked, remembered
        self._known: OrderedDict[str, tuple[Principal, float]] = OrderedDict()
        self._generation = keys.generation

    async def verify(self, token: str) -> Principal:
        """Return whom the token names. Raises Unauthenticated."""
        now_s = self._clock().timestamp()
        if self._generation != self._keys.generation:
            self.forget()
        known = self._known.get(token)
        if known is None or now_s >= known[1]:
            known = await self._verified(token, now_s)
            self._known[token] = known
            if len(self._known) > self._remembered:
                self._known.popitem(last=False)
        if self._revoked(known[0]):
            raise _invalid()
        return known[0]

    def forget(self) -> None:
        """Verify every token anew: keys changed."""
        self._known.clear()
        self._generation = self._keys.generation

    async def _verified(self, token: str, now_s: float) -> tuple[Principal, float]:
        """Return whom the token names, and until when."""
        header, claims = await self._opened(token)
        key_ends_s = self._keys.end_of(str(header["kid"]))
        issuer = self._issuer or f"services/{header['kid']}"
        if not (
            claims.get("iss") == issuer
            and (self._issuer is not None or claims.get("sub") == issuer)  # a service speaks for itself alone
            and claims.get("aud") == self._audience
            and _is_time(claims.get("exp"))
            and _is_time(claims.get("iat"))
            and now_s < min(claims["exp"] + LEEWAY_S, key_ends_s)
            and claims["exp"] - claims["iat"] <= LONGEST_LIFETIME_S
            and claims["iat"] <= now_s + LEEWAY_S
            and _is_time(claims.get("nbf", 0))
            and claims.get("nbf", 0) <= now_s + LEEWAY_S
            and _is_within(claims.get("iat_ms", claims["iat"] * 1000), claims["iat"])
        ):
            raise _invalid()
        return _principal(claims), min(claims["exp"] + LEEWAY_S, key_ends_s)

    async def _opened(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        if len(token) > MAX_LENGTH or not _SEGMENTS.fullmatch(token) or token[-1] not in _CANONICAL_END:
            raise _invalid()
        try:
            header = _unique(_decoded(token.partition(".")[0]))
            if header.get("typ") != self._kind or header.get("alg") != ALGORITHM or "crit" in header:
                raise _invalid()
            key = await self._keys.get(str(header.get("kid", ""))[:64])
            claims = _unique(jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise _invalid() from None
        return header, claims


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _unique(document: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises ValueError for anything else, and for a name said twice: which counts is open."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("said twice")
        return found

    read = json.loads(document, object_pairs_hook=once)
    if not isinstance(read, dict):
        raise ValueError("not an object")
    return read


def _principal(claims: dict[str, Any]) -> Principal:
    permissions = claims.get("permissions", [])
    texts = [claims.get("sub"), claims.get("organization", ""), claims.get("session", ""), claims.get("api_key", "")]
    if not isinstance(permissions, list) or not all(isinstance(text, str) for text in [*texts, *permissions]):
        raise _invalid()
    subject, organization, session, api_key = map(str, texts)
    auth_time = claims.get("auth_time", 0)
    if not _is_time(auth_time):
        raise _invalid()
    return Principal(
        subject,
        organization,
        frozenset(permissions),
        session,
        expires_at_s=float(claims["exp"]),
        issued_at_s=claims.get("iat_ms", claims["iat"] * 1000) / 1000,
        api_key=api_key,
        grants=_grants(claims.get("grants", {})),
        auth_time_s=float(auth_time),
    )


def _grants(claim: Any) -> dict[str, frozenset[str]]:
    """Return the permissions by resource. Raises Unauthenticated."""
    if not isinstance(claim, dict) or not all(isinstance(permissions, list) for permissions in claim.values()):
        raise _invalid()
    if not all(isinstance(permission, str) for permissions in claim.values() for permission in permissions):
        raise _invalid()
    return {resource: frozenset(permissions) for resource, permissions in claim.items()}


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40


def _is_within(milliseconds: Any, second: int) -> bool:
    """Whether `iat_ms` is the same time as `iat`, only finer."""
    whole = isinstance(milliseconds, int) and not isinstance(milliseconds, bool)
    return whole and second * 1000 <= milliseconds < (second + 1) * 1000


def _invalid() -> Unauthenticated:
    return Unauthenticated("The access token is not valid; refresh it or sign in again.")


def sign(key: ECKey, kind: str, claims: dict[str, Any]) -> str:
    """Return a compact JWS over the claims, with the key's id in the header."""
    header = {"alg": ALGORITHM, "typ": kind, "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims, separators=(",", ":")), key, algorithms=[ALGORITHM])


class ServiceTokens:
    """Signs the tokens this service calls others with; one serves for half its lifetime."""

    def __init__(self, key: ECKey, *, audience: str, clock: Clock) -> None:
        self._key, self._audience, self._clock = key, audience, clock
        self._token, self._renew_at_s = "", 0.0

    def token(self) -> str:
        """Return a token that is good for at least half of SERVICE_LIFETIME_S."""
        now_s = self._clock().timestamp()
        if now_s >= self._renew_at_s:
            subject = f"services/{self._key.kid}"
            claims = {"iss": subject, "sub": subject, "aud": self._audience, "iat": int(now_s)}
            self._token = sign(self._key, SERVICE, {**claims, "exp": int(now_s) + SERVICE_LIFETIME_S})
            self._renew_at_s = now_s + SERVICE_LIFETIME_S / 2
        return self._token


def static_keys(document: str) -> Keys:
    """Return keys that come from configuration and never change: the public keys of the platform's services."""

    async def fetch() -> bytes:
        return document.encode()

    return Keys(fetch)


def public_set(keys: list[ECKey], ends: Mapping[str, int] | None = None) -> bytes:
    """Return the public halves as a JSON Web Key Set (RFC 7517 §5); `ends` has when a key's time is over, by its id.

    `exp` of a key is that of OpenID Federation 1.0; who does not know it forgets the key when the set no longer has it.
    """
    document = KeySet([*keys]).as_dict(private=False)
    known = ends or {}
    dated = [{**key, "exp": known[kid]} if (kid := str(key["kid"])) in known else key for key in document["keys"]]
    return json.dumps({"keys": dated}, separators=(",", ":")).encode()
