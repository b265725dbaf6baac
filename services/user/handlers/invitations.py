"""Use cases of invitations. Each change holds the organization's lock, and so does whatever makes members."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.addresses import normalized_email
from services.chassis.links import Links
from services.chassis.lists import ListQuery, Rows
from services.chassis.mail import Mail, Mailer
from services.chassis.principal import Principal
from services.user import domain
from services.user.domain import (
    MAIL_WINDOW,
    Invitation,
    InvitationForAnotherAddress,
    InvitationInvalid,
    InvitationPreview,
    InvitationState,
    InvitationTerms,
    Membership,
    MembershipExists,
    MembershipNotFound,
    Organization,
    OrganizationDeleted,
    OrganizationNotFound,
    Role,
    User,
    UserNotFound,
    join,
    membership_name,
    spoken,
)
from services.user.handlers.memberships import role_of
from services.user.handlers.newcomers import Newcomers, take_over
from services.user.ports import Begin, Invitations, NewId, Now, Organizations, UserTransaction

FORGOTTEN_AT_ONCE = 500
_AS = {Role.OWNER: "an owner", Role.ADMIN: "an administrator", Role.MEMBER: "a member"}


@dataclass(frozen=True, slots=True)
class CreateInvitation:
    """Who is invited into what, as what."""

    organization: str
    email: str
    role: Role


@dataclass(frozen=True, slots=True)
class InvitationHandlers:
    """What callers can do with invitations."""

    invitations: Invitations
    organizations: Organizations
    newcomers: Newcomers
    links: Links
    mailer: Mailer
    begin: Begin
    now: Now
    new_id: NewId
    terms: InvitationTerms
    web_url: str

    async def create_invitation(self, new: CreateInvitation, caller: Principal) -> Invitation:
        """Invite an address and have a mail sent to it.

        Raises OrganizationNotFound, OrganizationDeleted, OwnerRequired, MembershipExists, InvitationLimitReached,
        InvitationMailLimitReached.
        """
        email, now = normalized_email(new.email), self.now()
        draft = Invitation(
            self.new_id("inv"), new.organization, email, new.role, caller.subject, now, now, now + self.terms.lifetime
        )
        async with self.begin() as tx:
            organization = await tx.organizations.get(new.organization)
            by = await role_of(tx, new.organization, caller)
            invitation, event = domain.invite(draft, organization, by=by)
            if member := await tx.memberships.find_by_email(new.organization, email):
                raise MembershipExists(member.name)
            await self._replace(tx, invitation)
            await self._count_mail(tx, invitation, caller)
            await tx.invitations.add(invitation)
            tx.outbox.add(event)
            await tx.commit(invitation)
        return invitation

    async def get_invitation(self, name: str) -> Invitation:
        """Raises InvitationNotFound."""
        return (await self.invitations.get(name)).as_of(self.now())

    async def list_invitations(self, organization: str, query: ListQuery) -> Rows[Invitation]:
        """Return a page of the invitations of an organization."""
        return await self.invitations.list(organization, query, self.now())

    async def resend_invitation(self, name: str, caller: Principal) -> Invitation:
        """Have the mail sent again and let the link work as long as a new one.

        Raises InvitationNotFound, InvitationNotOpen, OrganizationNotFound, OrganizationDeleted, OwnerRequired,
        InvitationLimitReached, InvitationMailLimitReached.
        """
        async with self.begin() as tx:
            invitation, by = await _locked(tx, name, caller)
            resent, event = invitation.resend(self.now(), self.terms.lifetime, by=by)
            await self._count_mail(tx, invitation, caller)
            await tx.invitations.save(resent)
            tx.outbox.add(event)
            await tx.commit(resent)
        return resent

    async def revoke_invitation(self, name: str, caller: Principal) -> Invitation:
        """Take an invitation back. Revoking a revoked one changes nothing.

        Raises InvitationNotFound, InvitationNotOpen, OrganizationNotFound, OrganizationDeleted, OwnerRequired.
        """
        async with self.begin() as tx:
            invitation, by = await _locked(tx, name, caller)
            if invitation.state is not InvitationState.REVOKED:
                invitation, event = invitation.revoke(self.now(), by=by)
                await tx.invitations.save(invitation)
                tx.outbox.add(event)
            await tx.commit(invitation)
        return invitation

    async def preview_invitation(self, token: str) -> InvitationPreview:
        """Tell the holder of a link what it is for. Raises InvitationInvalid."""
        invitation = await self._linked(token)
        invitation.must_work(self.now())
        organization = await self.organizations.get(invitation.organization)
        if organization.delete_time is not None:
            raise InvitationInvalid
        return InvitationPreview(invitation, organization)

    async def accept_invitation(self, token: str, caller: Principal) -> Membership:
        """Make the caller a member; again gives the same membership.

        Raises InvitationInvalid, InvitationForAnotherAddress.
        """
        linked = await self._linked(token)
        user = await self._person(caller)
        async with self.begin() as tx:
            organization, invitation = await _linked_and_locked(tx, linked)
            if invitation.state is InvitationState.ACCEPTED and invitation.user == user.name:
                membership = await _kept(tx, invitation)
            else:
                membership = await self._accept(tx, organization, invitation, user)
            await tx.commit(membership)
        return membership

    async def decline_invitation(self, token: str) -> InvitationPreview:
        """Turn an invitation down; again changes nothing. Raises InvitationInvalid."""
        linked = await self._linked(token)
        async with self.begin() as tx:
            organization, invitation = await _linked_and_locked(tx, linked)
            if invitation.state is not InvitationState.DECLINED:
                invitation, event = invitation.decline(self.now())
                await tx.invitations.save(invitation)
                tx.outbox.add(event)
            preview = InvitationPreview(invitation, organization)
            await tx.commit(preview)
        return preview

    async def send_invitation(self, name: str, event_id: str) -> None:
        """Send the link of an invitation; of one that is over, nothing."""
        invitation = await self.invitations.find(name.rpartition("/")[2])
        async with self.begin() as tx:
            if invitation is not None and invitation.as_of(self.now()).state is InvitationState.PENDING:
                organization = await self.organizations.get(invitation.organization)
                if organization.delete_time is None:
                    await self.mailer.send(self._mail(invitation, organization, event_id))
            await tx.commit()

    async def forget_invitations(self) -> bool:
        """Delete some of the invitations that have been over for long; say whether there may be more."""
        async with self.begin() as tx:
            count = await tx.invitations.remove_ended(self.now() - self.terms.retention, FORGOTTEN_AT_ONCE)
            await tx.commit()
        return count == FORGOTTEN_AT_ONCE

    async def _linked(self, token: str) -> Invitation:
        """Return the invitation a token is about. A guess costs a MAC and reads nothing. Raises InvitationInvalid."""
        invitation_id = self.links.read(token)
        invitation = await self.invitations.find(invitation_id) if invitation_id else None
        if invitation is None:
            raise InvitationInvalid
        return invitation

    async def _person(self, caller: Principal) -> User:
        """Return the caller with their verified address; services and machines have none."""
        try:
            if caller.subject.startswith("users/"):
                return await self.newcomers.get(caller.subject)
        except UserNotFound:
            pass
        raise InvitationForAnotherAddress

    async def _accept(
        self, tx: UserTransaction, organization: Organization, invitation: Invitation, user: User
    ) -> Membership:
        now, user = self.now(), await tx.users.get(user.name)  # nobody who is erased meanwhile becomes a member
        accepted, event = invitation.accept(user.name, normalized_email(user.email), now)
        await take_over(tx, organization.name, user, self.now)
        membership = await self._joined(tx, organization, accepted)
        await tx.invitations.save(accepted)
        tx.outbox.add(event)
        return membership

    async def _joined(self, tx: UserTransaction, organization: Organization, accepted: Invitation) -> Membership:
        """Make the person a member, or give a member the invited role if it allows more; who invited might do both."""
        try:
            membership = await tx.memberships.get(membership_name(organization.name, accepted.user))
        except MembershipNotFound:
            membership, joined = join(organization, accepted.user, accepted.role, self.now(), by=Role.OWNER)
            await tx.memberships.add(membership)
            tx.outbox.add(joined)
            return membership
        if grown := membership.grow(accepted.role, self.now()):
            membership, updated = grown
            await tx.memberships.save(membership)
            tx.outbox.add(updated)
        return membership

    async def _replace(self, tx: UserTransaction, invitation: Invitation) -> None:
        """Take back the open invitation of the same address, so that there is one link at a time."""
        if old := await tx.invitations.find_pending(invitation.organization, invitation.email):
            replaced, event = old.replaced(self.now())
            await tx.invitations.save(replaced)
            tx.outbox.add(event)

    async def _count_mail(self, tx: UserTransaction, invitation: Invitation, caller: Principal) -> None:
        """Count one more mail. Raises InvitationLimitReached, InvitationMailLimitReached."""
        now = self.now()
        others = await tx.invitations.count_open(invitation.organization, now)
        counts = await tx.invitations.count_mails(invitation, caller.subject, now - MAIL_WINDOW)
        self.terms.check(invitation.organization, others, counts)
        await tx.invitations.add_mail(invitation, caller.subject, now, now - MAIL_WINDOW)

    def _mail(self, invitation: Invitation, organization: Organization, event_id: str) -> Mail:
        link = self.links.text(f"{self.web_url}/invitation", invitation.id)
        text = (
            f"Hello,\n\n"
            f"you are invited to become {_AS[invitation.role]} of the organization “{spoken(organization.display_name)}”.\n"
            f"Accept or decline here:\n\n{link}\n"
            f"The link works until {invitation.expire_time:%Y-%m-%d %H:%M} UTC, for this address only.\n"
            f"If you do not know what this is about, ignore this mail: nothing happens without you.\n"
        )
        return Mail(event_id, invitation.email, "You are invited", text)


async def _locked(tx: UserTransaction, name: str, caller: Principal) -> tuple[Invitation, Role]:
    """Lock the organization and return the invitation and the caller's role of now."""
    organization = await tx.organizations.get(name.partition("/invitations/")[0])
    organization.must_be_active()
    by = await role_of(tx, organization.name, caller)
    return await tx.invitations.get(name), by


async def _linked_and_locked(tx: UserTransaction, linked: Invitation) -> tuple[Organization, Invitation]:
    """Lock the organization and return both as they are now. Raises InvitationInvalid."""
    try:
        organization = await tx.organizations.get(linked.organization)
        organization.must_be_active()
    except (OrganizationNotFound, OrganizationDeleted):
        raise InvitationInvalid from None
    return organization, await tx.invitations.get(linked.name)


async def _kept(tx: UserTransaction, invitation: Invitation) -> Membership:
    """Return what accepting gave. Raises InvitationInvalid if the membership has ended since."""
    try:
        return await tx.memberships.get(membership_name(invitation.organization, invitation.user))
    except MembershipNotFound:
        raise InvitationInvalid from None
