"""What user stores of invitations, in memory and in PostgreSQL; and what happens when people follow links at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.chassis.lists import ListQuery
from services.chassis.principal import Principal
from services.user.domain import (
    Invitation,
    InvitationForAnotherAddress,
    InvitationInvalid,
    InvitationNotFound,
    InvitationState,
    MailCounts,
    Membership,
    MembershipNotFound,
    Organization,
    Role,
    User,
)
from services.user.handlers.invitations import CreateInvitation
from tests.conftest import NOON, Time
from tests.fakes.user import Ports
from tests.fakes.user_process import Parts

ACME, HIDDEN = "organizations/org_acme", "organizations/org_hidden"
ADA, DAN, EVE = "users/usr_ada", "users/usr_dan", "users/usr_eve"
OWNER = Principal(ADA, ACME)
WEEK = timedelta(days=7)
DANS = f"{ACME}/memberships/usr_dan"


def invitation(number: int, email: str, role: Role = Role.MEMBER, where: str = ACME, days: int = 0) -> Invitation:
    at = NOON + timedelta(days=days)
    return Invitation(f"inv_{number}", where, email, role, ADA, at, at, at + WEEK)


@pytest.fixture
async def filled(ports: Ports) -> Ports:
    """Ada owns ACME and HIDDEN; Dan and Eve are members of nothing."""
    async with ports.begin() as tx:
        for name in (ADA, DAN, EVE):
            await tx.users.add(User(name, f"{name.removeprefix('users/usr_')}@example.com", "", NOON, NOON))
        for where in (ACME, HIDDEN):
            await tx.organizations.add(Organization(where, "Acme", NOON, NOON))
            await tx.memberships.add(Membership(where, ADA, Role.OWNER, NOON, NOON))
        await tx.commit()
    return ports


async def keep(ports: Ports, *invitations: Invitation) -> None:
    async with ports.begin() as tx:
        for each in invitations:
            await tx.invitations.add(each)
        await tx.commit()


async def test_what_was_committed_is_read_back_whole(filled: Ports) -> None:
    made = invitation(1, "dan@example.com", Role.ADMIN)
    await keep(filled, made)

    assert await filled.invitations.get(made.name) == made
    assert await filled.invitations.find("inv_1") == made
    assert await filled.invitations.find("inv_2") is None


async def test_it_is_not_found_under_another_organization(filled: Ports) -> None:
    await keep(filled, invitation(1, "dan@example.com"))

    with pytest.raises(InvitationNotFound, match=r"^organizations/org_hidden/invitations/inv_1 does not exist\.$"):
        await filled.invitations.get(f"{HIDDEN}/invitations/inv_1")


async def test_what_became_of_it_is_saved(filled: Ports) -> None:
    made = invitation(1, "dan@example.com")
    await keep(filled, made)
    accepted, _ = made.accept(DAN, made.email, NOON)

    async with filled.begin() as tx:
        await tx.invitations.save(accepted)
        await tx.commit()

    assert await filled.invitations.get(made.name) == accepted


async def test_the_pending_one_of_an_address_is_found_also_when_expired(filled: Ports) -> None:
    revoked = replace(invitation(1, "dan@example.com"), state=InvitationState.REVOKED)
    await keep(filled, revoked, invitation(2, "dan@example.com"), invitation(3, "dan@example.com", where=HIDDEN))

    async with filled.begin() as tx:
        found = await tx.invitations.find_pending(ACME, "dan@example.com")
        nobody = await tx.invitations.find_pending(ACME, "eve@example.com")

    assert (found, nobody) == (invitation(2, "dan@example.com"), None)


async def test_the_open_ones_are_counted(filled: Ports) -> None:
    await keep(
        filled,
        invitation(1, "a@example.com"),
        invitation(2, "b@example.com", days=1),
        replace(invitation(3, "c@example.com"), state=InvitationState.ACCEPTED),
        invitation(4, "d@example.com", where=HIDDEN),
    )

    async with filled.begin() as tx:
        counts = [await tx.invitations.count_open(ACME, NOON + timedelta(days=days)) for days in (0, 7, 8)]

    assert counts == [2, 1, 0]


async def test_mails_are_counted_by_organization_by_person_and_by_address(filled: Ports) -> None:
    mails = [
        (invitation(1, "dan@example.com"), ADA, 0),
        (invitation(1, "dan@example.com"), EVE, 10),
        (invitation(2, "new@example.com", where=HIDDEN), ADA, 20),
        (invitation(3, "dan@example.com", where=HIDDEN), ADA, 30),
        (invitation(4, "dan@example.com", where=HIDDEN), EVE, 30),
    ]
    async with filled.begin() as tx:
        for made, inviter, minutes in mails:
            await tx.invitations.add_mail(made, inviter, NOON + timedelta(minutes=minutes), NOON)
        await tx.commit()

    async with filled.begin() as tx:
        all_of_them = await tx.invitations.count_mails(mails[0][0], ADA, NOON - timedelta(minutes=1))
        later = await tx.invitations.count_mails(mails[0][0], ADA, NOON)

    assert all_of_them == MailCounts(organization=2, inviter=3, address=3)
    assert later == MailCounts(organization=1, inviter=2, address=2)


async def test_old_mails_of_the_organization_are_forgotten(filled: Ports) -> None:
    made = invitation(1, "dan@example.com")
    async with filled.begin() as tx:
        await tx.invitations.add_mail(made, ADA, NOON, NOON)
        await tx.invitations.add_mail(made, ADA, NOON + timedelta(hours=2), NOON + timedelta(hours=1))
        counts = await tx.invitations.count_mails(made, ADA, NOON - timedelta(hours=1))

    assert counts == MailCounts(1, 1, 1)


async def test_a_member_is_found_by_address(filled: Ports) -> None:
    async with filled.begin() as tx:
        await tx.memberships.add(Membership(HIDDEN, DAN, Role.MEMBER, NOON, NOON))
        found = await tx.memberships.find_by_email(HIDDEN, "dan@example.com")
        elsewhere = await tx.memberships.find_by_email(ACME, "dan@example.com")

    assert (found, elsewhere) == (Membership(HIDDEN, DAN, Role.MEMBER, NOON, NOON), None)


async def test_only_what_is_over_and_unchanged_since_is_removed(filled: Ports) -> None:
    late = replace(invitation(3, "c@example.com"), state=InvitationState.REVOKED, update_time=NOON + timedelta(days=40))
    kept = [invitation(1, "a@example.com", days=30), late]
    await keep(filled, *kept, invitation(2, "b@example.com"), invitation(4, "d@example.com", where=HIDDEN))

    async with filled.begin() as tx:
        assert [await tx.invitations.remove_ended(NOON + timedelta(days=30), 1) for _ in range(3)] == [1, 1, 0]
        await tx.commit()

    assert (await filled.invitations.list(ACME, ListQuery(), NOON)).items == kept
    assert await filled.invitations.find("inv_4") is None


FILTERS = {
    "": "1 2 3",
    "state = STATE_PENDING": "2",
    "state = STATE_EXPIRED": "1",
    "state != STATE_EXPIRED": "2 3",
    "state = STATE_REVOKED OR role = ROLE_ADMIN": "2 3",
    'email: "DAN"': "1",
    'inviter = "users/usr_ada" AND NOT state = STATE_REVOKED': "1 2",
    'expire_time > "2026-01-09T00:00:00Z"': "2",
}


@pytest.mark.parametrize("wanted", FILTERS)
async def test_invitations_are_listed_as_they_are_now(filled: Ports, wanted: str) -> None:
    await keep(
        filled,
        invitation(1, "dan@example.com"),
        invitation(2, "eve@example.com", Role.ADMIN, days=2),
        replace(invitation(3, "new@example.com"), state=InvitationState.REVOKED),
        invitation(4, "dan@example.com", where=HIDDEN),
    )

    rows = await filled.invitations.list(ACME, ListQuery(filter=wanted), NOON + WEEK)

    assert " ".join(each.id.removeprefix("inv_") for each in rows.items) == FILTERS[wanted]
    expired = [each.id for each in rows.items if each.state is InvitationState.EXPIRED]
    assert expired == [each.id for each in rows.items if each.id == "inv_1"]


async def test_invitations_are_paged_in_any_order(filled: Ports) -> None:
    await keep(filled, *(invitation(number, f"{email}@example.com") for number, email in enumerate("cab")))

    first = await filled.invitations.list(ACME, ListQuery(order_by="email desc", size=2), NOON)
    second = await filled.invitations.list(ACME, ListQuery(order_by="email desc", size=2, after=first.next), NOON)

    assert [each.email[0] for each in [*first.items, *second.items]] == ["c", "b", "a"]
    assert second.next is None


@pytest.fixture
def parts(filled: Ports, time: Time) -> Parts:
    return Parts(filled, time)


async def invited(parts: Parts, role: Role = Role.MEMBER) -> tuple[Invitation, str]:
    made = await parts.invitations.create_invitation(CreateInvitation(ACME, "dan@example.com", role), OWNER)
    return made, parts.links.token(made.id)


async def test_twenty_acceptances_at_once_give_one_membership(parts: Parts) -> None:
    made, token = await invited(parts)

    answers = await asyncio.gather(*(parts.invitations.accept_invitation(token, Principal(DAN)) for _ in range(20)))

    assert answers == [Membership(ACME, DAN, Role.MEMBER, NOON, NOON)] * 20
    assert (await parts.ports.invitations.get(made.name)).user == DAN


async def test_of_two_people_with_one_link_the_invited_one_gets_in(parts: Parts) -> None:
    _, token = await invited(parts)

    people = [DAN, EVE] * 10
    outcomes = await asyncio.gather(
        *(parts.invitations.accept_invitation(token, Principal(person)) for person in people), return_exceptions=True
    )

    dans, eves = outcomes[::2], outcomes[1::2]
    assert dans == [Membership(ACME, DAN, Role.MEMBER, NOON, NOON)] * 10
    assert {type(outcome) for outcome in eves} <= {InvitationForAnotherAddress, InvitationInvalid}
    with pytest.raises(MembershipNotFound):
        await parts.ports.memberships.get(f"{ACME}/memberships/usr_eve")


async def test_of_acceptance_and_revocation_one_wins(parts: Parts) -> None:
    for _ in range(5):
        made, token = await invited(parts)

        accepted, revoked = await asyncio.gather(
            parts.invitations.accept_invitation(token, Principal(DAN)),
            parts.invitations.revoke_invitation(made.name, OWNER),
            return_exceptions=True,
        )

        state = (await parts.ports.invitations.get(made.name)).state
        if state is InvitationState.ACCEPTED:
            assert (type(accepted), getattr(revoked, "reason", "")) == (Membership, "INVITATION_NOT_OPEN")
            await parts.memberships.delete_membership(DANS, "", OWNER)
        else:
            assert (type(accepted), type(revoked)) == (InvitationInvalid, Invitation)
        with pytest.raises(MembershipNotFound):
            await parts.ports.memberships.get(DANS)
        parts.clock.move(hours=2)


async def test_invitations_of_one_address_at_once_leave_one_open(parts: Parts) -> None:
    made = await asyncio.gather(*(invited(parts) for _ in range(3)))

    rows = await parts.ports.invitations.list(ACME, ListQuery(), NOON)

    states = sorted(each.state for each in rows.items)
    assert (len(made), states) == (3, [InvitationState.PENDING, InvitationState.REVOKED, InvitationState.REVOKED])


async def test_the_limit_holds_at_once(parts: Parts) -> None:
    outcomes = await asyncio.gather(
        *(
            parts.invitations.create_invitation(CreateInvitation(ACME, f"guest{n}@example.com", Role.MEMBER), OWNER)
            for n in range(10)
        ),
        return_exceptions=True,
    )

    assert [isinstance(outcome, Invitation) for outcome in outcomes].count(True) == 5
    assert {getattr(outcome, "reason", "") for outcome in outcomes} == {"", "INVITATION_LIMIT_REACHED"}
