"""What happens when somebody calls with an API key: the edge asks, and gets an ordinary access token.

A key that was seen a moment ago costs a look into memory. Every LOOK_AGAIN its row is read again, so that whatever ended it
meanwhile is known, also without the bus; the token it was exchanged for serves until shortly before it expires, or until the
key, its service account or a revocation makes it another. Garbage is refused by its form, before any reading; unknown
secrets are remembered, and an address may present only so many.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from services.auth.domain import MembershipUnavailable, NotAMember, Presented
from services.auth.domain.api_keys import hashed, well_formed
from services.auth.handlers.grants import Grants
from services.auth.handlers.tokens import Tokens
from services.auth.ports import ApiKeys, Now
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
GUESSES, GUESSES_PER = 30, timedelta(minutes=1)


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


class Guesses:
    """Counts unknown keys by address, in this process. Keys that were good before are not counted: nobody locks them out."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._spent: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def spend(self, address: str) -> None:
        """Take note of a key that may be unknown, before it is looked for: guesses come at once. Raises TooManyGuesses."""
        spent, pace_s = self._spent_by(address), GUESSES_PER.total_seconds() / GUESSES
        if spent > GUESSES - 1:
            raise TooManyGuesses(retry_after_s=max(1.0, (spent - GUESSES + 1) * pace_s))
        self._note(address, spent + 1)

    def give_back(self, address: str) -> None:
        """Take note that the key was not guessed, or could not be looked for."""
        self._note(address, max(0.0, self._spent_by(address) - 1))

    def _note(self, address: str, spent: float) -> None:
        network = _network(address)
        self._spent[network] = (spent, self._now())
        self._spent.move_to_end(network)
        if len(self._spent) > REMEMBERED:
            self._spent.popitem(last=False)

    def _spent_by(self, address: str) -> float:
        spent, at = self._spent.get(_network(address), (0.0, self._now()))
        return max(0.0, spent - (self._now() - at) / GUESSES_PER * GUESSES)


class KeyExchange:
    """Exchanges secrets for access tokens."""

    def __init__(
        self,
        api_keys: ApiKeys,
        grants: Grants,
        tokens: Tokens,
        now: Now,
        revoked: Callable[[Principal], bool] = lambda _: False,
    ) -> None:
        self._api_keys, self._grants, self._tokens, self._now = api_keys, grants, tokens, now
        self._revoked = revoked
        self._guesses = Guesses(now)
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
        self._guesses.spend(address)
        guess = False
        try:
            presented = await self._api_keys.find_presented(secret_hash)
            guess = presented is None
        finally:
            if not guess:
                self._guesses.give_back(address)
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


def _network(address: str) -> str:
    """Return what has a count of its own: an IPv4 address, or one household of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return address if found.version == 4 else str(ipaddress.ip_network((int(found), 64), strict=False))
