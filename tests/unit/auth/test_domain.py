"""The rules of sign-ups, accounts and sessions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.auth.domain import (
    Account,
    AccountCreated,
    Cause,
    PasswordTooCommon,
    Refresh,
    Session,
    SessionRevoked,
    SignUp,
    TokenSet,
    VerificationInvalid,
    normalized_email,
    normalized_password,
    refuse_common,
)
from services.auth.wiring import BREACHED
from services.chassis.passwords import BreachedPasswords, packed
from tests.conftest import NOON

GRACE = timedelta(seconds=30)
SIGN_UP = SignUp("sup_1", "ada@example.com", "Ada", "hash", NOON, NOON + timedelta(hours=24))
SESSION = Session("users/usr_1/sessions/ses_1", "users/usr_1", "", "", NOON, NOON, NOON + timedelta(days=30))
ROTATED = replace(SESSION, generation=3, rotate_time=NOON + timedelta(minutes=1))


def test_a_verified_sign_up_becomes_an_account() -> None:
    account, event = SIGN_UP.verify("users/usr_1", at=NOON)

    assert account == Account("users/usr_1", "ada@example.com", "Ada", "hash", NOON)
    assert event == AccountCreated("users/usr_1", "ada@example.com", "Ada", NOON)


@pytest.mark.parametrize(
    ("sign_up", "at"), [(replace(SIGN_UP, used_time=NOON), NOON), (SIGN_UP, SIGN_UP.expire_time)], ids=["used", "expired"]
)
def test_a_sign_up_that_is_over_becomes_nothing(sign_up: SignUp, at: object) -> None:
    with pytest.raises(VerificationInvalid):
        sign_up.verify("users/usr_1", at=at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("generation", "after", "expected"),
    [
        (3, timedelta(0), Refresh.CURRENT),
        (3, timedelta(days=20), Refresh.CURRENT),
        (2, timedelta(0), Refresh.GRACE),
        (2, GRACE, Refresh.GRACE),
        (2, GRACE + timedelta(microseconds=1), Refresh.REUSED),
        (1, timedelta(0), Refresh.REUSED),
        (4, timedelta(0), Refresh.REUSED),
        (3, timedelta(days=30), Refresh.ENDED),
        (1, timedelta(days=30), Refresh.ENDED),
    ],
)
def test_what_a_refresh_token_is_worth(generation: int, after: timedelta, expected: Refresh) -> None:
    assert ROTATED.rotate_time is not None
    assert ROTATED.judge(generation, ROTATED.rotate_time + after, GRACE) is expected


def test_nothing_comes_before_the_first_generation() -> None:
    assert SESSION.judge(0, NOON, GRACE) is Refresh.REUSED


def test_no_token_of_an_ended_session_is_worth_anything() -> None:
    ended, event = ROTATED.end(NOON, Cause.REVOKED)

    assert event == SessionRevoked(SESSION.name, NOON, Cause.REVOKED)
    assert {ended.judge(generation, NOON, GRACE) for generation in range(5)} == {Refresh.ENDED}
    assert not ended.alive(NOON)


def test_a_session_lives_until_its_last_moment() -> None:
    assert SESSION.alive(SESSION.expire_time - timedelta(microseconds=1))
    assert not SESSION.alive(SESSION.expire_time)


def test_a_rehearsed_answer_opens_nothing() -> None:
    tokens = TokenSet("access", NOON, "refresh", SESSION.name, SESSION.user, "organizations/org_1", ("a",))

    assert tokens.rehearsed() == replace(tokens, access_token="", refresh_token="")


@pytest.mark.parametrize("written", ["ada@example.com", " Ada@Example.COM ", "ADA@EXAMPLE.com"])
def test_addresses_are_told_apart_without_case(written: str) -> None:
    assert normalized_email(written) == "ada@example.com"


def test_a_password_is_the_same_however_it_was_composed_and_keeps_its_spaces_and_case() -> None:
    assert normalized_password(" Cafe\u0301 ") == " Caf\u00e9 "


@pytest.mark.parametrize(
    ("password", "email"),
    [
        ("123456789012345", "ada@example.com"),
        ("ada.lovelace@example.com", "ada.lovelace@example.com"),
        ("Ada.Lovelace@Example.com", "ada.lovelace@example.com"),
        ("ada.lovelace1815", "ada.lovelace1815@example.com"),
        ("adalovelaceexamplecom", "ada.lovelace@example.com"),
        ("zzzzzzzzzzzzzzz", "ada@example.com"),
        ("abababababababab", "ada@example.com"),
        ("xyzxyzxyzxyzxyzx", "ada@example.com"),
        ("1234123412341234", "ada@example.com"),
    ],
)
def test_refuses_what_attackers_try_first(password: str, email: str) -> None:
    with pytest.raises(PasswordTooCommon):
        refuse_common(password, email, BREACHED)


@pytest.mark.parametrize(
    "password", ["correct horse battery", "ada.lovelace wrote notes", "пароль из пяти слов тут", "🐎🔋" * 3 + "staple"]
)
def test_takes_anything_else(password: str) -> None:
    refuse_common(password, "ada.lovelace@example.com", BREACHED)


def test_the_list_of_breached_passwords_holds_what_is_tried_first() -> None:
    assert len(BREACHED) > 33_000
    tried_first = ("password1", "qwertyuiop", "letmein", "123456789012345", "passwordpassword")
    assert [password for password in tried_first if password not in BREACHED] == []
    assert "correct horse battery" not in BREACHED


def test_two_known_passwords_are_no_new_one() -> None:
    with pytest.raises(PasswordTooCommon):
        refuse_common("sunshine12345678", "ada@example.com", BREACHED)


def test_a_list_of_passwords_is_packed_and_found_whatever_the_case(tmp_path: Path) -> None:
    path = tmp_path / "breached.bin"
    path.write_bytes(packed(["Letmein", "letmein", "sunshine"]))

    known = BreachedPasswords(path)

    assert len(known) == 2
    assert ("letmein" in known, "sunshine" in known, "moonshine" in known) == (True, True, False)
