"""What one service decided holds in the next call to the other."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.e2e.client import PASSWORD, Person, Rest, mails_to, sign_up
from tests.e2e.platform import Platform, eventually


@pytest.fixture(scope="module")
def carol(platform: Platform, ada: Person) -> Person:
    """Somebody who joins and leaves Ada's organization, and meets her in another one."""
    person, acme = sign_up(platform.rest, platform.mail, "Carol"), ada.organization
    ada.new_organization("Elsewhere")
    ada.add_member(person)
    assert ada.switch(acme).status == 200
    return person


@pytest.fixture
def membership(ada: Person, carol: Person) -> Iterator[str]:
    """Carol's membership, for one test."""
    carol.rest.ok("GET", "/v1/users/me")
    name = ada.take_in(carol)
    assert carol.switch(ada.organization).status == 200
    yield name
    ada.rest.call("DELETE", f"/v1/{name}")
    carol.sign_in()


def test_a_new_organization_can_be_switched_to_in_the_next_call(ada: Person) -> None:
    before = ada.organization
    for attempt in range(10):
        made = ada.rest.ok("POST", "/v1/organizations", {"displayName": f"Next call {attempt}"})["name"]
        assert ada.switch(made).json["organization"] == made
        assert ada.rest.ok("GET", f"/v1/{made}")["name"] == made
    assert ada.switch(before).status == 200


def test_a_removed_member_gets_no_further_token(ada: Person, carol: Person, membership: str) -> None:
    ada.rest.ok("DELETE", f"/v1/{membership}")
    assert carol.refresh().verdict == (403, "NOT_A_MEMBER")
    assert carol.refresh().status == 200
    assert carol.switch(ada.organization).verdict == (403, "NOT_A_MEMBER")
    form = {"email": carol.email, "password": PASSWORD, "organization": ada.organization}
    assert Rest(carol.base).post("/v1/auth:signIn", form).verdict == (403, "NOT_A_MEMBER")
    assert carol.sign_in()["organization"] == ""


def test_a_removed_member_stays_signed_in_without_an_organization(ada: Person, carol: Person, membership: str) -> None:
    ada.rest.ok("DELETE", f"/v1/{membership}")
    assert carol.refresh().verdict == (403, "NOT_A_MEMBER")
    assert carol.refresh().status == 200
    assert (carol.tokens["organization"], carol.tokens["permissions"]) == ("", [])


def test_a_changed_role_is_in_the_next_token(ada: Person, carol: Person, membership: str) -> None:
    assert "memberships.create" not in carol.tokens["permissions"]
    ada.rest.ok("PATCH", f"/v1/{membership}?updateMask=role", {"role": "ROLE_ADMIN"})
    assert carol.refresh().status == 200
    assert "memberships.create" in carol.tokens["permissions"]


def test_a_removed_admin_invites_nobody_with_an_old_token(ada: Person, eve: Person, carol: Person, membership: str) -> None:
    """Not before the token is revoked, since the membership is read, nor afterwards."""
    ada.rest.ok("PATCH", f"/v1/{membership}?updateMask=role", {"role": "ROLE_ADMIN"})
    assert carol.refresh().status == 200
    ada.rest.ok("DELETE", f"/v1/{membership}")
    answer = carol.rest.post(f"/v1/{ada.organization}/memberships", {"user": eve.name, "role": "ROLE_MEMBER"})
    assert answer.verdict in {(403, "OWNER_REQUIRED"), (401, "TOKEN_INVALID")}


def test_users_me_works_right_after_the_first_sign_in(platform: Platform) -> None:
    person = sign_up(platform.rest, platform.mail, "Prompt")
    assert person.rest.ok("GET", "/v1/users/me")["email"] == person.email


def test_a_newcomer_can_do_anything_before_user_heard_of_them(platform: Platform) -> None:
    person = sign_up(platform.rest, platform.mail, "Founder")
    with unheard_of(platform, person):
        name = person.rest.ok("POST", "/v1/organizations", {"displayName": "First thing"})["name"]
    assert person.switch(name).status == 200


def test_a_newcomer_can_change_their_name_before_user_heard_of_them(platform: Platform) -> None:
    person = sign_up(platform.rest, platform.mail, "Before")
    with unheard_of(platform, person):
        assert person.rest.ok("PATCH", "/v1/users/me?updateMask=displayName", {"displayName": "After"})
    assert person.rest.ok("GET", "/v1/users/me")["displayName"] == "After"


def test_an_account_becomes_one_user_and_one_mail(platform: Platform) -> None:
    person = sign_up(platform.rest, platform.mail, "Once")
    query = f"SELECT count(*) FROM users WHERE name = '{person.name}'"
    eventually(lambda: platform.sql("user", query) == "1")
    assert len(mails_to(platform.mail, person.email)) == 1


def test_people_sign_in_while_user_is_down(platform: Platform, ada: Person) -> None:
    """Without an organization in their token, as nobody can say what they may do there; and refresh again later."""
    with frozen(platform, "user"):
        tokens = ada.sign_in()
        assert (tokens["user"], tokens["organization"]) == (ada.name, "")
        assert ada.refresh().status == 200
        assert ada.switch(ada.organization).status in (503, 504)
    eventually(lambda: ada.switch(ada.organization).status == 200)


def test_auth_is_not_cut_off_for_saying_that_user_is_down(platform: Platform, ada: Person) -> None:
    """The edge leaves out a process that it cannot reach, not one that answers UNAVAILABLE."""
    with frozen(platform, "user"), ThreadPoolExecutor(8) as callers:
        refused = list(callers.map(lambda _: ada.switch(ada.organization), range(8)))
        keys = [Rest(platform.rest).get("/.well-known/jwks.json").status for _ in range(20)]
    assert {answer.status for answer in refused} == {503}
    assert keys == [200] * 20


@contextmanager
def unheard_of(platform: Platform, person: Person) -> Iterator[None]:
    """Let user forget somebody, as if auth's event were still under way."""
    where = f"WHERE name = '{person.name}'"
    eventually(lambda: platform.sql("user", f"SELECT count(*) FROM users {where}") == "1")
    platform.sql("user", f"DELETE FROM users {where}")
    yield


@contextmanager
def frozen(platform: Platform, name: str) -> Iterator[None]:
    """Let a process stand still."""
    pid = platform.pids()[name]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(platform.healthy)
