"""Which tokens a revocation ends, which it leaves alone, and for how long it is remembered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from services.chassis.bus.bus import Event
from services.chassis.principal import Principal
from services.chassis.revocations import KEPT_S, Revocation, Revocations, revocation_of
from tests.conftest import NOON, Time
from trellis.auth.v1 import events_pb2 as auth
from trellis.policies import EVENTS, REVOCATIONS, Revokes
from trellis.user.v1 import events_pb2 as user

ADA, BOB = "users/usr_ada", "users/usr_bob"
ACME, EVIL = "organizations/org_acme", "organizations/org_evil"
TEAM = f"{ACME}/teams/team_1"
SESSION, OTHER = f"{ADA}/sessions/ses_1", f"{ADA}/sessions/ses_2"
KEY = f"{ACME}/apiKeys/key_1"
NOW_S = NOON.timestamp()
TOKEN = Principal(ADA, ACME, frozenset(), SESSION, NOW_S + 300, NOW_S, KEY)


def revoked(principal: Principal, *revocations: Revocation) -> bool:
    known = Revocations(lambda: NOON)
    for each in revocations:
        known.add(each)
    return known.revoked(principal)


@pytest.mark.parametrize(
    ("ends", "criteria"),
    [
        (True, {"session": SESSION}),
        (True, {"subject": ADA}),
        (True, {"organization": ACME}),
        (True, {"api_key": KEY}),
        (True, {"subject": ADA, "organization": ACME}),
        (True, {"subject": ADA, "except_session": OTHER}),
        (True, {"subject": ADA, "except_session": ""}),
        (False, {"session": OTHER}),
        (False, {"subject": BOB}),
        (False, {"organization": EVIL}),
        (False, {"api_key": f"{ACME}/apiKeys/key_2"}),
        (False, {"subject": ADA, "organization": EVIL}),
        (False, {"subject": BOB, "organization": ACME}),
        (False, {"subject": ADA, "except_session": SESSION}),
    ],
)
def test_a_token_ends_if_all_that_is_named_matches(ends: bool, criteria: dict[str, str]) -> None:
    assert revoked(TOKEN, Revocation(NOW_S, **criteria)) is ends


@pytest.mark.parametrize(("issued_s", "ends"), [(-0.001, True), (0.0, True), (0.001, False)])
def test_a_newer_token_is_good_to_the_millisecond(issued_s: float, ends: bool) -> None:
    token = Principal(ADA, issued_at_s=NOW_S + issued_s)

    assert revoked(token, Revocation(NOW_S, subject=ADA)) is ends


def test_of_two_that_differ_in_time_the_newest_counts() -> None:
    older, newer = Revocation(NOW_S - 9, subject=ADA), Revocation(NOW_S, subject=ADA)

    assert revoked(TOKEN, newer, older)
    assert revoked(TOKEN, older, newer)
    assert not revoked(TOKEN, older)


def test_a_session_spared_once_is_not_spared_for_ever() -> None:
    spared, spares_another = (Revocation(NOW_S, subject=ADA, except_session=name) for name in (SESSION, OTHER))

    assert revoked(TOKEN, spared, spares_another)


def test_ending_sessions_leaves_the_tokens_of_api_keys_alone() -> None:
    by_key = Principal(ADA, ACME, issued_at_s=NOW_S, api_key=KEY)

    assert not revoked(by_key, Revocation(NOW_S, subject=ADA, except_session=""))
    assert revoked(by_key, Revocation(NOW_S, subject=ADA))


def test_it_is_forgotten_when_the_last_token_it_ends_has_expired(time: Time) -> None:
    known = Revocations(time)
    known.add(Revocation(NOW_S, subject=ADA))
    time.move(seconds=KEPT_S)
    known.add(Revocation(NOW_S, subject=BOB))
    assert known.revoked(TOKEN)

    time.move(seconds=1)
    known.add(Revocation(NOW_S, organization=EVIL))

    assert not known.revoked(TOKEN)
    assert known.revoked(Principal(BOB, issued_at_s=NOW_S))


def test_one_that_names_nothing_ends_nobodys_token() -> None:
    assert not revoked(TOKEN, Revocation(NOW_S))
    assert not revoked(Principal(""), Revocation(NOW_S))


def test_a_newer_one_is_not_forgotten_with_the_older(time: Time) -> None:
    known = Revocations(time)
    known.add(Revocation(NOW_S, subject=ADA))
    time.move(seconds=KEPT_S)
    known.add(Revocation(NOW_S + KEPT_S, subject=ADA))
    time.move(seconds=1)
    known.add(Revocation(NOW_S, subject=BOB))

    assert known.revoked(Principal(ADA, issued_at_s=NOW_S + KEPT_S))


def event(message: Message) -> Event:
    topic, _ = EVENTS[message.DESCRIPTOR.full_name]
    return Event("evt_1", "services/x", topic, "subject", NOON, message.SerializeToString())


@pytest.mark.parametrize(
    ("message", "ends"),
    [
        (auth.SessionRevoked(session=SESSION), {"session": SESSION}),
        (auth.PasswordChanged(user=ADA), {"subject": ADA, "except_session": ""}),
        (auth.SessionsRevoked(user=ADA, kept_session=SESSION), {"subject": ADA, "except_session": SESSION}),
        (user.MembershipUpdated(user=ADA, organization=ACME), {"subject": ADA, "organization": ACME}),
        (user.MembershipDeleted(user=ADA, organization=ACME), {"subject": ADA, "organization": ACME}),
        (user.OrganizationDeleted(organization=ACME), {"organization": ACME}),
        (user.TeamMemberDeleted(user=ADA, organization=ACME), {"subject": ADA, "organization": ACME}),
        (user.TeamUpdated(team=TEAM, organization=ACME), {"organization": ACME}),
        (auth.RoleUpdated(role="r", organization=ACME), {"organization": ACME}),
        (auth.RoleBindingDeleted(subject=ADA, organization=ACME), {"subject": ADA, "organization": ACME}),
        (auth.TeamAccessChanged(team=TEAM, organization=ACME), {"organization": ACME}),
    ],
)
def test_the_contract_says_whose_tokens_an_event_ends(message: Message, ends: dict[str, str]) -> None:
    assert revocation_of(event(message)) == Revocation(NOW_S, **ends)


@pytest.mark.parametrize(
    "message", [auth.SessionCreated(session=SESSION), user.MembershipCreated(user=ADA, organization=ACME)]
)
def test_other_events_end_nobodys(message: Message) -> None:
    assert revocation_of(event(message)) is None


@pytest.mark.parametrize("message", [user.MembershipDeleted(user=ADA), user.MembershipDeleted(organization=ACME)])
def test_an_event_that_leaves_open_whose_it_ends_ends_nobodys(message: Message) -> None:
    assert revocation_of(event(message)) is None


def test_an_event_can_say_when_it_happened(monkeypatch: Any) -> None:
    deleted = user.MembershipDeleted(user=ADA, organization=ACME)
    deleted.delete_time.FromDatetime(NOON - timedelta(milliseconds=1500))
    declared = Revokes("trellis.user.v1.MembershipDeleted", subject="user", time="delete_time")
    monkeypatch.setitem(REVOCATIONS, "user.v1.membership_deleted", declared)

    assert revocation_of(event(deleted)) == Revocation(NOW_S - 1.5, subject=ADA)
