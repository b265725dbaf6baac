"""Use cases where two things happen at once, or something is gone by the time it is needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.auth import domain
from services.auth.domain import (
    Account,
    AccountDeactivated,
    AccountState,
    Cause,
    RefreshTokenInvalid,
    Session,
    SessionEnded,
    SignUpRepeated,
    VerificationInvalid,
)
from services.auth.handlers import KeyHandlers
from services.auth.handlers.sessions import BATCH
from services.auth.handlers.sign_ins import SignIn
from services.auth.handlers.sign_ups import SignUp
from services.auth.ports import Begin
from services.chassis.principal import Principal
from tests.conftest import Time
from tests.fakes.auth import FakeAccounts, FakeAuthStore, FakeSignUps
from tests.fakes.auth_process import PASSWORD, ROTATION, Parts

ADA, ORG = "ada@example.com", "organizations/org_1"


@pytest.fixture
def store(time: Time) -> FakeAuthStore:
    return FakeAuthStore(time)


@pytest.fixture
async def parts(store: FakeAuthStore, time: Time) -> Parts:
    made = Parts(store.ports, time)
    await made.keys.create_first()
    return made


@pytest.fixture
def ada(store: FakeAuthStore, time: Time) -> Account:
    account = Account("users/usr_ada", ADA, "Ada", f"new:{PASSWORD}", time())
    store.tables.accounts[account.user] = account
    return account


def meanwhile(begin: Begin, change: Any) -> Begin:
    """Return a `begin` before which something else commits."""

    def begun() -> Any:
        change()
        return begin()

    return begun


def end(store: FakeAuthStore, session: str, time: Time) -> None:
    store.tables.sessions[session] = store.tables.sessions[session].end(time(), Cause.REVOKED)[0]


async def test_a_session_that_ends_while_it_is_refreshed_gives_nothing(
    parts: Parts, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    tokens = await parts.sign_ins.sign_in(SignIn(ADA, PASSWORD, "", ""))
    racing = replace(parts.sign_ins, begin=meanwhile(store.ports.begin, lambda: end(store, tokens.session, time)))

    with pytest.raises(RefreshTokenInvalid):
        await racing.refresh_token(tokens.refresh_token)


async def test_a_refresh_that_loses_the_race_gets_the_winners_successor(
    parts: Parts, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    tokens = await parts.sign_ins.sign_in(SignIn(ADA, PASSWORD, "", ""))

    def rotate() -> None:
        session = store.tables.sessions[tokens.session]
        store.tables.sessions[tokens.session] = replace(session, generation=2, rotate_time=time())

    racing = replace(parts.sign_ins, begin=meanwhile(store.ports.begin, rotate))
    answer = await racing.refresh_token(tokens.refresh_token)

    assert answer.refresh_token == parts.tokens.refresh(store.tables.sessions[tokens.session])
    assert store.tables.sessions[tokens.session].generation == 2


async def test_a_session_that_ends_while_it_switches_goes_nowhere(
    parts: Parts, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    tokens = await parts.sign_ins.sign_in(SignIn(ADA, PASSWORD, "", ""))
    parts.memberships.known[ORG, ada.user] = ()
    racing = replace(parts.sign_ins, begin=meanwhile(store.ports.begin, lambda: end(store, tokens.session, time)))

    with pytest.raises(SessionEnded):
        await racing.switch_organization(ORG, Principal(ada.user, session=tokens.session))

    assert store.tables.accounts[ada.user].last_organization == ""


async def test_an_account_made_while_somebody_signs_up_again_is_not_taken_over(
    parts: Parts, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    late = domain.SignUp("sup_late", ADA, "Eve", "new:another password", time(), time() + timedelta(hours=24))
    store.tables.sign_ups[late.id] = late

    with pytest.raises(VerificationInvalid):
        await parts.sign_ups.verify_email(parts.tokens.verification(late), "another password")

    assert store.tables.accounts == {ada.user: ada}


async def test_the_same_is_read_and_hashed_for_every_address(
    parts: Parts, store: FakeAuthStore, ada: Account, time: Time
) -> None:
    """Otherwise the time of the answer tells who has an account."""
    await parts.sign_ups.sign_up(SignUp("pending@example.com", PASSWORD, "Pending"))
    reads: list[str] = []

    class CountedAccounts(FakeAccounts):
        async def find_by_email(self, email: str) -> Account | None:
            reads.append("account")
            return await super().find_by_email(email)

    class CountedSignUps(FakeSignUps):
        async def find_newest(self, email: str, at: Any) -> domain.SignUp | None:
            reads.append("sign-up")
            return await super().find_newest(email, at)

    counted = replace(
        parts.sign_ins, accounts=CountedAccounts(lambda: store.tables), sign_ups=CountedSignUps(lambda: store.tables)
    )
    work: list[tuple[list[str], int]] = []
    for address in (ADA, "pending@example.com", "nobody@example.com"):
        before = len(parts.passwords.compared)
        with pytest.raises(domain.CredentialsInvalid):
            await counted.sign_in(SignIn(address, "a wrong password", "", ""))
        work.append((list(reads), len(parts.passwords.compared) - before))
        reads.clear()

    assert work == [(["account", "sign-up"], 1)] * 3


async def test_no_mail_is_sent_about_a_sign_up_that_is_over(parts: Parts, store: FakeAuthStore, time: Time) -> None:
    await parts.sign_ups.sign_up(SignUp(ADA, PASSWORD, "Ada"))
    [sign_up] = store.tables.sign_ups
    time.move(hours=24)

    await parts.sign_ups.send_verification(sign_up, "evt_1")
    await parts.sign_ups.send_verification("sup_unknown", "evt_2")

    assert parts.mailer.sent == {}


async def test_a_mail_that_cannot_be_sent_is_asked_for_again(parts: Parts, store: FakeAuthStore, ada: Account) -> None:
    class Away:
        async def send(self, mail: object) -> None:
            raise ConnectionRefusedError

        async def forget(self, to: str) -> None:
            raise OSError

    with pytest.raises(ConnectionRefusedError):
        await replace(parts.sign_ups, mailer=Away()).send_sign_up_repeated(ada.user, "evt_1")

    await parts.deliver(SignUpRepeated(ada.user))
    assert [mail.to for mail in parts.mailer.sent.values()] == [ADA]


async def test_a_refresh_token_is_the_same_until_it_is_rotated(parts: Parts, ada: Account) -> None:
    session = Session("users/usr_1/sessions/ses_1", "users/usr_1", "", "", parts.clock(), parts.clock(), parts.clock())

    token = parts.tokens.refresh(session)

    assert token == parts.tokens.refresh(session)
    assert token != parts.tokens.refresh(replace(session, generation=2))
    assert parts.tokens.read_refresh(token) == (session.name, 1)


async def rotated(keys: KeyHandlers) -> str:
    """Rotate and return the new key's id."""
    return (await keys.rotate_signing_keys()).keys[-1].kid


async def test_other_processes_sign_with_a_new_key_without_a_restart(parts: Parts, store: FakeAuthStore, time: Time) -> None:
    other = KeyHandlers(store.ports.keys, store.ports.begin, time, parts.ids.new, ROTATION)
    old = (await other.signing_key()).kid

    new = await rotated(parts.keys)
    time.move(minutes=2)

    assert new != old
    assert (await other.signing_key()).kid == new


async def test_keys_are_read_at_most_every_few_seconds(parts: Parts, store: FakeAuthStore, time: Time) -> None:
    other = KeyHandlers(store.ports.keys, store.ports.begin, time, parts.ids.new, ROTATION)
    before = await parts.keys.get_jwks()
    new = await rotated(other)

    assert await parts.keys.get_jwks() == before
    time.move(seconds=5)
    assert new.encode() in await parts.keys.get_jwks()


async def test_keys_rotated_again_before_the_first_signs_leave_no_gap(parts: Parts, time: Time) -> None:
    first = (await parts.keys.signing_key()).kid
    second = await rotated(parts.keys)
    time.move(seconds=60)
    third = await rotated(parts.keys)

    signed = []
    for _ in range(4):
        signed.append((await parts.keys.signing_key()).kid)
        time.move(seconds=60)

    assert signed == [first, second, third, third]


async def test_sessions_are_forgotten_a_month_after_their_end_batch_by_batch(
    parts: Parts, store: FakeAuthStore, time: Time
) -> None:
    for number in range(BATCH + 1):
        name = f"users/usr_1/sessions/ses_{number}"
        store.tables.sessions[name] = Session(name, "users/usr_1", "", "", time(), time(), time())

    time.move(days=30)
    assert (await parts.sessions.forget_sessions(), len(store.tables.sessions)) == (False, BATCH + 1)
    time.move(seconds=1)
    assert (await parts.sessions.forget_sessions(), len(store.tables.sessions)) == (True, 1)
    assert (await parts.sessions.forget_sessions(), len(store.tables.sessions)) == (False, 0)


async def test_sign_ups_are_forgotten_a_week_after_their_link(parts: Parts, store: FakeAuthStore, time: Time) -> None:
    await parts.sign_ups.sign_up(SignUp("new@example.com", PASSWORD, "New"))

    time.move(days=8)
    assert (await parts.sign_ups.forget_sign_ups(), len(store.tables.sign_ups)) == (False, 1)
    time.move(seconds=1)
    await parts.sign_ups.forget_sign_ups()

    assert store.tables.sign_ups == {}


async def test_no_session_begins_at_an_account_that_went_out_of_use_meanwhile(
    parts: Parts, store: FakeAuthStore, ada: Account
) -> None:
    def deactivated() -> None:
        store.tables.accounts[ada.user] = replace(ada, state=AccountState.DEACTIVATED)

    handlers = replace(parts.sign_ins, begin=meanwhile(parts.sign_ins.begin, deactivated))

    with pytest.raises(AccountDeactivated):
        await handlers.sign_in(SignIn(ADA, PASSWORD, "", ""))
    assert store.tables.sessions == {}
