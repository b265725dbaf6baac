"""A newcomer's journey by REST: from the form to a company with members."""

from __future__ import annotations

from tests.e2e.client import PASSWORD, Person, Rest, new_email, patient, sign_up, verification_of
from tests.e2e.platform import Platform


def test_nobody_signs_in_before_the_address_is_verified(platform: Platform) -> None:
    email = new_email()
    verification_of(platform.rest, platform.mail, "Early", email)
    answer = Rest(platform.rest).post("/v1/auth:signIn", {"email": email, "password": PASSWORD})
    assert answer.verdict == (400, "EMAIL_NOT_VERIFIED")


def test_a_newcomer_ends_with_an_organization_and_a_member(platform: Platform) -> None:
    grace = sign_up(platform.rest, platform.mail, "Grace")
    alan = sign_up(platform.rest, platform.mail, "Alan")
    assert alan.rest.ok("GET", "/v1/users/me")["displayName"] == "Alan"
    company = grace.new_organization("Compilers")
    membership = grace.add_member(alan, "ROLE_ADMIN")
    members = grace.rest.ok("GET", f"/v1/{company}/memberships")["memberships"]
    assert {(m["user"], m["role"]) for m in members} == {(grace.name, "ROLE_OWNER"), (alan.name, "ROLE_ADMIN")}
    assert grace.rest.ok("GET", f"/v1/{membership}")["user"] == alan.name


def test_the_token_says_who_where_and_what_is_permitted(ada: Person) -> None:
    assert ada.tokens["tokenType"] == "Bearer"
    assert ada.tokens["organization"] == ada.organization
    assert "memberships.create" in ada.tokens["permissions"]


def test_a_member_may_read_and_not_invite(ada: Person, bob: Person) -> None:
    assert bob.rest.get(f"/v1/{ada.organization}").status == 200
    path = f"/v1/{ada.organization}/memberships"
    answer = bob.rest.post(path, {"user": ada.name, "role": "ROLE_MEMBER"})
    assert answer.verdict == (403, "PERMISSION_DENIED")


def test_people_change_their_own_name_and_nobody_elses(ada: Person, bob: Person) -> None:
    changed = ada.rest.ok("PATCH", "/v1/users/me?updateMask=displayName", {"displayName": "Ada L."})
    assert changed["displayName"] == "Ada L."
    assert bob.rest.ok("GET", f"/v1/{ada.name}")["displayName"] == "Ada L."
    answer = bob.rest.call("PATCH", f"/v1/{ada.name}?updateMask=displayName", {"displayName": "Bobbed"})
    assert answer.verdict == (403, "USER_NOT_VISIBLE")


def test_a_change_against_an_old_version_is_refused(ada: Person) -> None:
    old = ada.rest.ok("GET", f"/v1/{ada.organization}")["etag"]
    path = f"/v1/{ada.organization}?updateMask=displayName"
    ada.rest.ok("PATCH", path, {"displayName": "Acme 2", "etag": old})
    answer = ada.rest.call("PATCH", path, {"displayName": "Acme 3", "etag": old})
    assert answer.verdict == (409, "ETAG_MISMATCH")


def test_a_deleted_organization_comes_back(eve: Person) -> None:
    deleted = eve.rest.ok("DELETE", f"/v1/{eve.organization}")
    assert deleted["state"] == "STATE_DELETED"
    assert eve.refresh().status == 200, "deleting ended the tokens of the organization"
    assert eve.rest.ok("POST", f"/v1/{eve.organization}:undelete", {})["state"] == "STATE_ACTIVE"


def test_an_organization_keeps_an_owner(ada: Person) -> None:
    members = ada.rest.ok("GET", f"/v1/{ada.organization}/memberships?filter=role%20%3D%20ROLE_OWNER")["memberships"]
    assert [m["user"] for m in members] == [ada.name]
    answer = ada.rest.call("DELETE", f"/v1/{members[0]['name']}")
    assert answer.verdict == (400, "LAST_OWNER")


def test_a_list_comes_in_pages(ada: Person, bob: Person) -> None:
    first = ada.rest.ok("GET", f"/v1/{ada.organization}/users?pageSize=1&orderBy=display_name")
    rest = ada.rest.ok("GET", f"/v1/{ada.organization}/users?orderBy=display_name&pageToken={first['nextPageToken']}")
    names = [user["name"] for user in [*first["users"], *rest["users"]]]
    assert sorted(names) == sorted([ada.name, bob.name])
    assert rest["nextPageToken"] == ""


def test_a_revoked_session_gets_no_further_token(ada: Person) -> None:
    tokens = patient(ada.base, "/v1/auth:signIn", {"email": ada.email, "password": PASSWORD})
    second = Person(ada.base, ada.email, tokens, ada.mail)
    ada.rest.ok("POST", f"/v1/{second.tokens['session']}:revoke", {})
    assert second.refresh().verdict == (401, "REFRESH_TOKEN_INVALID")


def test_who_signed_out_stays_out(bob: Person) -> None:
    tokens = patient(bob.base, "/v1/auth:signIn", {"email": bob.email, "password": PASSWORD})
    second = Person(bob.base, bob.email, tokens, bob.mail)
    second.rest.ok("POST", "/v1/auth:signOut", {})
    assert second.refresh().verdict == (401, "REFRESH_TOKEN_INVALID")
