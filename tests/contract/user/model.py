"""What organizations, memberships, invitations and teams are, said once more, plainly: the judge of the real store.

One class a kind of resource. What comes to be later joins as another class, and as rules of its own in `test_model.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.user.domain import (
    InvitationForAnotherAddress,
    InvitationInvalid,
    InvitationNotOpen,
    InvitationState,
    LastOwner,
    MembershipExists,
    MembershipNotFound,
    OrganizationDeleted,
    OrganizationNotDeleted,
    OwnerRequired,
    Role,
    TeamExists,
    TeamMemberExists,
    TeamMemberNotFound,
    TeamNestingInvalid,
    TeamNotEmpty,
    TeamNotFound,
    UserNotFound,
)
from tests.contract.stateful import same_version

LIFETIME = timedelta(days=7)
DEEPEST = 3


@dataclass
class Member:
    """Somebody in an organization."""

    user: str
    role: Role
    create_time: datetime
    update_time: datetime
    version: int = 1


@dataclass
class Invited:
    """An address that was asked in."""

    id: str
    user: str
    role: Role
    expire_time: datetime
    state: InvitationState = InvitationState.PENDING

    def state_at(self, at: datetime) -> InvitationState:
        """Return the state that is shown."""
        open_no_more = self.state is InvitationState.PENDING and at >= self.expire_time
        return InvitationState.EXPIRED if open_no_more else self.state


@dataclass
class Team:
    """A group of members, which may be inside another one."""

    name: str
    display_name: str
    parent: str
    create_time: datetime
    update_time: datetime
    version: int = 1
    members: set[str] = field(default_factory=set)


@dataclass
class Organization:
    """A group of people."""

    name: str
    display_name: str
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None = None
    version: int = 1
    members: dict[str, Member] = field(default_factory=dict)
    invitations: dict[str, Invited] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)

    @property
    def owners(self) -> list[Member]:
        return [member for member in self.members.values() if member.role is Role.OWNER]

    # The organization itself

    def rename(self, display_name: str, etag: str, at: datetime) -> None:
        same_version(etag, self.version, self.name)
        self._must_be_active()
        self.display_name = display_name
        self._changed(at)

    def delete(self, etag: str, at: datetime) -> None:
        same_version(etag, self.version, self.name)
        self._must_be_active()
        self.delete_time = at
        self._changed(at)

    def undelete(self, at: datetime) -> None:
        if self.delete_time is None:
            raise OrganizationNotDeleted(self.name)
        self.delete_time = None
        self._changed(at)

    # Its members

    def add(self, by: str, user: str, role: Role, at: datetime, *, met: bool) -> Member:
        own = self._manager(by)
        self._must_be_active()
        self._only_owners_make_owners(own, role)
        if not met:
            raise UserNotFound(user)
        if user in self.members:
            raise MembershipExists(user)
        return self._joined(user, role, at)

    def change(self, by: str, user: str, role: Role, etag: str, at: datetime) -> Member:
        self._must_be_active()
        own, member = self._manager(by), self._member(user)
        same_version(etag, member.version, user)
        if member.role is Role.OWNER:
            self._only_owners_make_owners(own, Role.OWNER)
            if role is not Role.OWNER and len(self.owners) == 1:
                raise LastOwner(user)
        self._only_owners_make_owners(own, role)
        member.role, member.update_time, member.version = role, at, member.version + 1
        return member

    def remove(self, by: str, user: str, etag: str) -> None:
        self._must_be_active()
        own, member = self._manager(by), self._member(user)
        same_version(etag, member.version, user)
        if member.role is Role.OWNER:
            self._only_owners_make_owners(own, Role.OWNER)
        self._end(member)

    def leave(self, user: str) -> None:
        self._must_be_active()
        self._end(self._member(user))

    def resolve(self, user: str) -> tuple[Role, tuple[str, ...]]:
        """Return what a token would be given for: the role, and the teams that the user is in, also by nesting."""
        member = self._member(user)
        if self.delete_time is not None and member.role is not Role.OWNER:
            raise MembershipNotFound(user)
        direct = [name for name, team in self.teams.items() if user in team.members]
        return member.role, tuple(sorted({outer for name in direct for outer in self._way_out(name)}))

    # Its teams

    def form(self, team: Team) -> None:
        self._must_be_active()
        self._must_fit(team)
        self.teams[team.name] = team

    def reform(self, name: str, display_name: str | None, parent: str | None, etag: str, at: datetime) -> None:
        self._must_be_active()
        team = self._team(name)
        same_version(etag, team.version, name)
        wanted = replace(
            team,
            display_name=team.display_name if display_name is None else display_name,
            parent=team.parent if parent is None else parent,
            update_time=at,
            version=team.version + 1,
        )
        self._must_fit(wanted)
        self.teams[name] = wanted

    def dissolve(self, name: str, etag: str) -> None:
        self._must_be_active()
        same_version(etag, self._team(name).version, name)
        if any(team.parent == name for team in self.teams.values()):
            raise TeamNotEmpty(name)
        del self.teams[name]

    def put_in(self, user: str, name: str) -> None:
        self._must_be_active()
        team, member = self._team(name), self._member(user)
        if member.user in team.members:
            raise TeamMemberExists(user)
        team.members.add(user)

    def take_out(self, user: str, name: str) -> None:
        self._must_be_active()
        if name not in self.teams or user not in self.teams[name].members:
            raise TeamMemberNotFound(user)
        self.teams[name].members.remove(user)

    def _team(self, name: str) -> Team:
        if name not in self.teams:
            raise TeamNotFound(name)
        return self.teams[name]

    def _must_fit(self, team: Team) -> None:
        if team.parent:
            way_out = self._way_out(self._team(team.parent).name)
            if team.name in way_out or len(way_out) + self._levels(team.name) > DEEPEST:
                raise TeamNestingInvalid(team.name)
        if any(each.name != team.name and each.display_name == team.display_name for each in self.teams.values()):
            raise TeamExists(self.name)

    def _way_out(self, name: str) -> list[str]:
        """Return a team and those around it."""
        return [name, *self._way_out(self.teams[name].parent)] if name else []

    def _levels(self, name: str) -> int:
        """Return how deep a team is, itself counted."""
        return 1 + max((self._levels(each.name) for each in self.teams.values() if each.parent == name), default=0)

    # Its invitations

    def invite(self, by: str, invitation: Invited) -> None:
        own = self._manager(by)
        self._must_be_active()
        self._only_owners_make_owners(own, invitation.role)
        if invitation.user in self.members:
            raise MembershipExists(invitation.user)
        for other in self.invitations.values():
            if other.user == invitation.user and other.state is InvitationState.PENDING:
                other.state = InvitationState.REVOKED
        self.invitations[invitation.id] = invitation

    def revoke(self, by: str, invitation: str) -> None:
        self._must_be_active()
        own, found = self._manager(by), self.invitations[invitation]
        if found.state is InvitationState.REVOKED:
            return
        if found.state is not InvitationState.PENDING:
            raise InvitationNotOpen(invitation)
        self._only_owners_make_owners(own, found.role)
        found.state = InvitationState.REVOKED

    def accept(self, user: str, invitation: str, at: datetime) -> Role:
        found = self._linked(invitation)
        if found.state is InvitationState.ACCEPTED and found.user == user:
            if user not in self.members:
                raise InvitationInvalid
            return self.members[user].role
        self._must_work(found, at)
        if found.user != user:
            raise InvitationForAnotherAddress
        found.state = InvitationState.ACCEPTED
        return self._grown(user, found.role, at).role

    def decline(self, invitation: str, at: datetime) -> None:
        found = self._linked(invitation)
        if found.state is not InvitationState.DECLINED:
            self._must_work(found, at)
            found.state = InvitationState.DECLINED

    def _linked(self, invitation: str) -> Invited:
        if self.delete_time is not None:
            raise InvitationInvalid
        return self.invitations[invitation]

    def _must_work(self, invitation: Invited, at: datetime) -> None:
        if invitation.state_at(at) is not InvitationState.PENDING:
            raise InvitationInvalid

    # Rules that several share

    def _must_be_active(self) -> None:
        if self.delete_time is not None:
            raise OrganizationDeleted(self.name)

    def _changed(self, at: datetime) -> None:
        self.update_time, self.version = at, self.version + 1

    def _member(self, user: str) -> Member:
        if user not in self.members:
            raise MembershipNotFound(user)
        return self.members[user]

    def _manager(self, user: str) -> Role:
        """Return the role of an owner or administrator."""
        member = self.members.get(user)
        if member is None or member.role is Role.MEMBER:
            raise OwnerRequired(self.name)
        return member.role

    def _only_owners_make_owners(self, by: Role, role: Role) -> None:
        if role is Role.OWNER and by is not Role.OWNER:
            raise OwnerRequired(self.name)

    def _joined(self, user: str, role: Role, at: datetime) -> Member:
        self.members[user] = Member(user, role, at, at)
        return self.members[user]

    def _grown(self, user: str, role: Role, at: datetime) -> Member:
        """Let somebody have at least a role."""
        member = self.members.get(user)
        if member is None:
            return self._joined(user, role, at)
        if role < member.role:
            member.role, member.update_time, member.version = role, at, member.version + 1
        return member

    def _end(self, member: Member) -> None:
        if member.role is Role.OWNER and len(self.owners) == 1:
            raise LastOwner(member.user)
        del self.members[member.user]
        for team in self.teams.values():
            team.members.discard(member.user)


def created(name: str, display_name: str, owner: str, at: datetime) -> Organization:
    """Return a new organization with its owner."""
    organization = Organization(name, display_name, at, at)
    organization._joined(owner, Role.OWNER, at)
    return organization
