"""Between the contract's messages and the domain, field by field."""

from __future__ import annotations

from datetime import timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.chassis.errors import InvalidArgument
from services.chassis.times import timestamp
from services.user import convert
from services.user.domain import Membership, Organization, Role, User
from tests.conftest import NOON
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.auth.v1 import resources_pb2 as auth
from trellis.user.v1 import resources_pb2 as pb

LATER = NOON + timedelta(hours=1)
ADA = User("users/usr_ada", "ada@example.com", "Ada", NOON, LATER, "en-GB", "Europe/London", 26)
ACME = Organization("organizations/org_acme", "Acme", NOON, LATER, version=3)


def test_a_user() -> None:
    assert convert.user_to_proto(ADA) == pb.User(
        name="users/usr_ada",
        email="ada@example.com",
        display_name="Ada",
        language_code="en-GB",
        time_zone="Europe/London",
        create_time=timestamp(NOON),
        update_time=timestamp(LATER),
        etag='"1a"',
        state=pb.User.STATE_ACTIVE,
    )


def test_an_active_organization() -> None:
    assert convert.organization_to_proto(ACME) == pb.Organization(
        name="organizations/org_acme",
        display_name="Acme",
        state=pb.Organization.STATE_ACTIVE,
        create_time=timestamp(NOON),
        update_time=timestamp(LATER),
        etag='"3"',
    )


def test_a_deleted_organization() -> None:
    deleted, _ = ACME.delete(LATER, timedelta(days=30))

    assert convert.organization_to_proto(deleted) == pb.Organization(
        name="organizations/org_acme",
        display_name="Acme",
        state=pb.Organization.STATE_DELETED,
        create_time=timestamp(NOON),
        update_time=timestamp(LATER),
        delete_time=timestamp(LATER),
        purge_time=timestamp(LATER + timedelta(days=30)),
        etag='"4"',
    )


@pytest.mark.parametrize("role", Role)
def test_a_membership_of_each_role(role: Role) -> None:
    membership = Membership(ACME.name, ADA.name, role, NOON, LATER)

    assert convert.membership_to_proto(membership) == pb.Membership(
        name="organizations/org_acme/memberships/usr_ada",
        user="users/usr_ada",
        role=pb.Role.Value(f"ROLE_{role.name}"),
        create_time=timestamp(NOON),
        update_time=timestamp(LATER),
        etag='"1"',
    )
    assert convert.role_from_proto(pb.Role.Value(f"ROLE_{role.name}")) is role


def test_roles_of_the_domain_are_those_of_the_contract() -> None:
    assert {f"ROLE_{role.name}": role.value for role in Role} | {"ROLE_UNSPECIFIED": 0} == dict(pb.Role.items())


def test_no_role_is_no_answer() -> None:
    with pytest.raises(InvalidArgument) as refused:
        convert.role_from_proto(pb.ROLE_UNSPECIFIED)

    assert [(each.field, each.reason) for each in refused.value.fields] == [("membership.role", "required")]


@pytest.mark.parametrize(
    "message",
    [
        auth.Account(user=ADA.name, email=ADA.email, display_name="Ada", create_time=timestamp(NOON)),
        auth_events.AccountCreated(user=ADA.name, email=ADA.email, display_name="Ada", create_time=timestamp(NOON)),
    ],
    ids=["asked for", "announced"],
)
def test_an_account_becomes_the_same_user_either_way(message: auth.Account | auth_events.AccountCreated) -> None:
    assert convert.user_from_account(message) == User(ADA.name, ADA.email, "Ada", NOON, NOON)


def test_changes_are_the_masked_fields() -> None:
    user = pb.User(display_name="Countess", time_zone="Europe/London")

    assert convert.changes(user, FieldMask(paths=["time_zone"]), {"display_name", "time_zone"}) == {
        "time_zone": "Europe/London"
    }


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u2003"])
def test_a_name_of_spaces_is_none(name: str) -> None:
    with pytest.raises(InvalidArgument):
        convert.changes(pb.User(display_name=name), FieldMask(paths=["display_name"]), {"display_name"})
    with pytest.raises(InvalidArgument):
        convert.display_name_of(pb.Organization(display_name=name))


@pytest.mark.parametrize("answer", [ADA, ACME, Membership(ACME.name, ADA.name, Role.OWNER, NOON, NOON)])
def test_every_answer_can_be_kept_for_a_repeated_request(answer: User | Organization | Membership) -> None:
    kept = convert.answer_to_proto(answer)

    assert type(kept).FromString(kept.SerializeToString()) == kept
    assert kept.name == answer.name  # type: ignore[attr-defined]
