"""The rules of invitations, and the mails that bring them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.chassis.bus.bus import Event
from services.chassis.principal import Principal
from services.user import consumers
from services.user.domain import (
    Invitation,
    InvitationForAnotherAddress,
    InvitationInvalid,
    InvitationLimitReached,
    InvitationMailLimitReached,
    InvitationNotOpen,
    InvitationState,
    InvitationTerms,
    MailCounts,
    Membership,
    Organization,
    OwnerRequired,
    Role,
    User,
    membership_name,
    spoken,
)
from services.user.handlers.invitations import CreateInvitation
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Parts
from trellis.user.v1 import events_pb2 as pb

ACME, ADA, DAN = "organizations/org_acme", "users/usr_ada", "users/usr_dan"
WEEK = timedelta(days=7)
INVITATION = Invitation("inv_1", ACME, "dan@example.com", Role.MEMBER, ADA, NOON, NOON, NOON + WEEK)
TERMS = InvitationTerms(WEEK, open_limit=2, mails_per_hour=4, mails_per_address=3, retention=WEEK)
ENDED = [InvitationState.ACCEPTED, InvitationState.DECLINED, InvitationState.REVOKED]


@pytest.fixture
def store() -> FakeUserStore:
    """ACME, owned by Ada."""
    store = FakeUserStore()
    store.tables.organizations[ACME] = Organization(ACME, "Acme", NOON, NOON)
    store.tables.users[ADA] = User(ADA, "ada@example.com", "Ada", NOON, NOON)
    store.tables.memberships[membership_name(ACME, ADA)] = Membership(ACME, ADA, Role.OWNER, NOON, NOON)
    return store


@pytest.fixture
def parts(store: FakeUserStore, time: Time) -> Parts:
    return Parts(store.ports, time)


def test_an_invitation_expires_at_its_time_and_not_before() -> None:
    assert INVITATION.as_of(NOON + WEEK - timedelta(microseconds=1)) == INVITATION
    assert INVITATION.as_of(NOON + WEEK).state is InvitationState.EXPIRED


@pytest.mark.parametrize("state", ENDED)
def test_what_ended_stays_as_it_ended(state: InvitationState) -> None:
    ended = replace(INVITATION, state=state)

    assert ended.as_of(NOON + WEEK) == ended
    with pytest.raises(InvitationNotOpen):
        ended.resend(NOON, WEEK, by=Role.OWNER)
    with pytest.raises(InvitationInvalid):
        ended.accept(DAN, "dan@example.com", NOON)
    with pytest.raises(InvitationInvalid):
        ended.decline(NOON)


def test_another_address_learns_nothing_from_a_link_that_is_over() -> None:
    with pytest.raises(InvitationForAnotherAddress):
        INVITATION.accept("users/usr_eve", "eve@example.com", NOON)
    with pytest.raises(InvitationInvalid):
        INVITATION.accept("users/usr_eve", "eve@example.com", NOON + WEEK)


def test_an_owners_invitation_is_touched_by_owners() -> None:
    owners = replace(INVITATION, role=Role.OWNER)

    with pytest.raises(OwnerRequired):
        owners.revoke(NOON, by=Role.ADMIN)
    assert owners.revoke(NOON, by=Role.OWNER)[0].state is InvitationState.REVOKED


LIMITS: list[tuple[int, MailCounts, type[Exception] | None]] = [
    (1, MailCounts(3, 3, 2), None),
    (2, MailCounts(0, 0, 0), InvitationLimitReached),
    (0, MailCounts(4, 0, 0), InvitationMailLimitReached),
    (0, MailCounts(0, 4, 0), InvitationMailLimitReached),
    (0, MailCounts(3, 3, 3), InvitationMailLimitReached),
]


@pytest.mark.parametrize(("open_invitations", "mails", "refused"), LIMITS)
def test_invitations_have_limits(open_invitations: int, mails: MailCounts, refused: type[Exception] | None) -> None:
    if refused is None:
        TERMS.check(ACME, open_invitations, mails)
        return
    with pytest.raises(refused):
        TERMS.check(ACME, open_invitations, mails)


SPOKEN = {
    "Acme Inc.": "Acme Inc.",
    "Müller & Söhne (Zürich)": "Müller & Söhne (Zürich)",
    "株式会社トレリス": "株式会社トレリス",
    "Win at https://evil.example/now": "Win at https evil. example now",
    "evil．example": "evil. example",
    "evil。example": "evil. example",
    "call evil@example.com": "call evil example. com",
    "Acme\r\nBcc: all@example.com": "Acme Bcc all example. com",
    "Acme\u202egnp.exe": "Acme gnp. exe",
    "<b>Acme</b>": "b Acme b",
    "a" * 100: "a" * 60 + " …",
    "://": "",
}


@pytest.mark.parametrize("name", SPOKEN)
def test_a_mail_carries_words_and_no_links_of_a_stranger(name: str) -> None:
    assert spoken(name) == SPOKEN[name]


def announced(event_id: str, invitation: str, topic: str = "user.v1.invitation_created") -> Event:
    message = {"user.v1.invitation_created": pb.InvitationCreated, "user.v1.invitation_resent": pb.InvitationResent}
    data = message[topic](invitation=invitation, organization=ACME).SerializeToString()
    return Event(id=event_id, source="services/user", topic=topic, subject=invitation, time=NOON, data=data)


async def invite(parts: Parts) -> Invitation:
    new = CreateInvitation(ACME, "dan@example.com", Role.ADMIN)
    return await parts.invitations.create_invitation(new, Principal(ADA, ACME))


async def test_the_mail_brings_the_link_once_the_invitation_committed(parts: Parts) -> None:
    invitation = await invite(parts)
    assert parts.mailer.sent == {}

    await consumers.mail(parts.invitations).handle(announced("evt_1", invitation.name))

    mail, token = parts.mailer.sent["evt_1"], parts.links.token(invitation.id)
    assert (mail.to, mail.subject) == ("dan@example.com", "You are invited")
    assert mail.text == (
        "Hello,\n\n"
        "you are invited to become an administrator of the organization “Acme”.\n"
        f"Accept or decline here:\n\nhttps://app.test/invitation?token={token}\n\nToken:\n{token}\n\n"
        "The link works until 2026-01-08 12:00 UTC, for this address only.\n"
        "If you do not know what this is about, ignore this mail: nothing happens without you.\n"
    )


async def test_an_event_sends_one_mail_however_often_it_is_delivered(parts: Parts) -> None:
    invitation = await invite(parts)
    consumer = consumers.mail(parts.invitations)

    for _ in range(3):
        await consumer.handle(announced("evt_1", invitation.name))
    await consumer.handle(announced("evt_2", invitation.name, "user.v1.invitation_resent"))

    assert (parts.mailer.count, sorted(parts.mailer.sent)) == (2, ["evt_1", "evt_2"])


async def test_nothing_is_mailed_of_what_is_over(parts: Parts, store: FakeUserStore, time: Time) -> None:
    consumer = consumers.mail(parts.invitations)
    revoked = await invite(parts)
    await parts.invitations.revoke_invitation(revoked.name, Principal(ADA, ACME))
    await consumer.handle(announced("evt_1", revoked.name))
    orphaned = await invite(parts)
    organization = store.tables.organizations[ACME]
    store.tables.organizations[ACME] = replace(organization, delete_time=NOON)
    await consumer.handle(announced("evt_2", orphaned.name))
    store.tables.organizations[ACME] = organization
    time.move(days=7)
    await consumer.handle(announced("evt_3", orphaned.name))
    await consumer.handle(announced("evt_4", f"{ACME}/invitations/inv_9"))

    assert parts.mailer.sent == {}


async def test_what_is_over_for_long_is_forgotten(parts: Parts, store: FakeUserStore, time: Time) -> None:
    await invite(parts)
    time.move(days=97)
    await parts.invitations.forget_invitations()
    assert len(store.tables.invitations) == 1

    time.move(seconds=1)
    assert await parts.invitations.forget_invitations() is False

    assert store.tables.invitations == {}


async def test_more_than_a_batch_is_forgotten_batch_by_batch(parts: Parts, store: FakeUserStore, time: Time) -> None:
    one = await invite(parts)
    store.tables.invitations.update({f"inv_x{number}": replace(one, id=f"inv_x{number}") for number in range(500)})
    time.move(days=98)

    assert [await parts.invitations.forget_invitations() for _ in range(2)] == [True, False]
    assert store.tables.invitations == {}


async def test_an_event_that_found_the_mail_server_away_is_delivered_again(parts: Parts) -> None:
    invitation = await invite(parts)
    consumer = consumers.mail(parts.invitations)
    parts.mailer.away = True
    with pytest.raises(OSError, match="away"):
        await consumer.handle(announced("evt_1", invitation.name))
    parts.mailer.away = False

    await consumer.handle(announced("evt_1", invitation.name))

    assert list(parts.mailer.sent) == ["evt_1"]
