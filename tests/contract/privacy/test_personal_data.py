"""What is exported and erased of a person over both services' real databases, and that no table is forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import descriptor_pool
from joserfc import jws

from services.auth.store import personal_data as auth_holdings
from services.auth.store.tables import metadata as auth_tables
from services.chassis.bus.bus import Event
from services.chassis.db.session import SqlTransaction
from services.chassis.db.tables import metadata as chassis_tables
from services.chassis.operations.tables import metadata as operation_tables
from services.chassis.personal_data.holdings import Holding, data_class
from services.chassis.personal_data.tables import metadata as erasure_tables
from services.user import consumers
from services.user.handlers.personal_data import certificate_key
from services.user.store import personal_data as user_holdings
from services.user.store.tables import metadata as user_tables
from tests.contract.privacy.conftest import (
    ACME,
    ADA,
    ELSEWHERE,
    EMAIL,
    IMPORTED,
    MARKERS,
    Killed,
    Platform,
    caller,
    planted,
)
from trellis.auth.v1 import resources_pb2 as auth_resources
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as user_events
from trellis.user.v1 import resources_pb2 as user_resources

USER_HAS = {
    "users": [EMAIL, "Ada Marker", "xq-MARKER"],
    "memberships": ["xq-MARKER", "zz-MARKER"],
    "invitations": [EMAIL],
    "invitation_mails": [EMAIL],
    "audit_entries": ["198.51.100.0/24"],
}
"""Where something of Ada is before."""
OWN_TABLES = {
    "auth": (auth_holdings, (auth_tables, erasure_tables)),
    "user": (user_holdings, (user_tables, operation_tables)),
}


async def export(platform: Platform) -> dict[str, Any]:
    operation = await platform.handlers.export_personal_data("users/me", caller(platform.clock))
    await platform.settle()
    name = f"{ADA}/personalDataExports/{operation.name.removeprefix('operations/')}"
    found = await platform.handlers.get_personal_data_export(name, caller(platform.clock))
    document: dict[str, Any] = json.loads(found.document)
    return document


async def erase(platform: Platform) -> str:
    operation = await platform.handlers.erase_personal_data("users/me", caller(platform.clock))
    return operation.name


async def claims_of(platform: Platform, operation: str) -> dict[str, Any]:
    certificate = await platform.handlers.get_erasure_certificate(operation.replace("operations", "erasureCertificates"))
    key = certificate_key(platform.user.keyring)
    claims: dict[str, Any] = json.loads(jws.deserialize_compact(certificate.certificate, key, ["ES256"]).payload)
    return claims


def records(document: dict[str, Any], service: str) -> list[dict[str, Any]]:
    [part] = [part for part in document["services"] if part["service"] == service]
    found: list[dict[str, Any]] = part["records"]
    return found


@pytest.mark.parametrize("service", sorted(OWN_TABLES))
def test_every_table_is_a_persons_or_says_why_not(service: str) -> None:
    holdings, own = OWN_TABLES[service]
    tables = {table.name for metadata in (*own, chassis_tables) for table in metadata.sorted_tables}
    held = {holding.table.name for holding in holdings.HOLDINGS}

    assert held | set(holdings.NOT_OF_A_PERSON) == tables
    assert held & set(holdings.NOT_OF_A_PERSON) == set()
    assert all(holdings.NOT_OF_A_PERSON.values())


@pytest.mark.parametrize(
    "holding", [*auth_holdings.HOLDINGS, *user_holdings.HOLDINGS], ids=lambda holding: str(holding.table.name)
)
def test_every_field_that_the_contract_calls_personal_is_stored_where_it_says(holding: Holding) -> None:
    stored = {field.name for field in holding.fields()}
    classified = {field.name for field in holding.record.DESCRIPTOR.fields if data_class(field)}

    assert classified - stored == set()


def test_every_resource_with_something_personal_is_held_by_a_table() -> None:
    held = {holding.record.DESCRIPTOR for holding in (*auth_holdings.HOLDINGS, *user_holdings.HOLDINGS)}
    personal = {
        message
        for file in (auth_resources.DESCRIPTOR, user_resources.DESCRIPTOR)
        for message in file.message_types_by_name.values()
        if any(data_class(field) for field in message.fields)
    }

    assert {message.full_name for message in personal - held} == {"trellis.auth.v1.Account", "trellis.auth.v1.TokenSet"}
    # stored as AccountRecord; not stored at all


def test_all_services_answer_with_the_same_fields() -> None:
    for kind in (consumers.COLLECTED, consumers.ERASED):
        names = [name for name in EVENTS if name.endswith(f".{kind}")]
        messages = [descriptor_pool.Default().FindMessageTypeByName(name) for name in names]
        shapes = [[(field.name, field.number, field.type) for field in message.fields] for message in messages]
        assert all(shape == shapes[0] for shape in shapes)


def test_who_takes_part_is_read_from_the_contract() -> None:
    declared = {name.split(".")[1] for name in EVENTS if name.endswith(".PersonalDataCollected")}

    assert declared == set(consumers.participants()) == {"auth"}


async def test_an_export_has_every_record_of_every_service_with_the_class_of_each_field(platform: Platform) -> None:
    document = await export(platform)

    assert [part["service"] for part in document["services"]] == ["auth", "user"]
    kinds = [record["record"].rpartition(".")[2] for record in records(document, "auth")]
    assert kinds == ["SignUpRecord", "RoleBinding", "Session", "Session", "AccountRecord"]
    account = records(document, "auth")[-1]["fields"]
    assert account == {
        "user": {"class": "NONE", "value": ADA},
        "email": {"class": "PERSONAL", "value": EMAIL},
        "display_name": {"class": "PERSONAL", "value": "Ada Marker"},
        "password_hash": {"class": "SECRET"},
        "last_organization": {"class": "NONE", "value": "organizations/org_acme"},
        "create_time": {"class": "NONE", "value": "2026-01-01T12:00:00+00:00"},
    }
    assert [record["record"].rpartition(".")[2] for record in records(document, "user")] == [
        "InvitationMailRecord",
        "Invitation",
        "TeamMember",
        "Membership",
        "Membership",
        "Preferences",
        "AuditEntry",
        "User",
        "User",
    ]
    imported = records(document, "user")[-2]["fields"]
    assert (imported["name"]["value"], imported["state"]["value"]) == (IMPORTED, "STATE_PROVISIONED")
    assert records(document, "user")[4]["fields"]["attributes"] == {"class": "PERSONAL", "value": {"desk": "zz-MARKER"}}
    membership = records(document, "user")[3]
    assert membership["fields"]["role"] == {"class": "NONE", "value": "ROLE_MEMBER"}
    assert membership["fields"]["attributes"] == {"class": "PERSONAL", "value": {"desk": "xq-MARKER"}}
    assert membership["fields"]["name"]["value"] == "organizations/org_acme/memberships/usr_ada"


async def test_an_export_tells_nothing_of_anybody_else_and_no_secret(platform: Platform) -> None:
    text = json.dumps(await export(platform))

    assert "bob@example.com" not in text
    assert "users/usr_bob/" not in text
    assert "marker-hash" not in text


async def test_what_travels_and_rests_for_an_export_cannot_be_read(platform: Platform) -> None:
    await platform.handlers.export_personal_data("users/me", caller(platform.clock))
    await platform.runner.run_next()
    before = planted(await platform.everything("user"))

    await platform.settle()

    assert planted(await platform.everything("user")) == before
    sealed = await platform.user.pool.fetchval("SELECT document FROM personal_data_exports")
    assert not any(marker.encode() in sealed for marker in MARKERS)


async def test_after_an_erasure_no_table_of_any_service_has_anything_of_the_person(platform: Platform) -> None:
    await export(platform)
    assert planted(await platform.everything("auth")) == {
        "accounts": [EMAIL, "Ada Marker", "marker-hash"],
        "sign_ups": [EMAIL, "Ada Marker", "marker-hash"],
        "sessions": ["Marker-Browser"],
    }
    assert planted(await platform.everything("user")) == USER_HAS

    await erase(platform)
    await platform.settle()

    assert planted(await platform.everything("auth")) == {}
    assert planted(await platform.everything("user")) == {}
    for table in ("accounts", "sessions", "sign_ups"):
        assert await platform.auth.pool.fetchval(f"SELECT count(*) FROM {table}") in (1, 2)  # Bob's
    [tombstone] = await platform.user.pool.fetch("SELECT * FROM users WHERE name = $1", ADA)
    assert (tombstone["email"], tombstone["display_name"], tombstone["state"]) == ("", "", 4)
    assert await platform.user.pool.fetchval("SELECT count(*) FROM users WHERE email = 'bob@example.com'") == 1
    entries = await platform.user.pool.fetch("SELECT actor, address_prefix FROM audit_entries ORDER BY sequence")
    assert [tuple(entry) for entry in entries] == [(ADA, ""), ("users/usr_bob", "203.0.113.0/24")]


async def test_whom_organizations_imported_under_the_address_goes_and_nobody_else(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, hear = [], Platform._hear

    async def heard(self: Platform, event: Event) -> None:
        if event.topic == "user.v1.membership_deleted":
            ended.append(user_events.MembershipDeleted.FromString(event.data).membership)
        await hear(self, event)

    monkeypatch.setattr(Platform, "_hear", heard)
    await erase(platform)
    await platform.settle()

    left = await platform.user.pool.fetch("SELECT name FROM users WHERE state = 5")
    assert [row["name"] for row in left] == ["users/usr_other"]
    assert ended == [f"{ACME}/memberships/usr_ada", f"{ELSEWHERE}/memberships/usr_imported"]


async def test_who_has_made_many_calls_is_erased_step_by_step(platform: Platform) -> None:
    await platform.user.pool.execute(
        "INSERT INTO audit_entries SELECT organization, sequence + n * 2, id || n, create_time, service, rpc, actor,"
        " api_key, resources, code, reason, request_id, trace_id, address_prefix, call_count, previous_hash, hash"
        f" FROM audit_entries, generate_series(1, 2499) n WHERE actor = '{ADA}'"
    )
    operation = await erase(platform)
    await platform._deliver()
    await platform._deliver()

    left = []
    while not await platform.user.pool.fetchval("SELECT count(*) FROM erasure_certificates"):
        await platform.runner.run_next()
        left.append(await platform.user.pool.fetchval("SELECT count(*) FROM audit_entries WHERE address_prefix != ''"))

    assert left == [1501, 501, 1, 1]  # one is Bob's
    services = (await claims_of(platform, operation))["services"]
    assert {each["record"]: each["count"] for each in services["user"]["erased"]}["trellis.user.v1.AuditEntry"] == 2500


async def test_mails_that_are_still_here_go_and_nobody_elses(platform: Platform) -> None:
    await erase(platform)
    await platform.settle()

    left = [json.loads(path.read_text())["to"] for path in platform.mails._directory.glob("*.json")]
    assert left == ["bob@example.com"]


async def test_the_certificate_says_what_was_there(platform: Platform) -> None:
    operation = await erase(platform)
    await platform.settle()

    services = (await claims_of(platform, operation))["services"]
    assert {each["record"].rpartition(".")[2]: each["count"] for each in services["auth"]["erased"]} == {
        "SignUpRecord": 1,
        "RoleBinding": 1,
        "Session": 2,
        "AccountRecord": 1,
    }
    assert services["auth"]["erased"][-1]["personal_fields"] == ["email", "display_name"]
    assert services["auth"]["erased"][-1]["secret_fields"] == ["password_hash"]
    assert {each["record"].rpartition(".")[2]: each["count"] for each in services["user"]["erased"]} == {
        "InvitationMailRecord": 1,
        "Invitation": 1,
        "TeamMember": 1,
        "Membership": 2,
        "Preferences": 1,
        "AuditEntry": 1,
        "User": 2,
    }
    assert not any(marker in json.dumps(services) for marker in MARKERS)


async def test_a_service_that_is_down_delays_and_is_never_skipped(platform: Platform) -> None:
    platform.auth_up = False
    operation = await erase(platform)
    await platform.settle()
    assert planted(await platform.everything("user")) == USER_HAS

    platform.clock.move(hours=1)
    await platform.settle()
    platform.auth_up = True
    await platform.settle()

    assert planted(await platform.everything("user")) == {}
    assert (await claims_of(platform, operation))["services"]["auth"]["erased"] != []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 5))
async def test_killed_at_any_commit_it_ends_once_with_one_certificate(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, number: int, when: str
) -> None:
    operation = await erase(platform)
    commits: list[str] = []
    commit = SqlTransaction._commit

    async def mortal(self: SqlTransaction, connection: Any) -> None:
        commits.append("commit")
        if len(commits) == number and when == "before":
            raise Killed
        await commit(self, connection)
        if len(commits) == number and when == "after":
            raise Killed

    monkeypatch.setattr(SqlTransaction, "_commit", mortal)
    await platform.settle()

    assert len(commits) >= 4
    assert planted(await platform.everything("auth")) == planted(await platform.everything("user")) == {}
    assert await platform.user.pool.fetchval("SELECT count(*) FROM erasure_certificates") == 1
    assert await platform.auth.pool.fetchval("SELECT count(*) FROM erasures") == 1
    services = (await claims_of(platform, operation))["services"]
    assert sum(each["count"] for each in services["auth"]["erased"]) == 5
    assert sum(each["count"] for each in services["user"]["erased"]) == 9


async def test_asked_again_auth_answers_as_the_first_time(platform: Platform) -> None:
    operation = await erase(platform)
    await platform.settle()
    first = await platform.auth.pool.fetchval("SELECT report FROM erasures")

    await platform.user.pool.execute("UPDATE operations SET end_time = NULL, next_time = $1", platform.clock())
    await platform.user.pool.execute("DELETE FROM erasure_certificates")
    platform.clock.move(hours=1)
    await platform.settle()

    assert await platform.auth.pool.fetchval("SELECT report FROM erasures") == first
    services = (await claims_of(platform, operation))["services"]
    assert services["auth"] == json.loads(first)


async def test_events_that_come_late_bring_nobody_back(platform: Platform) -> None:
    await erase(platform)
    await platform.settle()
    async with platform.handlers.begin() as tx:
        await tx.users.add(
            (await tx.users.get("users/usr_bob")).__class__(ADA, EMAIL, "Ada Marker", platform.clock(), platform.clock())
        )
        await tx.commit()

    assert planted(await platform.everything("user")) == {}
