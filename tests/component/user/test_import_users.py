"""ImportService.ImportUsers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from google.rpc import error_details_pb2
from grpc import StatusCode

from services.user.domain import (
    AttributeSchema,
    MembershipCreated,
    MembershipDeleted,
    Role,
    Team,
    TeamMember,
    TeamMemberCreated,
    User,
    UsersImported,
    UserState,
    membership_name,
)
from tests.component.refusals import Refusal, refusal
from tests.component.user.conftest import ACME, BOB, DAN, HIDDEN, NOTHING, invited
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import import_service_pb2 as rpc
from trellis.user.v1 import invitation_service_pb2 as invitation_rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1 import service_pb2 as user_rpc

REQUEST_ID = "0d6f2f3e-8f2c-4f5e-9f57-1f0a7a0b1c2d"
CREATED, UPDATED = rpc.ImportRowResult.OUTCOME_CREATED, rpc.ImportRowResult.OUTCOME_UPDATED
UNCHANGED, FAILED = rpc.ImportRowResult.OUTCOME_UNCHANGED, rpc.ImportRowResult.OUTCOME_FAILED


def row(email: str, display_name: str = "Somebody", **values: Any) -> rpc.ImportedUser:
    attributes = Struct()
    attributes.update(values.pop("attributes", {}))
    return rpc.ImportedUser(email=email, display_name=display_name, attributes=attributes, **values)


def message(*rows: rpc.ImportedUser, parent: str = ACME, **values: Any) -> rpc.ImportUsersRequest:
    return rpc.ImportUsersRequest(parent=parent, rows=rows, **values)


async def imported(
    service: UserProcess, caller: Metadata, *messages: rpc.ImportUsersRequest
) -> list[rpc.ImportUsersResponse]:
    async def sent() -> AsyncIterator[rpc.ImportUsersRequest]:
        for each in messages:
            yield each

    return [answer async for answer in service.imports.ImportUsers(sent(), metadata=caller)]


async def refused(service: UserProcess, caller: Metadata, *messages: rpc.ImportUsersRequest) -> Refusal:
    return await refusal(imported(service, caller, *messages))


def outcomes(answers: Sequence[rpc.ImportUsersResponse]) -> list[tuple[int, int]]:
    return [(result.row, result.outcome) for answer in answers for result in answer.results]


def allow_level(store: FakeUserStore) -> None:
    schema = {"type": "object", "properties": {"level": {"type": "integer", "maximum": 5}}, "additionalProperties": False}
    store.tables.attribute_schemas[ACME] = AttributeSchema(ACME, schema, NOON, 1)


def error_of(result: rpc.ImportRowResult) -> tuple[str, list[str]]:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in result.error.details:
        detail.Unpack(info) or detail.Unpack(bad)
    return info.reason, [violation.field for violation in bad.field_violations]


@pytest.mark.parametrize("who", ["ada", "cid"])
async def test_an_owner_or_administrator_takes_many_in(
    service: UserProcess, store: FakeUserStore, request: pytest.FixtureRequest, time: Time, who: str
) -> None:
    allow_level(store)
    rows = [
        row("Fay@Example.com", "Fay", external_id="7", language_code="de-CH", time_zone="Europe/Zurich"),
        row("gus@example.com", "Gus", role=pb.ROLE_ADMIN, attributes={"level": 3}),
    ]
    batch, last = await imported(service, request.getfixturevalue(who), message(*rows, request_id=REQUEST_ID))

    assert [(each.row, each.outcome, each.external_id) for each in batch.results] == [(1, CREATED, "7"), (2, CREATED, "")]
    fay, gus = (each.user for each in batch.results)
    assert (batch.import_id, batch.next_row, batch.complete) == (REQUEST_ID, 3, False)
    assert (last.import_id, last.next_row, last.complete, len(last.results)) == (REQUEST_ID, 3, True, 0)
    assert last.totals == rpc.ImportTotals(created=2)
    stored = store.tables.users[fay]
    assert (stored.email, stored.display_name, stored.language_code, stored.time_zone, stored.state) == (
        "fay@example.com",
        "Fay",
        "de-CH",
        "Europe/Zurich",
        UserState.PROVISIONED,
    )
    membership = store.tables.memberships[membership_name(ACME, gus)]
    assert (membership.role, membership.attributes) == (Role.ADMIN, {"level": 3})
    assert store.events == [UsersImported(ACME, (fay, gus), (), time())]


async def test_nobody_learns_who_has_an_account(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    batch, _ = await imported(service, ada, message(row("eve@example.com", "E"), row("nobody@example.com", "N")))

    assert outcomes([batch]) == [(1, CREATED), (2, CREATED)]
    users = [store.tables.users[result.user] for result in batch.results]
    assert [(user.state, user.display_name) for user in users] == [
        (UserState.PROVISIONED, "E"),
        (UserState.PROVISIONED, "N"),
    ]


async def test_a_member_is_found_by_address_and_only_attributes_change(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    allow_level(store)
    changed, same, unsaid = (
        row("bob@example.com", "Robert", role=pb.ROLE_ADMIN, attributes={"level": 2}),
        row("BOB@example.com", attributes={"level": 2}),
        row("bob@example.com"),
    )
    batch, last = await imported(service, ada, message(changed, same, unsaid))

    assert outcomes([batch]) == [(1, UPDATED), (2, UNCHANGED), (3, UNCHANGED)]
    assert last.totals == rpc.ImportTotals(updated=1, unchanged=2)
    membership = store.tables.memberships[membership_name(ACME, BOB)]
    assert (membership.role, membership.attributes, membership.version) == (Role.MEMBER, {"level": 2}, 2)
    assert store.tables.users[BOB].display_name == "Bob"
    assert store.events == [UsersImported(ACME, (), (BOB,), time())]


async def test_rows_are_taken_in_order(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    allow_level(store)
    rows = [row("fay@example.com", attributes={"level": level}) for level in (1, 1, 2)]
    batch, _ = await imported(service, ada, message(*rows))

    assert outcomes([batch]) == [(1, CREATED), (2, UNCHANGED), (3, UPDATED)]
    membership = store.tables.memberships[membership_name(ACME, batch.results[0].user)]
    assert (membership.attributes, membership.version) == ({"level": 2}, 1)


@pytest.mark.parametrize(
    ("wrong", "reason", "fields"),
    [
        (row("no address"), "REQUEST_INVALID", ["email"]),
        (row("x" * 300 + "@example.com"), "REQUEST_INVALID", ["email"]),
        (row("fay@example.com", ""), "REQUEST_INVALID", ["display_name"]),
        (row("fay@example.com", "  "), "REQUEST_INVALID", ["display_name"]),
        (row("fay@example.com", "F\0y"), "REQUEST_INVALID", ["display_name"]),
        (row("fay@example.com", role=pb.ROLE_OWNER), "REQUEST_INVALID", ["role"]),
        (row("fay@example.com", time_zone="here and there"), "REQUEST_INVALID", ["time_zone"]),
        (row("fay@example.com", external_id="7" * 200), "REQUEST_INVALID", ["external_id"]),
        (row("fay@example.com", attributes={"level": 7}), "ATTRIBUTES_INVALID", ["attributes.level"]),
    ],
)
async def test_a_wrong_row_fails_alone(
    service: UserProcess, store: FakeUserStore, ada: Metadata, wrong: rpc.ImportedUser, reason: str, fields: list[str]
) -> None:
    allow_level(store)
    batch, last = await imported(service, ada, message(row("gus@example.com"), wrong, row("hal@example.com")))

    assert outcomes([batch]) == [(1, CREATED), (2, FAILED), (3, CREATED)]
    assert error_of(batch.results[1]) == (reason, fields)
    assert batch.results[1].error.code == StatusCode.INVALID_ARGUMENT.value[0]
    assert last.totals == rpc.ImportTotals(created=2, failed=1)


async def test_a_cut_import_goes_on_where_it_was(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    rows = [row(f"p{number}@example.com") for number in range(6)]
    first, *_ = await imported(service, ada, message(*rows[:2]), message(*rows[2:4]))
    again = await imported(
        service,
        ada,
        message(*rows[:4], first_row=1, resume_token=first.resume_token),
        message(*rows[4:]),
    )

    assert outcomes(again) == [(3, CREATED), (4, CREATED), (5, CREATED), (6, CREATED)]  # the first answer to 3 and 4
    assert again[-1].import_id == first.import_id
    assert again[-1].totals == rpc.ImportTotals(created=6)
    otherwise = await imported(service, ada, message(*rows[2:3], first_row=3, resume_token=first.resume_token))
    assert outcomes(otherwise) == [(3, UNCHANGED)]
    assert sum(user.state is UserState.PROVISIONED for user in store.tables.users.values()) == 6


async def test_the_same_rows_under_the_same_id_get_the_first_answers(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    sent = [message(row("fay@example.com"), request_id=REQUEST_ID), message(row("gus@example.com"))]
    first = await imported(service, ada, *sent)

    assert await imported(service, ada, *sent) == first
    assert len(store.events) == 2


async def test_other_rows_under_the_same_id_are_refused(service: UserProcess, ada: Metadata) -> None:
    await imported(service, ada, message(row("fay@example.com"), request_id=REQUEST_ID))
    found = await refused(service, ada, message(row("gus@example.com"), request_id=REQUEST_ID))

    assert (found.code, found.reason) == (StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")


async def test_a_rehearsal_says_what_would_be_and_changes_nothing(
    service: UserProcess, store: FakeUserStore, ada: Metadata
) -> None:
    users = dict(store.tables.users)
    batch, last = await imported(service, ada, message(row("fay@example.com"), row("no address"), validate_only=True))

    assert outcomes([batch]) == [(1, CREATED), (2, FAILED)]
    assert last.totals == rpc.ImportTotals(created=1, failed=1)
    assert (store.tables.users, store.events) == (users, [])
    found = await refused(service, ada, message(row("fay@example.com"), resume_token=batch.resume_token))
    assert found.reason == "RESUME_TOKEN_INVALID"


async def test_a_resume_token_is_for_who_was_given_it(
    service: UserProcess, ada: Metadata, cid: Metadata, eve: Metadata
) -> None:
    first, *_ = await imported(service, ada, message(row("fay@example.com"), request_id=REQUEST_ID))
    token = first.resume_token
    foreign = await refused(service, cid, message(resume_token=token))
    elsewhere = await refused(service, eve, message(resume_token=token, parent=HIDDEN))
    altered = await refused(service, ada, message(resume_token=token.swapcase()))
    another = await refused(service, ada, message(resume_token=token, request_id=REQUEST_ID.replace("0", "1")))

    assert (foreign.code, foreign.reason) == (StatusCode.INVALID_ARGUMENT, "RESUME_TOKEN_INVALID")
    assert foreign == elsewhere == altered == another


async def test_no_row_is_left_out(service: UserProcess, ada: Metadata) -> None:
    found = await refused(service, ada, message(row("fay@example.com")), message(row("gus@example.com"), first_row=3))

    assert (found.code, found.fields) == (StatusCode.INVALID_ARGUMENT, ["first_row"])


async def test_one_import_is_about_one_organization(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    denied = await refused(service, ada, message(row("fay@example.com"), parent=HIDDEN))
    later = await refused(service, ada, message(row("fay@example.com")), message(row("gus@example.com"), parent=HIDDEN))

    assert (denied.code, denied.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert denied == await refused(service, ada, message(parent=NOTHING)) == later
    assert [user.email for user in store.tables.users.values() if user.state is UserState.PROVISIONED] == ["fay@example.com"]


async def test_a_member_is_denied(service: UserProcess, bob: Metadata) -> None:
    found = await refused(service, bob, message(row("fay@example.com")))

    assert (found.code, found.metadata) == (StatusCode.PERMISSION_DENIED, {"permission": "users.import"})


async def test_the_role_of_now_counts_and_not_the_token(service: UserProcess, store: FakeUserStore, cid: Metadata) -> None:
    del store.tables.memberships[f"{ACME}/memberships/usr_cid"]

    assert (await refused(service, cid, message(row("fay@example.com")))).reason == "OWNER_REQUIRED"


async def test_a_stream_ends_with_its_token(service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time) -> None:
    call = service.imports.ImportUsers(metadata=ada)
    await call.write(message(row("fay@example.com")))
    answer = await call.read()
    assert isinstance(answer, rpc.ImportUsersResponse)
    assert outcomes([answer]) == [(1, CREATED)]
    time.move(hours=1)
    await call.write(message(row("gus@example.com")))

    assert (await refusal(call.read())).code is StatusCode.UNAUTHENTICATED
    assert [user.email for user in store.tables.users.values() if user.state is UserState.PROVISIONED] == ["fay@example.com"]


async def test_an_import_without_a_message_is_refused(service: UserProcess, ada: Metadata, bob: Metadata) -> None:
    assert (await refused(service, ada)).fields == ["parent"]
    assert (await refused(service, bob)).code is StatusCode.PERMISSION_DENIED


async def test_too_many_rows_in_a_message_are_refused(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    rows = [row(f"p{number}@example.com") for number in range(501)]

    assert (await refused(service, ada, message(*rows))).fields == ["rows"]
    assert store.events == []


async def test_signing_up_takes_over_what_was_imported(
    service: UserProcess, store: FakeUserStore, ada: Metadata, time: Time
) -> None:
    allow_level(store)
    sent = message(row("Dan@example.com", "D.", role=pb.ROLE_ADMIN, attributes={"level": 4}))
    provisioned = (await imported(service, ada, sent))[0].results[0].user
    store.tables.teams["organizations/org_acme/teams/tea_1"] = team = Team(f"{ACME}/teams/tea_1", "Ops", NOON, NOON)
    member = TeamMember(team.name, provisioned, NOON)
    store.tables.team_members[member.name] = member
    store.events.clear()

    await signed_up(service, time)
    await signed_up(service, time)

    own = store.tables.memberships[membership_name(ACME, DAN)]
    assert (own.role, own.attributes) == (Role.ADMIN, {"level": 4})
    assert [each.user for each in store.tables.team_members.values()] == [DAN]
    assert provisioned not in store.tables.users
    gone = membership_name(ACME, provisioned)
    assert store.events == [
        MembershipCreated(own.name, ACME, DAN, Role.ADMIN, time()),
        TeamMemberCreated(team.name, ACME, DAN, time()),
        MembershipDeleted(gone, ACME, provisioned, time()),
    ]
    assert gone not in store.tables.memberships


async def test_whoever_has_an_account_takes_over_by_accepting_an_invitation(
    service: UserProcess, store: FakeUserStore, ada: Metadata, dan: Metadata
) -> None:
    provisioned = (await imported(service, ada, message(row("dan@example.com", role=pb.ROLE_ADMIN))))[0].results[0].user
    assert membership_name(ACME, DAN) not in store.tables.memberships
    _, token = await invited(service, ada)
    membership = await service.invitations.AcceptInvitation(
        invitation_rpc.AcceptInvitationRequest(token=token), metadata=dan
    )

    assert (membership.user, membership.role) == (DAN, pb.ROLE_ADMIN)
    assert provisioned not in store.tables.users


async def test_an_administrator_removes_who_was_imported(service: UserProcess, store: FakeUserStore, ada: Metadata) -> None:
    provisioned = (await imported(service, ada, message(row("fay@example.com"))))[0].results[0].user
    await service.memberships.DeleteMembership(
        user_rpc.DeleteMembershipRequest(name=membership_name(ACME, provisioned)), metadata=ada
    )

    assert provisioned not in store.tables.users


async def signed_up(service: UserProcess, time: Time) -> None:
    """Let auth announce Dan's account."""
    await service.parts.users.create_user(User(DAN, "dan@example.com", "Dan", time(), time()))


async def test_an_api_key_imports_nobody_who_may_do_more_than_its_scopes(service: UserProcess, store: FakeUserStore) -> None:
    narrow, before = service.called_by_key("users.import"), dict(store.tables.memberships)
    both = message(row("fay@example.com"), row("gus@example.com", role=pb.ROLE_ADMIN), request_id=REQUEST_ID)

    refused = await refusal(imported(service, narrow, both))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert store.tables.memberships == before
