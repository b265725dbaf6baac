"""How often secrets are guessed at, counted in Valkey for all processes of a service, or here while Valkey is away.

A wrong guess takes from three buckets: of its address, of its address for this account, and of all strangers for this
account. A stranger is an address that did not give the right secret within a month. So whoever guesses from everywhere shuts
out strangers, and never the owner where the owner signs in; and nobody has more than a hundred guesses in a row.

A guess takes its tokens before it is looked at, and gets them back if it was right: a thousand at once are a thousand.
Keys are MACs: nobody reads addresses or accounts in Valkey.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from services.chassis.addresses import normalized_email
from services.chassis.keys import Keyring
from services.chassis.networks import network_of
from trellis.policies import Bucket, GuessLimit

log = structlog.get_logger()
PREFIX = "trellis:guess:"
PATIENCE_S = 0.5  # a guess may wait longer than another limit
AT_ONCE = 16  # more wait for their turn, and are patient from then on: a flood must not make Valkey seem away
KNOWN_S = 30 * 86_400
"""How long an address that gave the right secret is no stranger, and how long wrong ones in a row are counted."""
TOO_MANY_IN_A_ROW_S = 3600.0
"""What is said to wait after too many in a row: the right secret from a known address, or a new secret, ends it."""
LOCAL_KEYS = 10_000

# KEYS: bucket of the address, of address and account, of strangers; in a row of strangers, in a row of the address; known.
# ARGV: capacity and refill of each bucket, 0 0 for none; the limit in a row; how long to remember.
_READ = """
local now = redis.call('TIME')
local t = now[1] + now[2] / 1e6
local known = redis.call('EXISTS', KEYS[6]) == 1
local row = known and KEYS[5] or KEYS[4]
local function tokens(i)
  local b = redis.call('HMGET', KEYS[i], 'tokens', 'time')
  local capacity, refill = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  return math.min(capacity, (tonumber(b[1]) or capacity) + math.max(0, t - (tonumber(b[2]) or t)) * refill)
end
local function counts(i) return tonumber(ARGV[2 * i - 1]) > 0 and not (i == 3 and known) end
local function set(i, value)
  redis.call('HSET', KEYS[i], 'tokens', tostring(value), 'time', tostring(t))
  redis.call('EXPIRE', KEYS[i], math.ceil(tonumber(ARGV[2 * i - 1]) / tonumber(ARGV[2 * i])) + 1)
end
local limit, remembered = tonumber(ARGV[7]), tonumber(ARGV[8])
"""
_BEGIN = (
    _READ
    + """
if limit > 0 and tonumber(redis.call('GET', row) or '0') >= limit then return ARGV[9] end
local wait = 0
for i = 1, 3 do
  if counts(i) then wait = math.max(wait, (1 - tokens(i)) / tonumber(ARGV[2 * i])) end
end
if wait > 0 then return tostring(wait) end
for i = 1, 3 do if counts(i) then set(i, tokens(i) - 1) end end
if limit > 0 then
  redis.call('INCR', row)
  redis.call('EXPIRE', row, remembered)
end
return '0'
"""
)
_UNDO = (
    _READ
    + """
for i = 1, 3 do if counts(i) then set(i, math.min(tonumber(ARGV[2 * i - 1]), tokens(i) + 1)) end end
if limit > 0 and tonumber(redis.call('GET', row) or '0') > 0 then redis.call('DECR', row) end
"""
)
_PROVE = """
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], '1', 'EX', ARGV[1])
"""


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess: through which RPC, at whose secret, and from where. Empty: not known."""

    rpc: str
    account: str
    address: str


_proved: ContextVar[list[str] | None] = ContextVar("proved", default=None)


def proved(account: str) -> None:
    """Say that the caller of the running call proved to own an account that the request does not name."""
    accounts = _proved.get()
    if accounts is not None:
        accounts.append(account)


def listen() -> list[str]:
    """Return the list that `proved` adds to from now on, in the running call."""
    accounts: list[str] = []
    _proved.set(accounts)
    return accounts


class Guesses:
    """Counts guesses."""

    def __init__(self, valkey: Any, keyring: Keyring, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._keyring, self._local = keyring, LocalBuckets(monotonic)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._begin, self._undo, self._prove = map(valkey.register_script, (_BEGIN, _UNDO, _PROVE))

    async def begin(self, guess: Guess, limit: GuessLimit) -> float:
        """Count a guess as wrong for now. Return 0, or how many seconds to wait instead of guessing."""
        answer = await self._run(self._begin, self._keys(guess), [*_arguments(limit, guess), TOO_MANY_IN_A_ROW_S])
        if answer is None:
            return self._local.take(self._local_keys(guess, limit))
        return float(answer)

    async def undo(self, guess: Guess, limit: GuessLimit) -> None:
        """Take back a guess that was right, or that nobody looked at."""
        if await self._run(self._undo, self._keys(guess), _arguments(limit, guess), nothing=b"") is None:
            self._local.give(self._local_keys(guess, limit))

    async def prove(self, account: str, address: str) -> None:
        """Remember that whoever calls from this address has the account's secret."""
        if account:
            keys = self._keys(Guess("", account, address))
            await self._run(self._prove, keys[3:], [KNOWN_S], nothing=b"")

    async def _run(self, script: Any, keys: list[str], arguments: list[Any], nothing: bytes | None = None) -> Any:
        """Return what a script answers, None while Valkey does not."""
        try:
            async with self._turns, asyncio.timeout(PATIENCE_S):
                answer = await script(keys, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("guesses_counted_here", error=type(error).__name__)
            return None
        return nothing if answer is None else answer

    def _keys(self, guess: Guess) -> list[str]:
        account, address, rpc = guess.account, guess.address, guess.rpc
        return [
            self._key("address", rpc, address),
            self._key("both", rpc, account, address),
            self._key("strangers", rpc, account),
            self._key("row", account),
            self._key("row", account, address),
            self._key("known", account, address),
        ]

    def _local_keys(self, guess: Guess, limit: GuessLimit) -> list[tuple[str, Bucket]]:
        """Who is known cannot be known now, so nobody is treated as a stranger."""
        keys = self._keys(guess)
        buckets = (limit.by_address, limit.by_address_and_account)
        return [(key, bucket) for key, bucket in zip(keys, buckets, strict=False) if bucket]

    def _key(self, kind: str, *parts: str) -> str:
        return f"{PREFIX}{kind}:{self._keyring.mac('guess', *(part.encode() for part in parts))[:16].hex()}"


class GuessesByAddress:
    """Counts guesses at secrets that are no RPC's: of one kind, by the address they come from alone."""

    def __init__(self, guesses: Guesses, kind: str, bucket: Bucket) -> None:
        self._guesses, self._kind = guesses, kind
        self._limit = GuessLimit((), "", bucket, None, None, 0)

    async def begin(self, address: str) -> float:
        """Count a guess as wrong for now. Return 0, or how many seconds to wait instead of guessing."""
        return await self._guesses.begin(self._guess(address), self._limit)

    async def undo(self, address: str) -> None:
        """Take back a guess that was right, or that nobody looked at."""
        await self._guesses.undo(self._guess(address), self._limit)

    def _guess(self, address: str) -> Guess:
        return Guess(self._kind, "", network_of(address))


class LocalBuckets:
    """Token buckets of this process alone; of the longest unused ones it forgets."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tokens: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, buckets: list[tuple[str, Bucket]]) -> float:
        """Take a token of each, or of none. Return 0, or how many seconds until each has one."""
        wait_s = max((self._wait_s(key, bucket) for key, bucket in buckets), default=0.0)
        if wait_s == 0:
            self._add(buckets, -1)
        return wait_s

    def give(self, buckets: list[tuple[str, Bucket]]) -> None:
        """Put a token back into each."""
        self._add(buckets, 1)

    def _wait_s(self, key: str, bucket: Bucket) -> float:
        return max(0.0, (1 - self._left(key, bucket)) * bucket.per_s / bucket.refill)

    def _left(self, key: str, bucket: Bucket) -> float:
        now_s = self._monotonic()
        tokens, at_s = self._tokens.get(key, (float(bucket.burst), now_s))
        return min(bucket.burst, tokens + (now_s - at_s) * bucket.refill / bucket.per_s)

    def _add(self, buckets: list[tuple[str, Bucket]], count: int) -> None:
        for key, bucket in buckets:
            self._tokens[key] = (min(bucket.burst, self._left(key, bucket) + count), self._monotonic())
            self._tokens.move_to_end(key)
            if len(self._tokens) > LOCAL_KEYS:
                self._tokens.popitem(last=False)


def account_of(text: str) -> str:
    """Return what an account is told apart by, however it was written."""
    return normalized_email(text)


def _arguments(limit: GuessLimit, guess: Guess) -> list[Any]:
    """Without an account nothing is counted by account: it would be everybody's."""
    of_account = (limit.by_address_and_account, limit.by_strangers) if guess.account else (None, None)
    rates = [rate for bucket in (limit.by_address, *of_account) for rate in _rate(bucket)]
    return [*rates, limit.consecutive if guess.account else 0, KNOWN_S]


def _rate(bucket: Bucket | None) -> tuple[float, float]:
    return (bucket.burst, bucket.refill / bucket.per_s) if bucket else (0, 0)
