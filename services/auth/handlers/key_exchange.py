"""What happens when somebody calls with an API key: the edge asks, and gets an ordinary access token.

A key that was seen a moment ago costs a look into memory. Every LOOK_AGAIN its row is read again, so that whatever ended it
meanwhile is known, also without the bus; the token it was exchanged for serves until shortly before it expires, or until the
key, its service account or a revocation makes it another. Garbage is refused by its form, before any reading; unknown
secrets are remembered, and an address may present only so many.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from services.auth.domain import MembershipUnavailable, NotAMember, Presented
from services.auth.domain.api_keys import hashed, well_formed
from services.auth.handlers.grants import Grants
from services.auth.handlers.tokens import Tokens
from services.auth.ports import ApiKeys, KeyGuesses, Now
from services.chassis.errors import ResourceExhausted, Unauthenticated
from services.chassis.principal import Principal

log = structlog.get_logger()

LOOK_AGAIN = timedelta(seconds=0.5)
"""The longest that a revoked key still opens anything."""
UNKNOWN_KEPT = timedelta(seconds=10)
RENEW_BEFORE = timedelta(seconds=60)
"""A token that has less than this to live is exchanged anew."""
LAST_RESORT = timedelta(seconds=10)
"""While memberships cannot be read, the token before serves until it has only this to live."""
USE_NOTED_EVERY = timedelta(minutes=1)
REMEMBERED = 10_000


class ApiKeyInvalid(Unauthenticated):
    """The key is unknown, altered, expired or revoked, or its subject may not call any more; which of these is not said."""

    reason = "API_KEY_INVALID"

    def __init__(self, message: str = "The API key is not valid: it is unknown, expired or revoked.") -> None:
        super().__init__(message)


class TooManyGuesses(ResourceExhausted):
    """The address presented too many unknown keys."""

    reason = "RATE_LIMITED"

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("Too many unknown API keys came from this address; try again later.", retry_after_s=retry_after_s)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What a call goes on with."""

    subject: str
    access_token: str
    expire_time: datetime
    principal: Principal
    """Whom the token names."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What is remembered of a secret."""

    good_until: datetime
    """When to look again."""
    exchanged: Exchanged | None = None
    """None: the secret is refused."""
    stamp: tuple[int, int] = (0, 0)


class KeyExchange:
    """Exchanges secrets for access tokens."""

    def __init__(
        self,
        api_keys: ApiKeys,
        grants: Grants,
        tokens: Tokens,
        guesses: KeyGuesses,
        now: Now,
        revoked: Callable[[Principal], bool] = lambda _: False,
    ) -> None:
        self._api_keys, self._grants, self._tokens, self._now = api_keys, grants, tokens, now
        self._revoked = revoked
        self._guesses = guesses
        self._verdicts: OrderedDict[bytes, _Verdict] = OrderedDict()
        self._looking: dict[bytes, asyncio.Task[_Verdict]] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def exchange(self, secret: str, address: str) -> Exchanged:
        """Return what a call with `secret` goes on with. Raises ApiKeyInvalid, TooManyGuesses, MembershipUnavailable."""
        if not well_formed(secret):
            raise ApiKeyInvalid
        secret_hash = hashed(secret)
        verdict = self._verdicts.get(secret_hash)
        if verdict is None or self._now() >= verdict.good_until or self._is_revoked(verdict):
            verdict = await self._look(secret_hash, address)
        if verdict.exchanged is None:
            raise ApiKeyInvalid
        return verdict.exchanged

    async def aclose(self) -> None:
        """Wait until every use is noted."""
        await asyncio.gather(*self._noting)

    def _is_revoked(self, verdict: _Verdict) -> bool:
        return verdict.exchanged is not None and self._revoked(verdict.exchanged.principal)

    async def _look(self, secret_hash: bytes, address: str) -> _Verdict:
        """Look once, however many calls wait for it; one that is cancelled takes nothing from the others."""
        looking = self._looking.get(secret_hash)
        if looking is None:
            looking = self._looking[secret_hash] = asyncio.create_task(self._judged(secret_hash, address))
            looking.add_done_callback(lambda _: self._looking.pop(secret_hash, None))
        return await asyncio.shield(looking)

    async def _judged(self, secret_hash: bytes, address: str) -> _Verdict:
        before = self._verdicts.get(secret_hash)
        known = before is not None and before.exchanged is not None
        now = self._now()
        presented = await (self._api_keys.find_presented(secret_hash) if known else self._guessed(secret_hash, address))
        if presented is None:
            return self._remember(secret_hash, _Verdict(now + UNKNOWN_KEPT))
        if not presented.opens(now):
            return self._remember(secret_hash, _Verdict(now + LOOK_AGAIN))
        return self._remember(secret_hash, await self._accepted(presented, before, now))

    async def _guessed(self, secret_hash: bytes, address: str) -> Presented | None:
        """Look for a secret that was not good before. Raises TooManyGuesses."""
        wait_s = await self._guesses.begin(address)
        if wait_s > 0:
            raise TooManyGuesses(retry_after_s=max(1.0, wait_s))
        guess = False
        try:
            presented = await self._api_keys.find_presented(secret_hash)
            guess = presented is None
        finally:
            if not guess:
                await self._guesses.undo(address)  # keys that were good are not counted: nobody locks them out
        return presented

    async def _accepted(self, presented: Presented, before: _Verdict | None, now: datetime) -> _Verdict:
        """Return the verdict on a good secret: with the token of before while it serves."""
        self._note_use(presented, now)
        until = min(now + LOOK_AGAIN, presented.expire_time, presented.key.expire_time)
        if before is not None and self._serves(before, presented, now + RENEW_BEFORE):
            return replace(before, good_until=until)
        try:
            return _Verdict(until, await self._exchanged(presented), presented.stamp)
        except NotAMember:
            return _Verdict(until)
        except MembershipUnavailable:
            if before is None or not self._serves(before, presented, now + LAST_RESORT):
                raise
            return replace(before, good_until=until)

    def _serves(self, before: _Verdict, presented: Presented, at: datetime) -> bool:
        """Whether the token of before says what is so now, and goes on to do so until `at`."""
        exchanged = before.exchanged
        return (
            exchanged is not None
            and before.stamp == presented.stamp
            and at < exchanged.expire_time
            and not self._revoked(exchanged.principal)
        )

    async def _exchanged(self, presented: Presented) -> Exchanged:
        key, at = presented.key, self._now()
        permitted = (await self._grants.permitted(key.organization, key.subject)).within(key.scopes)
        token, principal = self._tokens.for_api_key(await self._tokens.signing_key(), key, permitted, at=at)
        return Exchanged(key.subject, token, datetime.fromtimestamp(principal.expires_at_s, UTC), principal)

    def _remember(self, secret_hash: bytes, verdict: _Verdict) -> _Verdict:
        self._verdicts[secret_hash] = verdict
        self._verdicts.move_to_end(secret_hash)
        if len(self._verdicts) > REMEMBERED:
            self._verdicts.popitem(last=False)
        return verdict

    def _note_use(self, presented: Presented, now: datetime) -> None:
        """Write beside the call, at most once a minute, that the key is used."""
        last = presented.key.last_used_time
        if last is None or now - last >= USE_NOTED_EVERY:
            noting = asyncio.create_task(self._noted(presented.key.name, now))
            self._noting.add(noting)
            noting.add_done_callback(self._noting.discard)

    async def _noted(self, name: str, now: datetime) -> None:
        try:
            await self._api_keys.note_use(name, now)
        except Exception as error:  # the call went on; the next look tries again
            log.warning("use_not_noted", error=type(error).__name__)
