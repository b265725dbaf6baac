"""Events → handlers: mails that auth asks itself to send, once the asking has committed, and what user says of people."""

from __future__ import annotations

from services.auth.domain import AccountState
from services.auth.handlers import (
    AccountHandlers,
    ApiKeyHandlers,
    OrganizationHandlers,
    PasswordHandlers,
    PersonalDataHandlers,
    PurgeHandlers,
    RoleBindingHandlers,
    SignUpHandlers,
)
from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from services.chassis.times import time_of
from trellis.auth.v1 import events_pb2 as pb
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as user_events

VERIFICATION_REQUESTED = EVENTS[pb.VerificationRequested.DESCRIPTOR.full_name][0]
MEMBERSHIP_DELETED = EVENTS[user_events.MembershipDeleted.DESCRIPTOR.full_name][0]
SERVICE_ACCOUNT_DELETED = EVENTS[pb.ServiceAccountDeleted.DESCRIPTOR.full_name][0]
TEAM_DELETED = EVENTS[user_events.TeamDeleted.DESCRIPTOR.full_name][0]
ORGANIZATION_PURGED = EVENTS[user_events.OrganizationPurged.DESCRIPTOR.full_name][0]
SIGN_UP_REPEATED = EVENTS[pb.SignUpRepeated.DESCRIPTOR.full_name][0]
PERSONAL_DATA_REQUESTED = EVENTS[user_events.PersonalDataRequested.DESCRIPTOR.full_name][0]
ERASURE_REQUESTED = EVENTS[user_events.PersonalDataErasureRequested.DESCRIPTOR.full_name][0]
ACCOUNT_STATES = {
    EVENTS[user_events.UserDeactivated.DESCRIPTOR.full_name][0]: AccountState.DEACTIVATED,
    EVENTS[user_events.UserReactivated.DESCRIPTOR.full_name][0]: AccountState.ACTIVE,
    EVENTS[user_events.UserDeleted.DESCRIPTOR.full_name][0]: AccountState.DELETED,
    EVENTS[user_events.UserUndeleted.DESCRIPTOR.full_name][0]: AccountState.ACTIVE,
}
PASSWORD_RESET_REQUESTED = EVENTS[pb.PasswordResetRequested.DESCRIPTOR.full_name][0]
PASSWORD_CHANGED = EVENTS[pb.PasswordChanged.DESCRIPTOR.full_name][0]
ORGANIZATION_DELETED = EVENTS[user_events.OrganizationDeleted.DESCRIPTOR.full_name][0]
ORGANIZATION_UNDELETED = EVENTS[user_events.OrganizationUndeleted.DESCRIPTOR.full_name][0]


def consumer(handlers: SignUpHandlers, passwords: PasswordHandlers) -> Consumer:
    """Return what asks for a mail."""

    async def verification_requested(event: Event) -> None:
        message = pb.VerificationRequested.FromString(event.data)
        await handlers.send_verification(message.sign_up.removeprefix("signUps/"), event.id)

    async def sign_up_repeated(event: Event) -> None:
        await handlers.send_sign_up_repeated(pb.SignUpRepeated.FromString(event.data).user, event.id)

    async def password_reset_requested(event: Event) -> None:
        await passwords.send_password_reset(pb.PasswordResetRequested.FromString(event.data).user, event.id)

    async def password_changed(event: Event) -> None:
        await passwords.send_password_changed(pb.PasswordChanged.FromString(event.data).user, event.id)

    topics = {
        VERIFICATION_REQUESTED: verification_requested,
        SIGN_UP_REPEATED: sign_up_repeated,
        PASSWORD_RESET_REQUESTED: password_reset_requested,
        PASSWORD_CHANGED: password_changed,
    }
    return Consumer("auth.mail", topics)


def accounts(handlers: AccountHandlers) -> Consumer:
    """Return what lets users sign in, or not: user says in which state an account is."""

    async def state_changed(event: Event) -> None:
        await handlers.set_state(event.subject, ACCOUNT_STATES[event.topic])

    return Consumer("auth.accounts", dict.fromkeys(ACCOUNT_STATES, state_changed))


def purged_organizations(handlers: PurgeHandlers) -> Consumer:
    """Return what takes everything of an organization that is gone for good."""

    async def organization_purged(event: Event) -> None:
        await handlers.note_purged(user_events.OrganizationPurged.FromString(event.data).organization)

    return Consumer("auth.purged-organizations", {ORGANIZATION_PURGED: organization_purged})


def personal_data(handlers: PersonalDataHandlers) -> Consumer:
    """Return what answers when user exports or erases somebody's data."""

    async def requested(event: Event) -> None:
        message = user_events.PersonalDataRequested.FromString(event.data)
        await handlers.collect(message.user, message.operation, message.answer_key)

    async def erasure_requested(event: Event) -> None:
        message = user_events.PersonalDataErasureRequested.FromString(event.data)
        await handlers.erase(message.user, message.operation)

    topics = {PERSONAL_DATA_REQUESTED: requested, ERASURE_REQUESTED: erasure_requested}
    return Consumer("auth.personal-data", topics)


def leavers(handlers: RoleBindingHandlers) -> Consumer:
    """Return what makes role bindings go: whoever leaves an organization leaves its roles behind, a team that goes too."""

    async def membership_deleted(event: Event) -> None:
        message = user_events.MembershipDeleted.FromString(event.data)
        await handlers.release(message.organization, message.user)

    async def team_deleted(event: Event) -> None:
        message = user_events.TeamDeleted.FromString(event.data)
        await handlers.release(message.organization, message.team)

    async def service_account_deleted(event: Event) -> None:
        message = pb.ServiceAccountDeleted.FromString(event.data)
        await handlers.release(message.organization, message.service_account)

    topics = {
        MEMBERSHIP_DELETED: membership_deleted,
        TEAM_DELETED: team_deleted,
        SERVICE_ACCOUNT_DELETED: service_account_deleted,
    }
    return Consumer("auth.leavers", topics)


def former_members(handlers: ApiKeyHandlers) -> Consumer:
    """Return what makes API keys end: those of whoever leaves are over for good, also if they come back."""

    async def membership_deleted(event: Event) -> None:
        message = user_events.MembershipDeleted.FromString(event.data)
        await handlers.end_keys(message.organization, message.user)

    return Consumer("auth.former-members", {MEMBERSHIP_DELETED: membership_deleted})


def organizations(handlers: OrganizationHandlers) -> Consumer:
    """Return what keeps the API keys of deleted organizations shut out."""

    async def organization_deleted(event: Event) -> None:
        message = user_events.OrganizationDeleted.FromString(event.data)
        await handlers.close_organization(message.organization, time_of(message.delete_time))

    async def organization_undeleted(event: Event) -> None:
        await handlers.reopen_organization(user_events.OrganizationUndeleted.FromString(event.data).organization)

    topics = {ORGANIZATION_DELETED: organization_deleted, ORGANIZATION_UNDELETED: organization_undeleted}
    return Consumer("auth.organizations", topics)
