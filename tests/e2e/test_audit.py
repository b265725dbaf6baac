"""Audit logs through the edge: who did what, who was refused, nothing of others, nothing that was said; and kill -9."""

from __future__ import annotations

import os
import re
import signal
import uuid
from typing import Any

import pytest

from tests.e2e.client import Person, Rest, sign_up
from tests.e2e.platform import Platform, eventually

MARK = "xqmarker"


@pytest.fixture
def own(platform: Platform) -> Person:
    """The owner of an organization that nobody has called about yet."""
    person = sign_up(platform.rest, platform.mail, f"{MARK} Owner")
    person.new_organization(f"{MARK} Org {uuid.uuid4().hex[:6]}")
    return person


def entries(person: Person, query: str = "") -> list[dict[str, Any]]:
    """Return the log of a person's organization, the oldest first."""
    path = f"/v1/{person.organization}/auditEntries?pageSize=1000&orderBy=create_time{query}"
    found: list[dict[str, Any]] = person.rest.ok("GET", path).get("auditEntries", [])
    return found


def of(person: Person, count: int) -> list[tuple[str, str, str, str]]:
    """Return RPC, actor, key and reason of every entry once there are so many."""
    eventually(lambda: len(entries(person)) >= count)
    return [
        (each["rpc"].rpartition("/")[2], each["actor"], each.get("apiKey", ""), each.get("reason", ""))
        for each in entries(person)
    ]


def verify(person: Person) -> dict[str, Any]:
    return person.rest.ok("GET", f"/v1/{person.organization}/auditEntries:verify")


def test_each_audited_call_is_one_entry_with_the_right_actor(platform: Platform, own: Person, eve: Person) -> None:
    before = of(own, 2)
    assert [rpc for rpc, *_ in before] == ["CreateOrganization", "SwitchOrganization"]
    team = own.rest.ok("POST", f"/v1/{own.organization}/teams", {"displayName": f"{MARK} team"}, headers=key())["name"]
    own.rest.ok("POST", f"/v1/{own.organization}/teams?validateOnly=true", {"displayName": "tried"})
    body = {"displayName": "CI", "scopes": ["teams.create", "teams.list"]}
    made = own.rest.ok("POST", f"/v1/{own.organization}/apiKeys", body)
    by_key = {"x-api-key": made["secret"]}
    Rest(platform.rest).ok("POST", f"/v1/{own.organization}/teams", {"displayName": f"{MARK} by key"}, headers=by_key)
    assert Rest(platform.rest).call("DELETE", f"/v1/{team}", headers=by_key).status == 403
    assert own.rest.post(f"/v1/{own.organization}/teams", {"displayName": f"{MARK} team"}).status == 409
    assert eve.rest.call("DELETE", f"/v1/{team}").status == 403
    own.rest.ok("POST", f"/v1/{made['name']}:revoke", {})

    found = of(own, 8)

    assert sorted(found[2:]) == sorted(
        [
            ("CreateTeam", own.name, "", ""),
            ("CreateApiKey", own.name, "", ""),
            ("CreateTeam", own.name, made["name"], ""),
            ("DeleteTeam", own.name, made["name"], "PERMISSION_DENIED"),
            ("CreateTeam", own.name, "", "TEAM_EXISTS"),
            ("RevokeApiKey", own.name, "", ""),
        ]
    )
    assert "fault" not in verify(own)


def key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def test_a_repetition_adds_nothing(own: Person) -> None:
    same = key()
    for _ in range(3):
        own.rest.ok("POST", f"/v1/{own.organization}/teams", {"displayName": "once"}, headers=same)
    own.rest.ok("POST", f"/v1/{own.organization}/teams", {"displayName": "after"})

    assert [rpc for rpc, *_ in of(own, 4)].count("CreateTeam") == 2


def test_nothing_that_was_said_is_in_the_log(platform: Platform, own: Person) -> None:
    """What was said is marked; the log holds the actor's id and the network, nothing else of anybody."""
    secret = "SECRET" + uuid.uuid4().hex
    own.rest.ok("PATCH", "/v1/users/me?updateMask=displayName", {"displayName": f"{MARK} new name"})
    own.rest.ok("POST", f"/v1/{own.organization}/invitations", {"email": f"{MARK}@example.com", "role": "ROLE_MEMBER"})
    own.rest.call("POST", f"/v1/{own.organization}/teams", {"displayName": f"{MARK}"}, headers={"x-request-id": MARK})
    own.rest.call("DELETE", f"/v1/organizations/org_{MARK}x@example.com/teams/{secret}")
    own.rest.call("POST", "/v1/auth:changePassword", {"currentPassword": secret, "newPassword": secret})

    of(own, 7)
    stored = platform.sql("user", "SELECT * FROM audit_entries").lower()

    assert MARK not in stored
    assert secret.lower() not in stored
    assert own.email.lower() not in stored
    assert own.token.lower() not in stored
    [network] = {
        each["addressPrefix"] for each in entries(own)
    }  # the machine's own, as the edge calls who comes by loopback
    assert re.fullmatch(r"\d+\.\d+\.\d+\.0/24", network)


def test_members_and_strangers_read_nothing(ada: Person, bob: Person, eve: Person) -> None:
    for person in (bob, eve):
        path = f"/v1/{ada.organization}/auditEntries"
        assert person.rest.get(path).verdict == (403, "PERMISSION_DENIED")
        assert person.rest.get(f"{path}:verify").verdict == (403, "PERMISSION_DENIED")
    assert {each["name"].rpartition("/auditEntries/")[0] for each in entries(eve)} == {eve.organization}
    assert {each["actor"] for each in entries(eve)} == {eve.name}


def test_tampering_with_a_row_is_found(platform: Platform, own: Person) -> None:
    own.rest.ok("POST", f"/v1/{own.organization}/teams", {"displayName": "ops"})
    of(own, 3)
    assert verify(own)["verifiedCount"] == "3"
    where = f"organization = '{own.organization}' AND sequence = 2"
    platform.sql("user", f"UPDATE audit_entries SET actor = 'users/usr_somebody_else' WHERE {where}")

    found = verify(own)

    assert (found["fault"]["kind"], found["fault"]["sequence"], found["verifiedCount"]) == ("KIND_CHANGED", "2", "1")
    [second] = [each["name"] for each in entries(own) if each["sequence"] == "2"]  # as they arrived, not by their times
    assert found["fault"]["auditEntry"] == second


def test_a_flood_of_refusals_does_not_fill_the_log(own: Person) -> None:
    for _ in range(60):
        assert own.rest.call("DELETE", "/v1/organizations/org_elsewhere/teams/team_1").status == 403

    assert len(of(own, 22)) <= 2 + 40  # of each process 20


def test_kill_9_of_user_while_entries_arrive_loses_none_and_doubles_none(platform: Platform, own: Person) -> None:
    """Auth goes on making roles; user, which keeps the log, is killed in the middle and comes back."""
    made, victim = [], platform.pids()["user"]
    for number in range(30):
        if number == 10:
            os.kill(victim, signal.SIGKILL)
        body = {"displayName": f"role {number}", "permissions": ["teams.get"]}
        made.append(made_in_the_end(own, body))
    eventually(platform.healthy, within_s=30)
    assert platform.pids()["user"] != victim
    eventually(lambda: len(roles_made(own)) >= len(made))

    assert sorted(roles_made(own)) == sorted(made)
    assert "fault" not in verify(own)


def made_in_the_end(person: Person, body: object) -> str:
    """Make a role; while user is away auth says so, and the same request is sent again."""
    same = key()

    def name() -> str:
        answer = person.rest.post(f"/v1/{person.organization}/roles", body, headers=same)
        assert answer.status in (200, 503), answer.body
        return str(answer.json["name"]) if answer.status == 200 else ""

    return eventually(name)


def roles_made(person: Person) -> list[str]:
    """Return the roles that the log tells of, once for each entry."""
    created = [each for each in entries(person) if each["rpc"].endswith("/CreateRole") and each["code"] == "OK"]
    return [name for each in created for name in each["resources"] if "/roles/" in name]
