"""Asking people into an organization, and what became of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Self

from services.chassis.errors import FailedPrecondition, NotFound, PermissionDenied, ResourceExhausted
from services.user.domain.memberships import Role, only_an_owner
from services.user.domain.organizations import Organization

MAIL_WINDOW = timedelta(hours=1)
_SPOKEN = frozenset("&'’-–+,.()! ")
_SPOKEN_LENGTH = 60


class InvitationState(IntEnum):
    """What became of an invitation; the numbers are the contract's. EXPIRED is never stored: it follows from the time."""

    PENDING = 1
    ACCEPTED = 2
    DECLINED = 3
    EXPIRED = 4
    REVOKED = 5


@dataclass(frozen=True, slots=True)
class Invitation:
    """That an address was asked into an organization."""

    id: str
    organization: str
    email: str
    role: Role
    inviter: str
    create_time: datetime
    update_time: datetime
    expire_time: datetime
    state: InvitationState = InvitationState.PENDING
    user: str = ""
    """Who accepted."""

    @property
    def name(self) -> str:
        """`organizations/{organization}/invitations/{invitation}`."""
        return f"{self.organization}/invitations/{self.id}"

    def as_of(self, at: datetime) -> Self:
        """Return the invitation as it is to be shown at a time."""
        overdue = self.state is InvitationState.PENDING and at >= self.expire_time
        return replace(self, state=InvitationState.EXPIRED) if overdue else self

    def must_work(self, at: datetime) -> None:
        """Raises InvitationInvalid unless the link can still be used."""
        if self.as_of(at).state is not InvitationState.PENDING:
            raise InvitationInvalid

    def resend(self, at: datetime, lifetime: timedelta, *, by: Role) -> tuple[Self, InvitationResent]:
        """Return the invitation as if it were new, with the same link. Raises InvitationNotOpen, OwnerRequired."""
        self._may_be_touched(by)
        resent = replace(self, update_time=at, expire_time=at + lifetime)
        return resent, InvitationResent(self.name, self.organization, at, resent.expire_time)

    def revoke(self, at: datetime, *, by: Role) -> tuple[Self, InvitationRevoked]:
        """Return the invitation as taken back. Raises InvitationNotOpen, OwnerRequired."""
        self._may_be_touched(by)
        return self._settled(InvitationState.REVOKED, at), InvitationRevoked(self.name, self.organization, at)

    def replaced(self, at: datetime) -> tuple[Self, InvitationRevoked]:
        """Return the invitation as it is once a newer one of the same address takes its place."""
        return self._settled(InvitationState.REVOKED, at), InvitationRevoked(self.name, self.organization, at)

    def accept(self, user: str, email: str, at: datetime) -> tuple[Self, InvitationAccepted]:
        """Return the invitation as accepted. Raises InvitationInvalid, InvitationForAnotherAddress."""
        self.must_work(at)
        if email != self.email:
            raise InvitationForAnotherAddress
        accepted = replace(self._settled(InvitationState.ACCEPTED, at), user=user)
        return accepted, InvitationAccepted(self.name, self.organization, user, at)

    def decline(self, at: datetime) -> tuple[Self, InvitationDeclined]:
        """Return the invitation as turned down. Raises InvitationInvalid."""
        self.must_work(at)
        return self._settled(InvitationState.DECLINED, at), InvitationDeclined(self.name, self.organization, at)

    def _settled(self, state: InvitationState, at: datetime) -> Self:
        return replace(self, state=state, update_time=at)

    def _may_be_touched(self, by: Role) -> None:
        if self.state is not InvitationState.PENDING:
            raise InvitationNotOpen(self.name)
        if self.role is Role.OWNER:
            only_an_owner(self.organization, by)


@dataclass(frozen=True, slots=True)
class InvitationPreview:
    """What the holder of a link is told."""

    invitation: Invitation
    organization: Organization


def invite(invitation: Invitation, organization: Organization, *, by: Role) -> tuple[Invitation, InvitationCreated]:
    """Return a new invitation and what to announce. Raises OrganizationDeleted, OwnerRequired."""
    organization.must_be_active()
    if invitation.role is Role.OWNER:
        only_an_owner(organization.name, by)
    return invitation, InvitationCreated(
        invitation.name,
        organization.name,
        invitation.role,
        invitation.inviter,
        invitation.create_time,
        invitation.expire_time,
    )


@dataclass(frozen=True, slots=True)
class MailCounts:
    """Invitations mailed within MAIL_WINDOW: by the organization, by the caller, and by either of them to one address."""

    organization: int
    inviter: int
    address: int


@dataclass(frozen=True, slots=True)
class InvitationTerms:
    """How long invitations last and how many there may be: inviting makes the platform write to strangers."""

    lifetime: timedelta
    open_limit: int
    """Open invitations of one organization."""
    mails_per_hour: int
    """Mails of one organization, and of one person over all organizations."""
    mails_per_address: int
    """Mails in an hour to one address."""
    retention: timedelta
    """How long an invitation that is over is kept: it holds the address of somebody who perhaps never came."""

    def check(self, organization: str, open_invitations: int, mails: MailCounts) -> None:
        """Let one more be mailed. Raises InvitationLimitReached, InvitationMailLimitReached."""
        if open_invitations >= self.open_limit:
            raise InvitationLimitReached(organization, self.open_limit)
        most = max(mails.organization, mails.inviter)
        if most >= self.mails_per_hour or mails.address >= self.mails_per_address:
            raise InvitationMailLimitReached(MAIL_WINDOW)


def spoken(display_name: str) -> str:
    """Return a name as a mail to a stranger may carry it: a few plain words, nothing that a mail program makes a link of."""
    plain = unicodedata.normalize("NFKC", display_name).replace("\u3002", ".")
    kept = "".join(character if _is_spoken(character) else " " for character in plain)
    words = " ".join(kept.replace(".", ". ").split())
    return words if len(words) <= _SPOKEN_LENGTH else f"{words[:_SPOKEN_LENGTH].rstrip()} …"


def _is_spoken(character: str) -> bool:
    return character in _SPOKEN or unicodedata.category(character)[0] in "LMN"


@dataclass(frozen=True, slots=True)
class InvitationCreated:
    """An address was invited."""

    invitation: str
    organization: str
    role: Role
    inviter: str
    create_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class InvitationResent:
    """The mail is to be sent again."""

    invitation: str
    organization: str
    update_time: datetime
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class InvitationAccepted:
    """The invited person became a member."""

    invitation: str
    organization: str
    user: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class InvitationDeclined:
    """Whoever held the link turned the invitation down."""

    invitation: str
    organization: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class InvitationRevoked:
    """An invitation was taken back or replaced."""

    invitation: str
    organization: str
    update_time: datetime


class InvitationNotFound(NotFound):
    """There is no such invitation."""

    reason = "INVITATION_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", invitation=name)


class InvitationInvalid(FailedPrecondition):
    """The link does not work, and it is nobody's business why."""

    reason = "INVITATION_INVALID"

    def __init__(self) -> None:
        super().__init__("This invitation does not work any more; ask for a new one.")


class InvitationForAnotherAddress(PermissionDenied):
    """The caller's verified address is not the invited one."""

    reason = "INVITATION_FOR_ANOTHER_ADDRESS"

    def __init__(self) -> None:
        super().__init__("This invitation is for another address; sign in with the one that the mail came to.")


class InvitationNotOpen(FailedPrecondition):
    """The invitation was accepted, declined or revoked."""

    reason = "INVITATION_NOT_OPEN"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not open any more; make a new one.", invitation=name)


class InvitationLimitReached(ResourceExhausted):
    """The organization has as many open invitations as it may have."""

    reason = "INVITATION_LIMIT_REACHED"

    def __init__(self, organization: str, limit: int) -> None:
        message = f"{organization} has {limit} open invitations, which is the most; revoke some first."
        super().__init__(message, organization=organization, limit=str(limit))


class InvitationMailLimitReached(ResourceExhausted):
    """Too many mails in the last hour."""

    reason = "INVITATION_MAIL_LIMIT_REACHED"

    def __init__(self, wait: timedelta) -> None:
        seconds = round(wait.total_seconds())
        message = f"Too many invitations were mailed within an hour; try again in {seconds} s."
        super().__init__(message, retry_after_s=seconds)
        self.metadata = {"retry_after_s": str(seconds)}
