"""What auth announces, and under which topic and subject."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from services.auth import domain, events
from services.chassis.audit import AuditedCall
from services.chassis.audit.messages import call_to_proto
from services.chassis.personal_data import (
    ErasedRecords,
    ErasureReport,
    KeptRecords,
    PersonalDataCollected,
    PersonalDataErased,
)
from services.chassis.times import timestamp
from tests.conftest import NOON
from trellis.auth.v1 import events_pb2 as pb
from trellis.policy.v1 import personal_data_pb2 as shared

USER, SESSION = "users/usr_1", "users/usr_1/sessions/ses_1"
ORG = "organizations/org_1"
ROLE, BINDING, TEAM = f"{ORG}/roles/rol_1", f"{ORG}/roleBindings/rbd_1", f"{ORG}/teams/team_1"
ROBOT, KEY = f"{ORG}/serviceAccounts/sva_1", f"{ORG}/apiKeys/apk_1"
BOUND: Any = {"role_binding": BINDING, "organization": ORG, "role": ROLE, "subject": USER, "resource": ORG}
AUDITED = AuditedCall(
    "aud_1", NOON, "organizations/org_1", "auth", "Rpc", "users/usr_1", "", (), "OK", "", "r", "t", "192.0.2.0/24"
)
CASES: list[tuple[Any, str, str, Message]] = [
    (
        domain.AccountCreated(USER, "ada@example.com", "Ada", NOON),
        "auth.v1.account_created",
        USER,
        pb.AccountCreated(user=USER, email="ada@example.com", display_name="Ada", create_time=timestamp(NOON)),
    ),
    (
        domain.VerificationRequested("sup_1"),
        "auth.v1.verification_requested",
        "signUps/sup_1",
        pb.VerificationRequested(sign_up="signUps/sup_1"),
    ),
    (domain.RestoreRequested(USER), "auth.v1.restore_requested", USER, pb.RestoreRequested(user=USER)),
    (domain.SignUpRepeated(USER), "auth.v1.sign_up_repeated", USER, pb.SignUpRepeated(user=USER)),
    (
        domain.SessionCreated(SESSION, NOON),
        "auth.v1.session_created",
        SESSION,
        pb.SessionCreated(session=SESSION, create_time=timestamp(NOON)),
    ),
    (
        PersonalDataCollected(USER, "operations/op_1", "eyJ…", NOON),
        "auth.v1.personal_data_collected",
        USER,
        pb.PersonalDataCollected(user=USER, operation="operations/op_1", document="eyJ…", collect_time=timestamp(NOON)),
    ),
    (
        PersonalDataErased(
            USER,
            "operations/op_1",
            ErasureReport(
                (ErasedRecords("trellis.auth.v1.AccountRecord", 1, ("email",), ("password_hash",)),),
                (KeptRecords("events", "Why.", NOON), KeptRecords("name", "Why.", None)),
            ),
            NOON,
        ),
        "auth.v1.personal_data_erased",
        USER,
        pb.PersonalDataErased(
            user=USER,
            operation="operations/op_1",
            erased=[
                shared.ErasedRecords(
                    record="trellis.auth.v1.AccountRecord",
                    count=1,
                    personal_fields=["email"],
                    secret_fields=["password_hash"],
                )
            ],
            kept=[
                shared.KeptRecords(record="events", reason="Why.", end_time=timestamp(NOON)),
                shared.KeptRecords(record="name", reason="Why."),
            ],
            erase_time=timestamp(NOON),
        ),
    ),
    *(
        (
            domain.SessionRevoked(SESSION, NOON, cause),
            "auth.v1.session_revoked",
            SESSION,
            pb.SessionRevoked(session=SESSION, revoke_time=timestamp(NOON), cause=named),
        )
        for cause, named in (
            (domain.Cause.SIGNED_OUT, pb.SessionRevoked.CAUSE_SIGNED_OUT),
            (domain.Cause.REVOKED, pb.SessionRevoked.CAUSE_REVOKED),
            (domain.Cause.REUSED, pb.SessionRevoked.CAUSE_REUSED),
            (domain.Cause.ACCOUNT_INACTIVE, pb.SessionRevoked.CAUSE_ACCOUNT_INACTIVE),
        )
    ),
    (
        domain.RoleCreated(ROLE, ORG, NOON),
        "auth.v1.role_created",
        ROLE,
        pb.RoleCreated(role=ROLE, organization=ORG, create_time=timestamp(NOON)),
    ),
    (
        domain.RoleUpdated(ROLE, ORG, ("permissions",), NOON),
        "auth.v1.role_updated",
        ROLE,
        pb.RoleUpdated(role=ROLE, organization=ORG, fields=["permissions"], update_time=timestamp(NOON)),
    ),
    (
        domain.RoleDeleted(ROLE, ORG, NOON),
        "auth.v1.role_deleted",
        ROLE,
        pb.RoleDeleted(role=ROLE, organization=ORG, delete_time=timestamp(NOON)),
    ),
    (
        domain.RoleBindingCreated(BINDING, ORG, ROLE, USER, ORG, NOON),
        "auth.v1.role_binding_created",
        BINDING,
        pb.RoleBindingCreated(**BOUND, create_time=timestamp(NOON)),
    ),
    (
        domain.RoleBindingDeleted(BINDING, ORG, ROLE, USER, ORG, NOON),
        "auth.v1.role_binding_deleted",
        BINDING,
        pb.RoleBindingDeleted(**BOUND, delete_time=timestamp(NOON)),
    ),
    (
        domain.TeamAccessChanged(ORG, TEAM, NOON),
        "auth.v1.team_access_changed",
        ORG,
        pb.TeamAccessChanged(organization=ORG, team=TEAM, update_time=timestamp(NOON)),
    ),
    (
        domain.SessionsRevoked(USER, SESSION, NOON),
        "auth.v1.sessions_revoked",
        USER,
        pb.SessionsRevoked(user=USER, kept_session=SESSION, revoke_time=timestamp(NOON)),
    ),
    (
        domain.PasswordResetRequested("rst_1", USER),
        "auth.v1.password_reset_requested",
        "passwordResets/rst_1",
        pb.PasswordResetRequested(reset="passwordResets/rst_1", user=USER),
    ),
    (
        domain.PasswordChanged(USER, SESSION, NOON),
        "auth.v1.password_changed",
        USER,
        pb.PasswordChanged(user=USER, kept_session=SESSION, change_time=timestamp(NOON)),
    ),
    (
        domain.ServiceAccountCreated(ROBOT, ORG, "roles/member", NOON),
        "auth.v1.service_account_created",
        ROBOT,
        pb.ServiceAccountCreated(service_account=ROBOT, organization=ORG, role="roles/member", create_time=timestamp(NOON)),
    ),
    (
        domain.ServiceAccountUpdated(ROBOT, ORG, "roles/member", NOON),
        "auth.v1.service_account_updated",
        ROBOT,
        pb.ServiceAccountUpdated(service_account=ROBOT, organization=ORG, role="roles/member", update_time=timestamp(NOON)),
    ),
    (
        domain.ServiceAccountDisabled(ROBOT, ORG, NOON),
        "auth.v1.service_account_disabled",
        ROBOT,
        pb.ServiceAccountDisabled(service_account=ROBOT, organization=ORG, update_time=timestamp(NOON)),
    ),
    (
        domain.ServiceAccountEnabled(ROBOT, ORG, NOON),
        "auth.v1.service_account_enabled",
        ROBOT,
        pb.ServiceAccountEnabled(service_account=ROBOT, organization=ORG, update_time=timestamp(NOON)),
    ),
    (
        domain.ServiceAccountDeleted(ROBOT, ORG, NOON),
        "auth.v1.service_account_deleted",
        ROBOT,
        pb.ServiceAccountDeleted(service_account=ROBOT, organization=ORG, delete_time=timestamp(NOON)),
    ),
    (
        domain.ApiKeyCreated(KEY, ORG, USER, ("users.list",), NOON),
        "auth.v1.api_key_created",
        KEY,
        pb.ApiKeyCreated(api_key=KEY, organization=ORG, subject=USER, scopes=["users.list"], create_time=timestamp(NOON)),
    ),
    (
        domain.ApiKeyUpdated(KEY, ORG, USER, ("users.list",), NOON),
        "auth.v1.api_key_updated",
        KEY,
        pb.ApiKeyUpdated(api_key=KEY, organization=ORG, subject=USER, scopes=["users.list"], update_time=timestamp(NOON)),
    ),
    (
        domain.ApiKeyRotated(KEY, ORG, USER, NOON, NOON),
        "auth.v1.api_key_rotated",
        KEY,
        pb.ApiKeyRotated(
            api_key=KEY,
            organization=ORG,
            subject=USER,
            overlap_end_time=timestamp(NOON),
            update_time=timestamp(NOON),
        ),
    ),
    (
        domain.ApiKeyRevoked(KEY, ORG, USER, NOON),
        "auth.v1.api_key_revoked",
        KEY,
        pb.ApiKeyRevoked(api_key=KEY, organization=ORG, subject=USER, revoke_time=timestamp(NOON)),
    ),
    (
        AUDITED,
        "auth.v1.call_audited",
        AUDITED.organization,
        pb.CallAudited(organization=AUDITED.organization, call=call_to_proto(AUDITED)),
    ),
]


@pytest.mark.parametrize(("event", "topic", "subject", "message"), CASES)
def test_announces(event: Any, topic: str, subject: str, message: Message) -> None:
    announced = events.announcement(event)

    assert (announced.topic, announced.subject) == (topic, subject)
    assert type(message).FromString(announced.data) == message


def test_every_event_of_the_contract_is_announced() -> None:
    announced = {message.DESCRIPTOR.full_name for _, _, _, message in CASES}

    assert announced == {message.full_name for message in pb.DESCRIPTOR.message_types_by_name.values()}
