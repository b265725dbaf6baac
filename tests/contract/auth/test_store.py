"""What auth's ports promise, kept by the fake and by PostgreSQL alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.auth.domain import (
    Account,
    AccountNotFound,
    AccountState,
    Cause,
    Nothing,
    Session,
    SigningKey,
    SignUp,
    VerificationRequested,
)
from services.chassis.errors import InvalidArgument
from services.chassis.lists import ListQuery
from tests.conftest import NOON, Time
from tests.fakes.auth import Ports

NOW = NOON
ADA = Account("users/usr_ada", "ada@example.com", "Ada", "hash", NOW)
BOB = Account("users/usr_bob", "bob@example.com", "Bob", "hash", NOW)
SIGN_UP = SignUp("sup_1", "ada@example.com", "Ada", "hash", NOW, NOW + timedelta(hours=24))
FIRST = Session("users/usr_ada/sessions/ses_1", ADA.user, "", "Browser/1", NOW, NOW, NOW + timedelta(days=30))


def later(**by: float) -> timedelta:
    return timedelta(**by)


async def add_accounts(ports: Ports, *accounts: Account) -> None:
    async with ports.begin() as tx:
        for account in accounts:
            assert await tx.accounts.add(account)
        await tx.commit()


async def add_sign_ups(ports: Ports, *sign_ups: SignUp) -> None:
    async with ports.begin() as tx:
        for sign_up in sign_ups:
            await tx.sign_ups.add(sign_up)
        await tx.commit()


async def add_sessions(ports: Ports, *sessions: Session) -> None:
    await add_accounts(ports, ADA, BOB)
    async with ports.begin() as tx:
        for session in sessions:
            await tx.sessions.add(session)
        await tx.commit()


async def test_accounts_are_found_by_user_and_by_address(ports: Ports) -> None:
    await add_accounts(ports, ADA, BOB)

    assert await ports.accounts.get(ADA.user) == ADA
    assert await ports.accounts.find_by_email(BOB.email) == BOB


async def test_an_account_that_is_not_there(ports: Ports) -> None:
    assert await ports.accounts.find_by_email(ADA.email) is None
    with pytest.raises(AccountNotFound) as caught:
        await ports.accounts.get(ADA.user)
    assert caught.value.metadata == {"user": ADA.user}


async def test_an_address_has_one_account(ports: Ports) -> None:
    await add_accounts(ports, ADA)

    async with ports.begin() as tx:
        assert not await tx.accounts.add(replace(BOB, email=ADA.email))
        await tx.commit()

    assert await ports.accounts.find_by_email(ADA.email) == ADA


async def test_accounts_change(ports: Ports) -> None:
    await add_accounts(ports, ADA, BOB)

    async with ports.begin() as tx:
        await tx.accounts.set_last_organization(ADA.user, "organizations/org_1")
        await tx.accounts.set_password_hash(ADA.user, "stronger")
        await tx.commit()

    assert await ports.accounts.get(ADA.user) == replace(
        ADA, last_organization="organizations/org_1", password_hash="stronger"
    )
    assert await ports.accounts.get(BOB.user) == BOB


async def test_an_account_is_put_out_of_use_and_back(ports: Ports) -> None:
    await add_accounts(ports, ADA, BOB)

    for state in (AccountState.DEACTIVATED, AccountState.ACTIVE):
        async with ports.begin() as tx:
            await tx.accounts.set_state(ADA.user, state)
            await tx.accounts.set_state("users/usr_nobody", state)
            await tx.commit()
        assert await ports.accounts.get(ADA.user) == replace(ADA, state=state)
    assert await ports.accounts.get(BOB.user) == BOB


async def test_the_sessions_of_a_user_that_are_alive(ports: Ports) -> None:
    session = FIRST
    ended = replace(session, name=f"{ADA.user}/sessions/ses_8", revoke_time=NOW)
    expired = replace(session, name=f"{ADA.user}/sessions/ses_9", expire_time=NOW)
    foreign = replace(session, name=f"{BOB.user}/sessions/ses_1", user=BOB.user)
    await add_sessions(ports, session, replace(ended, revoke_time=None), expired, foreign)
    async with ports.begin() as tx:
        await tx.sessions.end(ended.name, NOW, Cause.REVOKED)
        await tx.commit()

    async with ports.begin() as tx:
        assert await tx.sessions.lock_alive(ADA.user, NOW) == [session]


async def test_the_newest_open_sign_up_of_an_address(ports: Ports) -> None:
    newer = replace(SIGN_UP, id="sup_2", create_time=NOW + later(minutes=1))
    used = replace(SIGN_UP, id="sup_3", create_time=NOW + later(minutes=2), used_time=NOW)
    expired = replace(SIGN_UP, id="sup_4", create_time=NOW + later(minutes=3), expire_time=NOW + later(hours=1))
    await add_sign_ups(ports, SIGN_UP, newer, used, expired, replace(SIGN_UP, id="sup_5", email=BOB.email))

    assert await ports.sign_ups.find_newest(SIGN_UP.email, at=NOW + later(hours=1)) == newer
    assert await ports.sign_ups.find_newest(SIGN_UP.email, at=NOW + later(hours=24)) is None
    assert await ports.sign_ups.find_newest("nobody@example.com", at=NOW) is None


async def test_sign_ups_are_found_and_locked_by_id(ports: Ports) -> None:
    await add_sign_ups(ports, SIGN_UP, replace(SIGN_UP, id="sup_2"))

    assert await ports.sign_ups.find("sup_1") == SIGN_UP
    assert await ports.sign_ups.find("sup_x") is None
    async with ports.begin() as tx:
        assert await tx.sign_ups.lock("sup_1") == SIGN_UP
        assert await tx.sign_ups.lock("sup_x") is None


async def test_using_up_an_address_leaves_others_and_what_was_used_before(ports: Ports) -> None:
    before = replace(SIGN_UP, id="sup_2", used_time=NOW - later(hours=1))
    other = replace(SIGN_UP, id="sup_3", email=BOB.email)
    await add_sign_ups(ports, SIGN_UP, before, other)

    async with ports.begin() as tx:
        await tx.sign_ups.use_up(SIGN_UP.email, at=NOW)
        await tx.commit()

    assert await ports.sign_ups.find(SIGN_UP.id) == replace(SIGN_UP, used_time=NOW)
    assert await ports.sign_ups.find(before.id) == before
    assert await ports.sign_ups.find(other.id) == other


async def test_sessions_are_found_and_locked_by_name(ports: Ports) -> None:
    await add_sessions(ports, FIRST)

    assert await ports.sessions.find(FIRST.name) == FIRST
    assert await ports.sessions.find("users/usr_ada/sessions/ses_x") is None
    async with ports.begin() as tx:
        assert await tx.sessions.lock(FIRST.name) == FIRST
        assert await tx.sessions.lock("users/usr_ada/sessions/ses_x") is None


async def test_rotation_takes_the_current_generation_only(ports: Ports) -> None:
    await add_sessions(ports, FIRST)
    at = NOW + later(minutes=1)

    async with ports.begin() as tx:
        rotated = await tx.sessions.rotate(FIRST.name, 1, at)
        again = await tx.sessions.rotate(FIRST.name, 1, at)
        await tx.commit()

    assert rotated == replace(FIRST, generation=2, rotate_time=at, last_refresh_time=at)
    assert again is None
    assert await ports.sessions.find(FIRST.name) == rotated


@pytest.mark.parametrize(
    "session",
    [replace(FIRST, revoke_time=NOW), replace(FIRST, expire_time=NOW + timedelta(minutes=1))],
    ids=["revoked", "expired"],
)
async def test_a_session_that_is_over_does_not_rotate(ports: Ports, session: Session) -> None:
    await add_sessions(ports, session)

    async with ports.begin() as tx:
        assert await tx.sessions.rotate(session.name, 1, NOW + later(minutes=1)) is None
        assert await tx.sessions.rotate("users/usr_ada/sessions/ses_x", 1, NOW) is None


async def test_sessions_change(ports: Ports) -> None:
    await add_sessions(ports, FIRST)

    async with ports.begin() as tx:
        await tx.sessions.set_organization(FIRST.name, "organizations/org_1")
        await tx.sessions.end(FIRST.name, NOW, Cause.REVOKED)
        await tx.commit()

    assert await ports.sessions.find(FIRST.name) == replace(FIRST, organization="organizations/org_1", revoke_time=NOW)


def several() -> list[Session]:
    """Four sessions of Ada, a minute apart, the third over and the fourth of the same minute as the second; one of Bob."""
    return [
        FIRST,
        replace(
            FIRST, name=f"{ADA.user}/sessions/ses_2", create_time=NOW + later(minutes=1), organization="organizations/org_1"
        ),
        replace(FIRST, name=f"{ADA.user}/sessions/ses_3", create_time=NOW + later(minutes=2), revoke_time=NOW),
        replace(FIRST, name=f"{ADA.user}/sessions/ses_4", create_time=NOW + later(minutes=1)),
        replace(FIRST, name=f"{BOB.user}/sessions/ses_5", user=BOB.user),
    ]


async def listed(ports: Ports, query: ListQuery, *, show_ended: bool = False) -> list[str]:
    """Return the short names of all pages, one after the other."""
    found: list[str] = []
    while True:
        rows = await ports.sessions.list(ADA.user, NOW, query, show_ended=show_ended)
        assert len(rows.items) <= query.size
        found += [session.name[-1] for session in rows.items]
        if rows.next is None:
            return found
        query = replace(query, after=rows.next)


@pytest.mark.parametrize("size", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("order_by", "expected"),
    [("", "421"), ("create_time", "124"), ("create_time desc", "421"), ("expire_time, create_time desc", "421")],
)
async def test_lists_in_order_page_by_page(ports: Ports, size: int, order_by: str, expected: str) -> None:
    await add_sessions(ports, *several())

    assert await listed(ports, ListQuery(order_by=order_by, size=size)) == list(expected)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ('create_time > "2026-01-01T12:00:00Z"', "42"),
        ('create_time >= "2026-01-01T13:00:00+01:00"', "421"),
        ('organization = "organizations/org_1"', "2"),
        ('organization != "organizations/org_1"', "41"),
        ('organization: "ORG_1"', "2"),
        ('NOT organization: "%"', "421"),
        ('create_time > "2026-01-01T12:00:00Z" AND organization = ""', "4"),
        ('create_time < "2026-01-01T12:01:00Z" OR organization: "org"', "21"),
    ],
)
async def test_lists_what_a_filter_lets_through(ports: Ports, filter: str, expected: str) -> None:
    await add_sessions(ports, *several())

    assert await listed(ports, ListQuery(filter=filter)) == list(expected)


async def test_lists_ended_sessions_on_request(ports: Ports) -> None:
    await add_sessions(ports, *several())

    assert await listed(ports, ListQuery(), show_ended=True) == ["3", "4", "2", "1"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (ListQuery(filter="generation = 1"), "filter"),
        (ListQuery(filter="create_time > yesterday"), "filter"),
        (ListQuery(order_by="organization"), "order_by"),
    ],
)
async def test_names_what_it_cannot_list(ports: Ports, query: ListQuery, field: str) -> None:
    await add_sessions(ports, FIRST)

    with pytest.raises(InvalidArgument) as caught:
        await ports.sessions.list(ADA.user, NOW, query, show_ended=False)

    assert [violation.field for violation in caught.value.fields] == [field]


async def test_leaving_without_commit_changes_nothing(ports: Ports) -> None:
    async with ports.begin() as tx:
        await tx.accounts.add(ADA)
        await tx.sign_ups.add(SIGN_UP)
        tx.outbox.add(VerificationRequested(SIGN_UP.id))

    assert await ports.accounts.find_by_email(ADA.email) is None
    assert await ports.sign_ups.find(SIGN_UP.id) is None


async def test_a_failed_transaction_changes_nothing(ports: Ports) -> None:
    async def fail() -> None:
        async with ports.begin() as tx:
            await tx.accounts.add(ADA)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await ports.accounts.find_by_email(ADA.email) is None


async def test_a_transaction_sees_its_own_changes_and_others_do_not(ports: Ports) -> None:
    await add_sessions(ports, FIRST)

    async with ports.begin() as tx:
        await tx.sessions.set_organization(FIRST.name, "organizations/org_1")
        inside = await tx.sessions.lock(FIRST.name)
        outside = await ports.sessions.find(FIRST.name)
        await tx.commit(Nothing("SignOut"))

    assert inside is not None
    assert outside is not None
    assert (inside.organization, outside.organization) == ("organizations/org_1", "")


async def test_fifty_rotations_at_once_make_one_successor(ports: Ports) -> None:
    await add_sessions(ports, FIRST)
    await ports.crowd()

    async def rotate() -> Session | None:
        async with ports.begin() as tx:
            rotated = await tx.sessions.rotate(FIRST.name, 1, NOW)
            await tx.commit()
        return rotated

    outcomes = await asyncio.gather(*(rotate() for _ in range(50)))

    assert sum(outcome is not None for outcome in outcomes) == 1


def key(number: int, **values: object) -> SigningKey:
    made = SigningKey(f"key_{number}", f"private {number}".encode(), NOW + later(minutes=number), NOW)
    return replace(made, **values)  # type: ignore[arg-type]


async def add_keys(ports: Ports, *keys: SigningKey) -> None:
    async with ports.begin() as tx:
        for each in keys:
            await tx.keys.add(each)
        await tx.commit()


async def test_signing_keys_are_kept_oldest_first(ports: Ports) -> None:
    await add_keys(ports, key(1), key(2), key(3))

    assert await ports.keys.all() == [key(1), key(2), key(3)]


async def test_there_is_one_first_key(ports: Ports) -> None:
    await ports.crowd()

    await asyncio.gather(*(ports.keys.add_first(key(number)) for number in range(1, 9)))

    assert len(await ports.keys.all()) == 1


async def test_keys_retire_when_their_time_has_come(ports: Ports, time: Time) -> None:
    await add_keys(ports, key(1), key(2), key(3))
    async with ports.begin() as tx:
        assert [kept.kid for kept in await tx.keys.lock()] == ["key_1", "key_2", "key_3"]
        await tx.keys.retire("key_1", NOW + later(minutes=7))
        await tx.keys.retire("key_2", NOW + later(minutes=9))
        await tx.commit()

    assert [kept.kid for kept in await ports.keys.all()] == ["key_1", "key_2", "key_3"]
    time.move(minutes=7)
    assert [kept.kid for kept in await ports.keys.all()] == ["key_2", "key_3"]
    time.move(minutes=2)
    assert [kept.kid for kept in await ports.keys.all()] == ["key_3"]


async def test_a_rotation_that_is_cut_off_changes_no_key(ports: Ports) -> None:
    await add_keys(ports, key(1))
    async with ports.begin() as tx:
        await tx.keys.lock()
        await tx.keys.add(key(2))
        await tx.keys.retire("key_1", NOW + later(minutes=7))

    assert await ports.keys.all() == [key(1)]


async def test_expired_sessions_are_forgotten_the_oldest_first_and_a_few_at_a_time(ports: Ports) -> None:
    ended = [
        replace(FIRST, name=f"{ADA.user}/sessions/old_{days}", expire_time=NOW - later(days=days)) for days in range(1, 6)
    ]
    await add_sessions(ports, FIRST, *reversed(ended))

    async with ports.begin() as tx:
        assert await tx.sessions.forget(NOW - later(days=1), 3) == 3
        assert await tx.sessions.forget(NOW - later(days=1), 3) == 1
        assert await tx.sessions.forget(NOW - later(days=1), 3) == 0
        await tx.commit()

    assert await ports.sessions.find(FIRST.name) == FIRST
    assert await ports.sessions.find(ended[0].name) == ended[0], "it expired at that moment, not before"
    assert [await ports.sessions.find(each.name) for each in ended[1:]] == [None] * 4


async def test_expired_sign_ups_are_forgotten_used_or_not(ports: Ports) -> None:
    over = replace(SIGN_UP, id="sup_2", expire_time=NOW - later(seconds=1))
    used = replace(over, id="sup_3", used_time=NOW - later(days=1))
    await add_sign_ups(ports, SIGN_UP, over, used)

    async with ports.begin() as tx:
        assert await tx.sign_ups.forget(NOW, 10) == 2
        await tx.commit()

    assert await ports.sign_ups.find(SIGN_UP.id) == SIGN_UP
    assert await ports.sign_ups.find(over.id) is None
    assert await ports.sign_ups.find(used.id) is None


async def test_an_organization_that_is_gone_waits_until_all_of_it_is_deleted(ports: Ports) -> None:
    async def next_one() -> str | None:
        async with ports.begin() as tx:
            return await tx.purged_organizations.lock_next()

    async with ports.begin() as tx:
        await tx.purged_organizations.add("organizations/org_2", NOW + later(days=1))
        await tx.purged_organizations.add("organizations/org_1", NOW)
        await tx.purged_organizations.add("organizations/org_1", NOW + later(days=2))
        await tx.commit()

    assert await next_one() == "organizations/org_1"
    async with ports.begin() as tx:
        await tx.purged_organizations.remove("organizations/org_1")
        await tx.commit()
    assert await next_one() == "organizations/org_2"


async def test_retired_keys_are_purged(ports: Ports) -> None:
    async with ports.begin() as tx:
        await tx.keys.add(key(1))
        await tx.keys.add(key(2))
        await tx.keys.retire("key_1", NOW + later(minutes=7))
        purged = [await tx.keys.purge(NOW + later(minutes=minutes)) for minutes in (6, 7, 8)]
        await tx.commit()

    assert purged == [0, 1, 0]
    assert [kept.kid for kept in await ports.keys.all()] == ["key_2"]
