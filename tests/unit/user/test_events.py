"""What user announces, and under which topic and subject."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from services.chassis.audit import AuditedCall
from services.chassis.audit.messages import call_to_proto
from services.chassis.times import timestamp
from services.user import domain, events
from services.user.domain import Role
from tests.conftest import NOON
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as pb
from trellis.user.v1 import resources_pb2 as resources

AT = timestamp(NOON)
USER, ORGANIZATION = "users/usr_1", "organizations/org_1"
OTHER_USER = "users/usr_2"
NAME = f"{ORGANIZATION}/memberships/usr_1"
DOMAIN = f"{ORGANIZATION}/domains/example.com"
INVITATION = f"{ORGANIZATION}/invitations/inv_1"
TEAM, OUTER = f"{ORGANIZATION}/teams/team_1", f"{ORGANIZATION}/teams/team_2"
AUDITED = AuditedCall(
    "aud_1", NOON, "organizations/org_1", "user", "Rpc", "users/usr_1", "", (), "OK", "", "r", "t", "192.0.2.0/24"
)
CASES: list[tuple[Any, str, str, Message]] = [
    (
        domain.UserUpdated(USER, ("display_name", "time_zone"), NOON),
        "user.v1.user_updated",
        USER,
        pb.UserUpdated(user=USER, fields=["display_name", "time_zone"], update_time=AT),
    ),
    (
        domain.OrganizationCreated(ORGANIZATION, USER, NOON),
        "user.v1.organization_created",
        ORGANIZATION,
        pb.OrganizationCreated(organization=ORGANIZATION, owner=USER, create_time=AT),
    ),
    (
        domain.OrganizationUpdated(ORGANIZATION, ("display_name",), NOON),
        "user.v1.organization_updated",
        ORGANIZATION,
        pb.OrganizationUpdated(organization=ORGANIZATION, fields=["display_name"], update_time=AT),
    ),
    (
        domain.OrganizationDeletedEvent(ORGANIZATION, NOON, NOON),
        "user.v1.organization_deleted",
        ORGANIZATION,
        pb.OrganizationDeleted(organization=ORGANIZATION, delete_time=AT, purge_time=AT),
    ),
    (
        domain.OrganizationUndeleted(ORGANIZATION, NOON),
        "user.v1.organization_undeleted",
        ORGANIZATION,
        pb.OrganizationUndeleted(organization=ORGANIZATION, update_time=AT),
    ),
    (
        domain.OrganizationPurged(ORGANIZATION, NOON),
        "user.v1.organization_purged",
        ORGANIZATION,
        pb.OrganizationPurged(organization=ORGANIZATION, purge_time=AT),
    ),
    (
        domain.UserDeactivated(USER, NOON),
        "user.v1.user_deactivated",
        USER,
        pb.UserDeactivated(user=USER, deactivate_time=AT),
    ),
    (
        domain.UserReactivated(USER, NOON),
        "user.v1.user_reactivated",
        USER,
        pb.UserReactivated(user=USER, update_time=AT),
    ),
    (
        domain.UserDeleted(USER, NOON, NOON),
        "user.v1.user_deleted",
        USER,
        pb.UserDeleted(user=USER, delete_time=AT, purge_time=AT),
    ),
    (
        domain.UserUndeleted(USER, NOON),
        "user.v1.user_undeleted",
        USER,
        pb.UserUndeleted(user=USER, update_time=AT),
    ),
    (
        domain.PersonalDataRequested(USER, "operations/op_1", "{}", NOON),
        "user.v1.personal_data_requested",
        USER,
        pb.PersonalDataRequested(user=USER, operation="operations/op_1", answer_key="{}", request_time=AT),
    ),
    (
        domain.PersonalDataErasureRequested(USER, "operations/op_1", NOON),
        "user.v1.personal_data_erasure_requested",
        USER,
        pb.PersonalDataErasureRequested(user=USER, operation="operations/op_1", request_time=AT),
    ),
    (
        domain.UserErased(USER, "operations/op_1", NOON),
        "user.v1.user_erased",
        USER,
        pb.UserErased(user=USER, operation="operations/op_1", erase_time=AT),
    ),
    (
        domain.MembershipCreated(NAME, ORGANIZATION, USER, Role.ADMIN, NOON),
        "user.v1.membership_created",
        ORGANIZATION,
        pb.MembershipCreated(
            membership=NAME, organization=ORGANIZATION, user=USER, role=resources.ROLE_ADMIN, create_time=AT
        ),
    ),
    (
        domain.MembershipUpdated(NAME, ORGANIZATION, USER, Role.OWNER, NOON),
        "user.v1.membership_updated",
        ORGANIZATION,
        pb.MembershipUpdated(
            membership=NAME, organization=ORGANIZATION, user=USER, role=resources.ROLE_OWNER, update_time=AT
        ),
    ),
    (
        domain.MembershipDeleted(NAME, ORGANIZATION, USER, NOON),
        "user.v1.membership_deleted",
        ORGANIZATION,
        pb.MembershipDeleted(membership=NAME, organization=ORGANIZATION, user=USER, delete_time=AT),
    ),
    (
        domain.InvitationCreated(INVITATION, ORGANIZATION, Role.ADMIN, USER, NOON, NOON),
        "user.v1.invitation_created",
        INVITATION,
        pb.InvitationCreated(
            invitation=INVITATION,
            organization=ORGANIZATION,
            role=resources.ROLE_ADMIN,
            inviter=USER,
            create_time=AT,
            expire_time=AT,
        ),
    ),
    (
        domain.InvitationResent(INVITATION, ORGANIZATION, NOON, NOON),
        "user.v1.invitation_resent",
        INVITATION,
        pb.InvitationResent(invitation=INVITATION, organization=ORGANIZATION, update_time=AT, expire_time=AT),
    ),
    (
        domain.InvitationAccepted(INVITATION, ORGANIZATION, USER, NOON),
        "user.v1.invitation_accepted",
        INVITATION,
        pb.InvitationAccepted(invitation=INVITATION, organization=ORGANIZATION, user=USER, update_time=AT),
    ),
    (
        domain.InvitationDeclined(INVITATION, ORGANIZATION, NOON),
        "user.v1.invitation_declined",
        INVITATION,
        pb.InvitationDeclined(invitation=INVITATION, organization=ORGANIZATION, update_time=AT),
    ),
    (
        domain.InvitationRevoked(INVITATION, ORGANIZATION, NOON),
        "user.v1.invitation_revoked",
        INVITATION,
        pb.InvitationRevoked(invitation=INVITATION, organization=ORGANIZATION, update_time=AT),
    ),
    (
        domain.DomainCreated(DOMAIN, ORGANIZATION, NOON),
        "user.v1.domain_created",
        DOMAIN,
        pb.DomainCreated(domain=DOMAIN, organization=ORGANIZATION, create_time=AT),
    ),
    (
        domain.DomainVerified(DOMAIN, ORGANIZATION, NOON),
        "user.v1.domain_verified",
        DOMAIN,
        pb.DomainVerified(domain=DOMAIN, organization=ORGANIZATION, update_time=AT),
    ),
    (
        domain.DomainUpdated(DOMAIN, ORGANIZATION, ("capture",), NOON),
        "user.v1.domain_updated",
        DOMAIN,
        pb.DomainUpdated(domain=DOMAIN, organization=ORGANIZATION, fields=["capture"], update_time=AT),
    ),
    (
        domain.DomainLost(DOMAIN, ORGANIZATION, NOON),
        "user.v1.domain_lost",
        DOMAIN,
        pb.DomainLost(domain=DOMAIN, organization=ORGANIZATION, update_time=AT),
    ),
    (
        domain.DomainDeleted(DOMAIN, ORGANIZATION, NOON),
        "user.v1.domain_deleted",
        DOMAIN,
        pb.DomainDeleted(domain=DOMAIN, organization=ORGANIZATION, delete_time=AT),
    ),
    (
        domain.TeamCreated(TEAM, ORGANIZATION, NOON),
        "user.v1.team_created",
        TEAM,
        pb.TeamCreated(team=TEAM, organization=ORGANIZATION, create_time=AT),
    ),
    (
        domain.TeamUpdated(TEAM, ORGANIZATION, OUTER, NOON),
        "user.v1.team_updated",
        TEAM,
        pb.TeamUpdated(team=TEAM, organization=ORGANIZATION, parent_team=OUTER, update_time=AT),
    ),
    (
        domain.TeamDeleted(TEAM, ORGANIZATION, NOON),
        "user.v1.team_deleted",
        TEAM,
        pb.TeamDeleted(team=TEAM, organization=ORGANIZATION, delete_time=AT),
    ),
    (
        domain.TeamMemberCreated(TEAM, ORGANIZATION, USER, NOON),
        "user.v1.team_member_created",
        TEAM,
        pb.TeamMemberCreated(team=TEAM, organization=ORGANIZATION, user=USER, create_time=AT),
    ),
    (
        domain.TeamMemberDeleted(TEAM, ORGANIZATION, USER, NOON),
        "user.v1.team_member_deleted",
        TEAM,
        pb.TeamMemberDeleted(team=TEAM, organization=ORGANIZATION, user=USER, delete_time=AT),
    ),
    (
        domain.PreferencesUpdated(f"{USER}/preferences", ("theme",), NOON),
        "user.v1.preferences_updated",
        f"{USER}/preferences",
        pb.PreferencesUpdated(preferences=f"{USER}/preferences", fields=["theme"], update_time=AT),
    ),
    (
        domain.AttributeSchemaUpdated(ORGANIZATION, NOON),
        "user.v1.attribute_schema_updated",
        ORGANIZATION,
        pb.AttributeSchemaUpdated(organization=ORGANIZATION, update_time=AT),
    ),
    (
        domain.MembershipAttributesUpdated(NAME, ORGANIZATION, NOON),
        "user.v1.membership_attributes_updated",
        ORGANIZATION,
        pb.MembershipAttributesUpdated(membership=NAME, organization=ORGANIZATION, update_time=AT),
    ),
    (
        AUDITED,
        "user.v1.call_audited",
        AUDITED.organization,
        pb.CallAudited(organization=AUDITED.organization, call=call_to_proto(AUDITED)),
    ),
    (
        domain.UsersImported(ORGANIZATION, (USER,), (OTHER_USER,), NOON),
        "user.v1.users_imported",
        ORGANIZATION,
        pb.UsersImported(organization=ORGANIZATION, created_users=[USER], updated_users=[OTHER_USER], import_time=AT),
    ),
]


@pytest.mark.parametrize(("event", "topic", "subject", "message"), CASES, ids=[case[1] for case in CASES])
def test_an_event_is_announced(event: Any, topic: str, subject: str, message: Message) -> None:
    announced = events.announcement(event)

    assert (announced.topic, announced.subject) == (topic, subject)
    assert type(message).FromString(announced.data) == message


def test_every_declared_event_is_announced() -> None:
    assert {case[1] for case in CASES} == {topic for topic, _ in EVENTS.values() if topic.startswith("user.")}
