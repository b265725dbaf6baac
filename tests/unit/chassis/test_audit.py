"""What is told of audited calls, and how many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.chassis.audit import AuditedCall, RunningCall, Trail
from services.chassis.audit.call import organization_of, resource_names
from services.chassis.audit.messages import call_of, call_to_proto
from services.chassis.rpc.audited import prefix_of
from tests.conftest import NOON, Ids, Time

ADA, ACME = "users/usr_ada", "organizations/org_acme"
CALL = AuditedCall(
    id="aud_1",
    time=NOON,
    organization=ACME,
    service="user",
    rpc="trellis.user.v1.TeamService/CreateTeam",
    actor=ADA,
    api_key=f"{ACME}/apiKeys/key_1",
    resources=(ACME,),
    code="PERMISSION_DENIED",
    reason="PERMISSION_DENIED",
    request_id="r-1",
    trace_id="0" * 32,
    address_prefix="192.0.2.0/24",
)


class Written:
    """What was written, or that nothing can be."""

    def __init__(self) -> None:
        self.calls: list[AuditedCall] = []
        self.away = False

    async def __call__(self, calls: Sequence[AuditedCall]) -> None:
        if self.away:
            raise ConnectionError
        self.calls += calls


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def trail(written: Written, time: Time, ids: Ids) -> Trail:
    return Trail(written, time, ids, per_minute=3)


def test_a_call_is_the_same_on_the_other_side_of_the_bus() -> None:
    assert call_of(call_to_proto(CALL), ACME) == CALL


@pytest.mark.parametrize(
    "name",
    [
        ACME,
        f"{ACME}/teams/team_1/members/usr_bob",
        f"{ACME}/domains/example.com",
        "roles/owner",
        f"{ADA}/preferences",
        f"{ACME}/preferences",
    ],
)
def test_what_looks_like_a_name_is_told(name: str) -> None:
    assert resource_names([name], ADA) == (name,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "users/ada@example.com",
        "ada@example.com",
        "users/ada.lovelace",
        "users/Ada Lovelace",
        "users/" + "x" * 300,
        "trk_secret",
        "users/usr_ada/../x",
        "users/usr_ada\n",
    ],
)
def test_what_might_be_anything_is_not(text: str) -> None:
    assert resource_names([text], ADA) == ()


def test_each_name_is_told_once_and_me_is_the_caller() -> None:
    account = f"{ACME}/serviceAccounts/sa_1"

    assert resource_names(["users/me", ADA, "users/me/preferences"], ADA) == (ADA, f"{ADA}/preferences")
    assert resource_names(["users/me"], account) == ("users/me",)
    assert resource_names(["users/mendel"], ADA) == ("users/mendel",)
    assert len(resource_names([f"users/u{i}" for i in range(1000)], ADA)) == 10


def test_the_organization_is_the_first_that_is_named() -> None:
    assert organization_of(["", ADA, f"{ACME}/teams/t", "organizations/org_other"]) == ACME
    assert organization_of([ADA, "roles/owner"]) == ""


@pytest.mark.parametrize(
    ("forwarded", "prefix"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("203.0.113.9, 192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::77", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("", ""),
        ("ada@example.com", ""),
    ],
)
def test_an_address_is_told_as_a_network_of_many(forwarded: str, prefix: str) -> None:
    assert prefix_of(forwarded) == prefix


def test_what_was_told_with_its_effect_is_not_told_again() -> None:
    running = RunningCall(lambda code, reason, answered: replace(CALL, code=code, reason=reason))

    assert running.refused("ABORTED", "ETAG_MISMATCH") == replace(CALL, code="ABORTED", reason="ETAG_MISMATCH")
    running.recorded = True
    assert running.refused("ABORTED", "ETAG_MISMATCH") is None
    assert running.allowed(object()) is None


async def test_a_few_refusals_a_minute_are_told_and_the_rest_is_counted(trail: Trail, written: Written, time: Time) -> None:
    for number in range(1000):
        trail.add(replace(CALL, id=f"aud_{number}"))
    await trail.write_waiting()
    assert [call.id for call in written.calls] == ["aud_0", "aud_1", "aud_2"]

    time.move(minutes=1)
    trail.end_minutes()
    await trail.write_waiting()

    assert written.calls[3:] == [replace(CALL, id="aud_999", call_count=997)]


async def test_a_new_minute_begins_with_the_next_call_too(trail: Trail, written: Written, time: Time) -> None:
    for number in range(5):
        trail.add(replace(CALL, id=f"aud_{number}"))
    time.move(minutes=1)
    trail.add(replace(CALL, id="aud_later", time=time()))
    await trail.write_waiting()

    assert [(call.id, call.call_count) for call in written.calls] == [
        ("aud_0", 1),
        ("aud_1", 1),
        ("aud_2", 1),
        ("aud_4", 2),
        ("aud_later", 1),
    ]


async def test_one_callers_flood_takes_nothing_from_another(trail: Trail, written: Written) -> None:
    for _ in range(50):
        trail.add(CALL)
    trail.add(replace(CALL, id="aud_bob", actor="users/usr_bob"))
    trail.add(replace(CALL, id="aud_elsewhere", organization="organizations/org_other"))
    await trail.write_waiting()

    assert [call.id for call in written.calls] == ["aud_1", "aud_1", "aud_1", "aud_bob", "aud_elsewhere"]


async def test_what_cannot_be_written_waits_and_is_bounded(trail: Trail, written: Written) -> None:
    written.away = True
    for number in range(3000):
        trail.add(replace(CALL, actor=f"users/u{number}"))
    with pytest.raises(ConnectionError):
        await trail.write_waiting()
    written.away = False
    await trail.write_waiting()

    assert len(written.calls) == 1000
    assert len({call.actor for call in written.calls}) == 1000


async def test_the_end_of_a_process_tells_what_was_counted(trail: Trail, written: Written) -> None:
    for _ in range(10):
        trail.add(CALL)

    await trail.close()

    assert [call.call_count for call in written.calls] == [1, 1, 1, 7]
