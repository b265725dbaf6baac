"""The keys that sign access tokens: made, published, used, retired.

A key is published before it signs, long enough for every verifier to learn it, and stays until the last token of it has
expired, so that rotation refuses nobody. With its end known, the key set says it (`exp`), so that nobody accepts it longer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.jwk import ECKey

from services.auth.domain import SigningKey, SigningKeySet
from services.auth.ports import Begin, NewId, Now, SigningKeys
from services.chassis.tokens import LEEWAY_S, public_set

CACHED = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Rotation:
    """When keys follow one another."""

    activation: timedelta
    """How long a key is published before it signs."""
    lifetime: timedelta
    """How long a token lives."""
    every: timedelta
    """How old the newest key becomes; zero: as old as nobody rotates it."""

    @property
    def overlap(self) -> timedelta:
        """How long a key verifies after its successor began to sign."""
        return self.lifetime + timedelta(seconds=LEEWAY_S)


class KeyHandlers:
    """Signing keys, read from the store at most every few seconds."""

    def __init__(self, keys: SigningKeys, begin: Begin, now: Now, new_id: NewId, rotation: Rotation) -> None:
        self._keys, self._begin, self._now, self._new_id, self._rotation = keys, begin, now, new_id, rotation
        self._cached: list[tuple[SigningKey, ECKey]] = []
        self._read_time: datetime | None = None

    async def get_jwks(self) -> bytes:
        """Return the public keys as a JSON Web Key Set (RFC 7517 §5)."""
        current = await self._current()
        ends = {stored.kid: int(stored.retire_time.timestamp()) for stored, _ in current if stored.retire_time}
        return public_set([key for _, key in current], ends)

    async def signing_key(self) -> ECKey:
        """Return the newest key that may sign."""
        current = await self._current()
        signing = SigningKeySet(tuple(stored for stored, _ in current), self._now()).signing
        return next(key for stored, key in current if stored is signing)

    async def create_first(self) -> None:
        """Make sure that there is a key; the first one signs at once."""
        if not await self._keys.all():
            await self._keys.add_first(self._new_key(sign_from=self._now()))

    async def get_signing_keys(self) -> SigningKeySet:
        """Return every key that is not retired."""
        return SigningKeySet(tuple(await self._keys.all()), self._now())

    async def rotate_signing_keys(self) -> SigningKeySet:
        """Publish a new key, and let the others end when their last token has."""
        return await self._rotated()

    async def rotate_old_keys(self) -> None:
        """Rotate if the newest key is as old as it may become. Done twice at once, it takes effect once."""
        if self._rotation.every and (await self.get_signing_keys()).older_than(self._rotation.every):
            await self._rotated(self._rotation.every)

    async def _rotated(self, age: timedelta | None = None) -> SigningKeySet:
        """Rotate in one transaction, unless the newest key is younger than `age`: a crash leaves the old keys or the new."""
        async with self._begin() as tx:
            keys = SigningKeySet(tuple(await tx.keys.lock()), self._now())
            if age is None or keys.older_than(age):
                key = self._new_key(self._now() + self._rotation.activation)
                rotated = keys.rotated(key, self._rotation.overlap)
                await tx.keys.add(key)
                for old, ended in zip(keys.keys, rotated.keys, strict=False):
                    if ended.retire_time is not None and old.retire_time is None:
                        await tx.keys.retire(ended.kid, ended.retire_time)
                keys = rotated
            await tx.commit(keys)
        self._read_time = None
        return keys

    def _new_key(self, sign_from: datetime) -> SigningKey:
        kid = self._new_id("key")
        private = ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}).as_dict(private=True)
        return SigningKey(kid, json.dumps(private).encode(), self._now(), sign_from)

    async def _current(self) -> list[tuple[SigningKey, ECKey]]:
        now = self._now()
        if self._read_time is None or now >= self._read_time + CACHED:
            known = {stored.kid: key for stored, key in self._cached}
            self._cached = [
                (stored, known.get(stored.kid) or ECKey.import_key(json.loads(stored.private_jwk)))
                for stored in await self._keys.all()
            ]
            self._read_time = now
        return [(stored, key) for stored, key in self._cached if stored.published(now)]
