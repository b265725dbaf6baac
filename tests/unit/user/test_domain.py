"""The rules of users, organizations and memberships."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.chassis.errors import ServiceError
from services.user import domain
from services.user.domain import (
    LastOwner,
    Membership,
    MembershipCreated,
    MembershipDeleted,
    MembershipUpdated,
    Organization,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationDeletedEvent,
    OrganizationNotDeleted,
    OrganizationUndeleted,
    OrganizationUpdated,
    OwnerRequired,
    Role,
    User,
    UserUpdated,
    create_organization,
    join,
    membership_name,
)
from tests.conftest import NOON

LATER = NOON + timedelta(hours=1)
ADA = User("users/usr_ada", "ada@example.com", "Ada", NOON, NOON)
ACME = Organization("organizations/org_acme", "Acme", NOON, NOON)
DELETED = replace(ACME, delete_time=NOON, purge_time=LATER, version=2)
OWNER, ADMIN, MEMBER = (Membership(ACME.name, ADA.name, role, NOON, NOON) for role in Role)
NAME = f"{ACME.name}/memberships/usr_ada"


def test_a_user_changes_what_is_named_and_nothing_else() -> None:
    changed, event = ADA.change({"time_zone": "Europe/London", "display_name": "Countess"}, LATER)

    assert changed == replace(ADA, time_zone="Europe/London", display_name="Countess", update_time=LATER, version=2)
    assert event == UserUpdated(ADA.name, ("display_name", "time_zone"), LATER)


def test_an_organization_changes() -> None:
    changed, event = ACME.change({"display_name": "Ajax"}, LATER)

    assert changed == replace(ACME, display_name="Ajax", update_time=LATER, version=2)
    assert event == OrganizationUpdated(ACME.name, ("display_name",), LATER)


def test_a_deleted_organization_waits_for_its_purge() -> None:
    gone, event = ACME.delete(NOON, timedelta(days=30))

    purge_time = NOON + timedelta(days=30)
    assert gone == replace(ACME, delete_time=NOON, purge_time=purge_time, version=2)
    assert event == OrganizationDeletedEvent(ACME.name, NOON, purge_time)


def test_a_deleted_organization_comes_back_as_it_was() -> None:
    back, event = DELETED.undelete(NOON)

    assert back == replace(ACME, update_time=NOON, version=3)
    assert event == OrganizationUndeleted(ACME.name, NOON)


def test_a_deleted_organization_neither_changes_nor_is_deleted_again() -> None:
    with pytest.raises(OrganizationDeleted):
        DELETED.change({"display_name": "Ajax"}, LATER)
    with pytest.raises(OrganizationDeleted):
        DELETED.delete(LATER, timedelta())
    with pytest.raises(OrganizationDeleted):
        join(DELETED, ADA.name, Role.MEMBER, LATER, by=Role.OWNER)


def test_an_active_organization_cannot_come_back() -> None:
    with pytest.raises(OrganizationNotDeleted):
        ACME.undelete(LATER)


def test_an_organization_begins_with_one_owner() -> None:
    made = create_organization(ACME.name, "Acme", ADA.name, NOON)

    assert made == (
        ACME,
        OWNER,
        OrganizationCreated(ACME.name, ADA.name, NOON),
        MembershipCreated(NAME, ACME.name, ADA.name, Role.OWNER, NOON),
    )


@pytest.mark.parametrize(("role", "by"), [(role, by) for role in Role for by in (Role.OWNER, Role.ADMIN)])
def test_somebody_joins_unless_as_an_owner_by_a_lesser_one(role: Role, by: Role) -> None:
    if role is Role.OWNER and by is not Role.OWNER:
        with pytest.raises(OwnerRequired):
            join(ACME, ADA.name, role, NOON, by=by)
        return

    assert join(ACME, ADA.name, role, NOON, by=by) == (
        Membership(ACME.name, ADA.name, role, NOON, NOON),
        MembershipCreated(NAME, ACME.name, ADA.name, role, NOON),
    )


def test_a_member_becomes_something_else() -> None:
    changed, event = MEMBER.change_role(Role.ADMIN, LATER, by=Role.ADMIN, owners=1)

    assert changed == replace(MEMBER, role=Role.ADMIN, update_time=LATER, version=2)
    assert event == MembershipUpdated(NAME, ACME.name, ADA.name, Role.ADMIN, LATER)


CHANGES: list[tuple[Membership, Role, Role, int, type[ServiceError] | None]] = [
    (MEMBER, Role.OWNER, Role.OWNER, 1, None),
    (MEMBER, Role.OWNER, Role.ADMIN, 1, OwnerRequired),
    (ADMIN, Role.MEMBER, Role.ADMIN, 1, None),
    (OWNER, Role.ADMIN, Role.ADMIN, 2, OwnerRequired),
    (OWNER, Role.ADMIN, Role.OWNER, 2, None),
    (OWNER, Role.ADMIN, Role.OWNER, 1, LastOwner),
    (OWNER, Role.OWNER, Role.OWNER, 1, None),
]


@pytest.mark.parametrize(("membership", "role", "by", "owners", "refused"), CHANGES)
def test_owners_are_made_and_changed_by_owners_and_never_the_last(
    membership: Membership, role: Role, by: Role, owners: int, refused: type[ServiceError] | None
) -> None:
    if refused is not None:
        with pytest.raises(refused):
            membership.change_role(role, LATER, by=by, owners=owners)
        return

    assert membership.change_role(role, LATER, by=by, owners=owners)[0].role is role


def test_a_membership_ends() -> None:
    assert MEMBER.end(LATER, by=Role.ADMIN, owners=1) == MembershipDeleted(NAME, ACME.name, ADA.name, LATER)
    assert OWNER.end(LATER, by=Role.OWNER, owners=2) == MembershipDeleted(NAME, ACME.name, ADA.name, LATER)


def test_an_owner_leaves_by_an_owner_and_never_last() -> None:
    with pytest.raises(OwnerRequired):
        OWNER.end(LATER, by=Role.ADMIN, owners=2)
    with pytest.raises(LastOwner):
        OWNER.end(LATER, by=Role.OWNER, owners=1)


def test_a_membership_is_named_by_organization_and_user() -> None:
    assert (OWNER.name, membership_name(ACME.name, ADA.name)) == (NAME, NAME)


ERRORS = {
    domain.UserNotVisible("users/u"): ("users/u is not a member of the organization that your token names.", "user"),
    domain.UserNotFound("users/u"): ("users/u does not exist.", "user"),
    domain.OrganizationNotFound("organizations/o"): ("organizations/o does not exist.", "organization"),
    domain.OrganizationDeleted("organizations/o"): ("organizations/o is deleted; undelete it first.", "organization"),
    domain.OrganizationNotDeleted("organizations/o"): ("organizations/o is not deleted.", "organization"),
    domain.MembershipNotFound("o/memberships/u"): ("o/memberships/u does not exist.", "membership"),
    domain.MembershipExists("o/memberships/u"): ("o/memberships/u exists already.", "membership"),
    LastOwner("o/memberships/u"): ("o/memberships/u is the last owner; make somebody else an owner first.", "membership"),
    domain.DomainNotFound("o/domains/d.example"): ("o/domains/d.example does not exist.", "domain"),
    domain.DomainExists("o/domains/d.example"): ("o/domains/d.example exists already.", "domain"),
    domain.DomainNotClaimable("co.uk"): ("co.uk belongs to many; claim a domain of your own.", "domain"),
    domain.DomainNotVerified("_c.d.example"): (
        "The TXT record _c.d.example does not hold the value that proves the domain.",
        "record",
    ),
    domain.DomainLookupFailed("_c.d.example"): (
        "The name servers of _c.d.example do not answer; try again later.",
        "record",
    ),
    domain.InvitationNotFound("o/invitations/i"): ("o/invitations/i does not exist.", "invitation"),
    domain.InvitationNotOpen("o/invitations/i"): (
        "o/invitations/i is not open any more; make a new one.",
        "invitation",
    ),
    OwnerRequired("organizations/o"): (
        "Only an owner may make, change or remove an owner of organizations/o.",
        "organization",
    ),
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.reason)
def test_an_error_says_what_it_is_about(error: ServiceError) -> None:
    message, key = ERRORS[error]

    assert (error.message, list(error.metadata)) == (message, [key])
    assert error.metadata[key] in message
