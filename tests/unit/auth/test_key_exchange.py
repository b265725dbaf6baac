"""What a call with an API key costs and gets: what is remembered, for how long, and how many guesses an address has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from services.auth.domain import ApiKey, MembershipUnavailable, Presented
from services.auth.domain.api_keys import hashed, hint_of, new_secret, well_formed
from services.auth.handlers import KeyExchange
from services.auth.handlers.key_exchange import ApiKeyInvalid, TooManyGuesses
from services.auth.ports import ApiKeys
from services.auth.wiring import UNKNOWN_KEYS
from services.chassis.principal import Principal
from tests.conftest import NOON, Time
from tests.fakes.auth import FakeAuthStore, FakeKeyGuesses
from tests.fakes.auth_process import Parts

GUESSES = UNKNOWN_KEYS.burst
ACME, ADA = "organizations/org_acme", "users/usr_ada"
NAME, HOME = f"{ACME}/apiKeys/apk_1", "192.0.2.1"
SECRET = new_secret(bytes(range(32)))
KEY = ApiKey(
    NAME, ACME, ADA, "Nightly", ("teams.list", "users.list"), hint_of(SECRET), NOON, NOON, NOON + timedelta(days=90)
)


@dataclass
class Counting:
    """Keys that are read as slowly as from a database, and counted."""

    keys: ApiKeys
    reads: int = 0
    fault: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def find_presented(self, secret_hash: bytes) -> Presented | None:
        self.reads += 1
        await asyncio.sleep(0)
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return await self.keys.find_presented(secret_hash)

    async def note_use(self, name: str, at: datetime) -> None:
        await self.keys.note_use(name, at)


@dataclass
class World:
    """The exchange, with one key of Ada in it."""

    exchange: KeyExchange
    keys: Counting
    store: FakeAuthStore
    parts: Parts
    revoked: list[str] = field(default_factory=list)

    def change(self, **values: object) -> None:
        self.store.tables.api_keys[NAME] = replace(self.store.tables.api_keys[NAME], **values)  # type: ignore[arg-type]

    async def opens(self, secret: str = SECRET, address: str = HOME) -> bool:
        try:
            await self.exchange.exchange(secret, address)
        except ApiKeyInvalid:
            return False
        return True

    async def guess(self, number: int, address: str = HOME) -> str:
        """Return how a guess ends."""
        with pytest.raises((ApiKeyInvalid, TooManyGuesses)) as caught:
            await self.exchange.exchange(new_secret(number.to_bytes(32)), address)
        return caught.type.__name__


@pytest.fixture
async def world(time: Time) -> World:
    store = FakeAuthStore(time)
    parts = Parts(store.ports, time)
    await parts.keys.create_first()
    parts.memberships.known[ACME, ADA] = ("users.list", "users.update")
    store.tables.api_keys[NAME] = KEY
    store.tables.secrets[hashed(SECRET)] = (NAME, KEY.expire_time)
    keys, gone = Counting(store.ports.api_keys), list[str]()
    exchange = KeyExchange(keys, parts.grants, parts.tokens, FakeKeyGuesses(time), time, _revoked(gone))  # type: ignore[arg-type]
    return World(exchange, keys, store, parts, gone)


def _revoked(gone: list[str]) -> Callable[[Principal], bool]:
    return lambda principal: principal.api_key in gone


async def test_the_token_permits_what_both_the_scopes_and_the_subject_permit(world: World) -> None:
    exchanged = await world.exchange.exchange(SECRET, HOME)

    principal = exchanged.principal
    assert (principal.subject, principal.organization, principal.api_key) == (ADA, ACME, NAME)
    assert (principal.permissions, principal.session) == (frozenset({"users.list"}), "")


async def test_a_key_that_was_seen_a_moment_ago_costs_no_reading(world: World, time: Time) -> None:
    first = await world.exchange.exchange(SECRET, HOME)
    time.move(seconds=0.4)

    assert await world.exchange.exchange(SECRET, HOME) is first
    assert (world.keys.reads, len(world.parts.memberships.asked)) == (1, 1)


async def test_calls_at_once_look_once(world: World) -> None:
    found = await asyncio.gather(*(world.exchange.exchange(SECRET, HOME) for _ in range(50)))

    assert len({exchanged.access_token for exchanged in found}) == 1
    assert world.keys.reads == 1


async def test_a_cancelled_call_takes_nothing_from_the_others(world: World) -> None:
    world.keys.gate.clear()
    first, second = (asyncio.create_task(world.opens()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    world.keys.gate.set()

    assert await second


@pytest.mark.parametrize("how", ["revoked", "secret ended", "organization deleted"])
async def test_what_ends_a_key_is_known_after_half_a_second(world: World, time: Time, how: str) -> None:
    assert await world.opens()
    if how == "revoked":
        world.change(revoke_time=time())
    elif how == "secret ended":
        world.store.tables.secrets[hashed(SECRET)] = (NAME, time())
    else:
        world.store.tables.deleted_organizations.add(ACME)
    time.move(seconds=0.5)

    assert not await world.opens()


async def test_a_revocation_is_known_at_once(world: World, time: Time) -> None:
    await world.opens()
    world.change(revoke_time=time())
    world.revoked.append(NAME)

    assert not await world.opens()


async def test_a_revoked_token_of_a_good_key_is_exchanged_anew(world: World, time: Time) -> None:
    first = await world.exchange.exchange(SECRET, HOME)
    world.parts.memberships.known[ACME, ADA] = ("teams.list",)
    world.parts.grants.forget(ACME, ADA)
    world.revoked.append(NAME)

    second = await world.exchange.exchange(SECRET, HOME)

    assert second.access_token != first.access_token
    assert second.principal.permissions == {"teams.list"}


async def test_a_key_ends_on_time_not_when_it_is_looked_at_again(world: World, time: Time) -> None:
    world.change(expire_time=time() + timedelta(seconds=0.2))
    assert await world.opens()
    time.move(seconds=0.2)

    assert not await world.opens()


async def test_a_token_serves_until_a_minute_before_its_end(world: World, time: Time) -> None:
    first = await world.exchange.exchange(SECRET, HOME)
    time.move(seconds=239)
    assert (await world.exchange.exchange(SECRET, HOME)).access_token == first.access_token
    time.move(seconds=2)

    assert (await world.exchange.exchange(SECRET, HOME)).access_token != first.access_token


async def test_fewer_scopes_count_after_half_a_second(world: World, time: Time) -> None:
    world.parts.memberships.known[ACME, ADA] = ("users.list", "teams.list")
    await world.exchange.exchange(SECRET, HOME)
    world.change(scopes=("teams.list",), version=2)
    time.move(seconds=0.5)

    assert (await world.exchange.exchange(SECRET, HOME)).principal.permissions == {"teams.list"}


async def test_while_memberships_cannot_be_read_the_token_serves_almost_to_its_end(world: World, time: Time) -> None:
    first = await world.exchange.exchange(SECRET, HOME)
    world.parts.memberships.down = True
    time.move(seconds=289)
    assert (await world.exchange.exchange(SECRET, HOME)).access_token == first.access_token
    time.move(seconds=2)

    with pytest.raises(MembershipUnavailable):
        await world.exchange.exchange(SECRET, HOME)


async def test_a_database_that_is_away_lets_nobody_through(world: World, time: Time) -> None:
    await world.opens()
    world.keys.fault = ConnectionError("away")
    time.move(seconds=0.5)

    with pytest.raises(ConnectionError):
        await world.exchange.exchange(SECRET, HOME)


async def test_who_is_no_member_any_more_has_no_key_any_more(world: World, time: Time) -> None:
    del world.parts.memberships.known[ACME, ADA]

    assert not await world.opens()


@pytest.mark.parametrize(
    "secret", ["", "trk_", "a" * 53, SECRET.upper(), SECRET[:-1], f"{SECRET}x", f"{SECRET[:-1]}!", "trk_" + "a" * 49]
)
async def test_what_is_no_secret_by_its_form_costs_nothing(world: World, secret: str) -> None:
    assert not well_formed(secret)
    for _ in range(GUESSES + 10):
        assert not await world.opens(secret)

    assert world.keys.reads == 0
    assert await world.opens()


async def test_an_unknown_key_is_remembered(world: World, time: Time) -> None:
    assert await world.guess(1) == "ApiKeyInvalid"
    time.move(seconds=9)
    assert await world.guess(1) == "ApiKeyInvalid"

    assert world.keys.reads == 1


async def test_a_thousand_guesses_at_once_read_no_more_than_the_limit(world: World) -> None:
    ends = await asyncio.gather(*(world.guess(number) for number in range(1000)))

    assert ends.count("ApiKeyInvalid") == world.keys.reads == GUESSES


async def test_guesses_come_back_with_time(world: World, time: Time) -> None:
    for number in range(GUESSES):
        await world.guess(number)
    assert await world.guess(100) == "TooManyGuesses"
    time.move(seconds=60 / GUESSES)

    assert [await world.guess(101), await world.guess(102)] == ["ApiKeyInvalid", "TooManyGuesses"]


async def test_a_key_that_was_good_is_locked_out_by_nobody(world: World, time: Time) -> None:
    assert await world.opens()
    for number in range(GUESSES + 1):
        await world.guess(number)
    time.move(seconds=0.5)

    assert await world.opens()


async def test_good_keys_and_a_database_that_is_away_are_no_guesses(world: World, time: Time) -> None:
    world.keys.fault = ConnectionError("away")
    for number in range(GUESSES + 10):
        with pytest.raises(ConnectionError):
            await world.exchange.exchange(new_secret(number.to_bytes(32)), HOME)
    world.keys.fault = None
    world.change(revoke_time=time())
    for _ in range(GUESSES + 10):
        assert not await world.opens()
        time.move(seconds=0.5)

    assert await world.guess(1000) == "ApiKeyInvalid"


@pytest.mark.parametrize(
    ("other", "counted_together"),
    [
        ("192.0.2.2", False),
        ("::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.2", False),
        ("2001:db8:0:1::2", True),
        ("2001:db8:0:2::1", False),
    ],
)
async def test_an_address_or_a_household_has_its_own_count(world: World, other: str, counted_together: bool) -> None:
    here = "2001:db8:0:1::1" if other.startswith("2001") else HOME
    for number in range(GUESSES):
        await world.guess(number, here)

    assert await world.guess(100, other) == ("TooManyGuesses" if counted_together else "ApiKeyInvalid")


async def test_a_use_is_noted_once_a_minute(world: World, time: Time) -> None:
    await world.opens()
    await world.exchange.aclose()
    first = time()
    time.move(seconds=59)
    await world.opens()
    await world.exchange.aclose()
    assert world.store.tables.api_keys[NAME].last_used_time == first
    time.move(seconds=1)
    await world.opens()
    await world.exchange.aclose()

    assert world.store.tables.api_keys[NAME].last_used_time == time()
