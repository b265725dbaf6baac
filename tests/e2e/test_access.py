"""What a role permits is permitted everywhere: bound by REST to auth, held by the token, kept by user."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator

import pytest

from tests.e2e.client import Answer, Person, sign_up
from tests.e2e.platform import Platform, eventually


@pytest.fixture
def helper(ada: Person) -> Iterator[str]:
    """A role that may change the organization, and what remains of it is taken away again."""
    role = {"displayName": "Helper", "permissions": ["organizations.update"]}
    name = str(ada.rest.ok("POST", f"/v1/{ada.organization}/roles", role)["name"])
    yield name
    for binding in bindings(ada):
        ada.rest.ok("DELETE", f"/v1/{binding}")
    ada.rest.ok("DELETE", f"/v1/{name}")


def bindings(person: Person) -> list[str]:
    def listed() -> list[Answer]:
        person.refresh()  # what changes a team's access ends every token of the organization, moments later
        answer = person.rest.get(f"/v1/{person.organization}/roleBindings")
        return [answer] if answer.status == 200 else []

    [answer] = eventually(listed)
    return [binding["name"] for binding in answer.json["roleBindings"]]


def bind(ada: Person, role: str, subject: str, resource: str = "") -> str:
    binding = {"role": role, "subject": subject, "resource": resource}
    return str(ada.rest.ok("POST", f"/v1/{ada.organization}/roleBindings", binding)["name"])


def may(person: Person, permission: str, resource: str, subject: str = "") -> bool:
    query = urllib.parse.urlencode({"permission": permission, "resource": resource, "subject": subject})
    return bool(person.rest.ok("GET", f"/v1/access:check?{query}")["allowed"])


def rename(person: Person, organization: str) -> tuple[int, str]:
    answer = person.rest.call("PATCH", f"/v1/{organization}?updateMask=displayName", {"displayName": "Renamed"})
    return answer.status, answer.reason if answer.status != 200 else ""


def test_a_bound_role_is_in_the_next_token_and_a_released_one_in_none(ada: Person, bob: Person, helper: str) -> None:
    before = rename(bob, ada.organization)
    binding = bind(ada, helper, bob.name)
    bob.refresh()
    bound = rename(bob, ada.organization)
    ada.refresh()
    ada.rest.ok("DELETE", f"/v1/{binding}")
    bob.refresh()

    assert (before, bound) == ((403, "PERMISSION_DENIED"), (200, ""))
    assert rename(bob, ada.organization) == (403, "PERMISSION_DENIED")


def test_a_role_on_a_membership_opens_that_membership(ada: Person, bob: Person, helper: str) -> None:
    memberships = ada.rest.ok("GET", f"/v1/{ada.organization}/memberships")["memberships"]
    of_ada, of_bob = (next(m["name"] for m in memberships if m["user"] == who.name) for who in (ada, bob))
    permissions = {"permissions": ["memberships.get", "roleBindings.list"], "displayName": "Reader"}
    ada.rest.ok("PATCH", f"/v1/{helper}", permissions)
    ada.refresh()
    bind(ada, helper, bob.name, of_bob)
    bob.refresh()

    assert may(bob, "roleBindings.list", of_bob)
    assert not may(bob, "roleBindings.list", of_ada)
    assert bob.rest.get(f"/v1/{ada.organization}/roleBindings").status == 403


def test_what_a_team_may_its_members_may(ada: Person, bob: Person, helper: str) -> None:
    team = ada.rest.ok("POST", f"/v1/{ada.organization}/teams", {"displayName": "Operations"})["name"]
    bind(ada, helper, team)
    ada.refresh()
    bob.refresh()
    before = rename(bob, ada.organization)

    ada.rest.ok("POST", f"/v1/{team}/members", {"user": bob.name})
    bob.refresh()

    assert before == (403, "PERMISSION_DENIED")
    assert rename(bob, ada.organization) == (200, "")
    ada.refresh()
    ada.rest.ok("DELETE", f"/v1/{team}")
    assert eventually(lambda: not bindings(ada))


def test_many_questions_in_one_call(ada: Person, bob: Person) -> None:
    questions = [{"permission": name, "resource": ada.organization} for name in ("users.list", "organizations.delete")]

    answers = ada.rest.ok("POST", "/v1/access:batchCheck", {"subject": bob.name, "questions": questions})["answers"]

    assert [answer["allowed"] for answer in answers] == [True, False]


def test_roles_and_permissions_explain_themselves(ada: Person) -> None:
    assert ada.rest.ok("GET", "/v1/roles/owner")["predefined"] is True
    [listed] = ada.rest.ok("GET", "/v1/permissions?filter=name%3D%22users.list%22")["permissions"]
    assert listed["roles"] == ["roles/owner", "roles/admin", "roles/member"]


def test_whoever_leaves_and_comes_back_has_no_role_of_before(platform: Platform, ada: Person, helper: str) -> None:
    carol = sign_up(platform.rest, platform.mail, "Carol")
    carol.rest.ok("GET", "/v1/users/me")
    membership = ada.add_member(carol)
    bind(ada, helper, carol.name)
    ada.refresh()

    ada.rest.ok("DELETE", f"/v1/{membership}")

    assert eventually(lambda: not bindings(ada))
    ada.add_member(carol)
    assert "organizations.update" not in carol.switch(ada.organization).json["permissions"]
