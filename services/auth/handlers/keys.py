"""The keys that sign access tokens: made, published, used, retired.

A key is published before it signs, and stays until the last token of it has expired, so that rotation refuses nobody.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from joserfc.jwk import ECKey

from services.auth.domain import SigningKey
from services.auth.ports import NewId, Now, SigningKeys
from services.chassis.tokens import LEEWAY_S, public_set

CACHED = timedelta(seconds=5)


class KeyHandlers:
    """Signing keys, read from the store at most every few seconds."""

    def __init__(self, keys: SigningKeys, now: Now, new_id: NewId, *, activation: timedelta, lifetime: timedelta) -> None:
        self._keys, self._now, self._new_id = keys, now, new_id
        self._activation, self._lifetime = activation, lifetime
        self._cached: list[tuple[SigningKey, ECKey]] = []
        self._read_time: datetime | None = None

    async def get_jwks(self) -> bytes:
        """Return the public keys as a JSON Web Key Set (RFC 7517 §5)."""
        return public_set([key for _, key in await self._current()])

    async def signing_key(self) -> ECKey:
        """Return the newest key that may sign."""
        now = self._now()
        keys = await self._current()
        return next((key for stored, key in reversed(keys) if stored.sign_from_time <= now), keys[0][1])

    async def create_first(self) -> None:
        """Make sure that there is a key; the first one signs at once."""
        if not await self._keys.all():
            await self._keys.add_first(self._new_key(sign_from=self._now()))

    async def rotate(self) -> str:
        """Publish a new key that signs after the activation time; retire the others once their last token is over."""
        sign_from = self._now() + self._activation
        key = self._new_key(sign_from)
        await self._keys.add(key)
        await self._keys.retire_before(key.kid, sign_from + self._lifetime + timedelta(seconds=LEEWAY_S))
        self._read_time = None
        return key.kid

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
        return [(stored, key) for stored, key in self._cached if stored.retire_time is None or now < stored.retire_time]
