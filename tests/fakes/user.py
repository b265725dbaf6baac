"""The ports of user in memory, with the promises of `tests/contract/user/test_store.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from services.chassis import repeat
from services.chassis.dns import LookupFailed
from services.chassis.errors import RequestIdReused
from services.chassis.limits import Verdict
from services.chassis.lists import ListQuery, Rows
from services.chassis.operations import Operation, Operations
from services.user import convert
from services.user.domain import (
    AttributeSchema,
    AuditChain,
    AuditEntry,
    AuditEntryNotFound,
    Domain,
    DomainExists,
    DomainNotFound,
    DomainState,
    ErasureCertificate,
    Invitation,
    InvitationNotFound,
    InvitationState,
    MailCounts,
    Membership,
    MembershipExists,
    MembershipNotFound,
    Organization,
    OrganizationNotFound,
    PersonalDataExport,
    Preferences,
    Role,
    Team,
    TeamExists,
    TeamMember,
    TeamMemberExists,
    TeamMemberNotFound,
    TeamNotFound,
    User,
    UserNotFound,
    UserState,
    membership_name,
    organization_of,
    team_member_name,
    unsaid,
)
from services.user.ports import (
    AllPreferences,
    AttributeSchemas,
    AuditLogs,
    Begin,
    Certificates,
    Domains,
    Exports,
    Invitations,
    Memberships,
    Organizations,
    Teams,
    Users,
)
from tests.conftest import NOON
from tests.fakes import lists
from tests.fakes.lists import Enums
from tests.fakes.operations import FakeOperations
from tests.fakes.personal_data import FakeAnswers, FakeCertificates, FakeExports, FakePersonalData

TIMES = ("create_time", "update_time")
STATES: Enums = {"state": {name: name for name in ("STATE_ACTIVE", "STATE_DELETED")}}
INVITATION_STATES: Enums = {"state": {f"STATE_{state.name}": state for state in InvitationState}}
DOMAIN_STATES: Enums = {"state": {f"STATE_{state.name}": state for state in DomainState}}
USER_STATES: Enums = {"state": {f"STATE_{state.name}": state for state in UserState}}
ROLES: Enums = {"role": {f"ROLE_{role.name}": role for role in Role}}


@dataclass(frozen=True, slots=True)
class Ports:
    """One implementation of everything user stores."""

    users: Users
    organizations: Organizations
    memberships: Memberships
    invitations: Invitations
    domains: Domains
    teams: Teams
    preferences: AllPreferences
    attribute_schemas: AttributeSchemas
    audit: AuditLogs
    operations: Operations
    exports: Exports
    certificates: Certificates
    begin: Begin


@dataclass(slots=True)
class Tables:
    """All that is stored."""

    users: dict[str, User] = field(default_factory=dict)
    organizations: dict[str, Organization] = field(default_factory=dict)
    memberships: dict[str, Membership] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)
    invitation_mails: list[tuple[str, str, str, datetime]] = field(default_factory=list)
    """Organization, inviter, address and time of each mail."""
    domains: dict[str, Domain] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    team_members: dict[str, TeamMember] = field(default_factory=dict)
    preferences: dict[str, Preferences] = field(default_factory=dict)
    attribute_schemas: dict[str, AttributeSchema] = field(default_factory=dict)
    audit_entries: list[AuditEntry] = field(default_factory=list)
    audit_chains: dict[str, AuditChain] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    exports: dict[str, PersonalDataExport] = field(default_factory=dict)
    certificates: dict[str, ErasureCertificate] = field(default_factory=dict)
    service_answers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """By operation and service."""
    answers: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    """Fingerprint and first answer by the identity of a request."""
    seen: set[tuple[str, str]] = field(default_factory=set)


TablesNow = Callable[[], Tables]
Things = list[tuple[dict[str, Any], str]]
Names = list[str]
FoundMemberships = list[Membership]


class FakeUsers:
    """Users of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> User:
        try:
            return self._tables().users[name]
        except KeyError:
            raise UserNotFound(name) from None

    async def find_visible(self, names: Sequence[str], caller: str, organization: str) -> list[User]:
        return [
            user for user in self._tables().users.values() if user.name in names and self._sees(user, caller, organization)
        ]

    async def list(self, organization: str, query: ListQuery, *, show_deleted: bool) -> Rows[User]:
        fields = ("display_name", "email", "language_code", "time_zone", "state", *TIMES)
        members = [user for user in self._tables().users.values() if self._is_member(user, organization)]
        shown = [user for user in members if show_deleted or user.state not in (UserState.DELETED, UserState.ERASED)]
        sortable = ("display_name", "email", *TIMES)
        return lists.page(shown, query, key="name", fields=fields, sortable=sortable, default_order="", enums=USER_STATES)

    async def save(self, user: User) -> None:
        self._tables().users[user.name] = user

    async def add(self, user: User) -> bool:
        return self._tables().users.setdefault(user.name, user) is user

    async def lock_due(self, at: datetime) -> User | None:
        deleted = [user for user in self._tables().users.values() if user.state is UserState.DELETED]
        due = [user for user in deleted if user.purge_time and user.purge_time <= at]
        return min(due, key=lambda user: user.name, default=None)

    def _sees(self, user: User, caller: str, organization: str) -> bool:
        return user.name == caller or self._is_member(user, organization)

    def _is_member(self, user: User, organization: str) -> bool:
        return membership_name(organization, user.name) in self._tables().memberships


@dataclass(frozen=True, slots=True)
class _Listed:
    """An organization as a filter sees it."""

    organization: Organization

    @property
    def state(self) -> str:
        return "STATE_ACTIVE" if self.organization.delete_time is None else "STATE_DELETED"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.organization, name)


class FakeOrganizations:
    """Organizations of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> Organization:
        try:
            return self._tables().organizations[name]
        except KeyError:
            raise OrganizationNotFound(name) from None

    async def list(self, member: str, query: ListQuery, *, show_deleted: bool) -> Rows[Organization]:
        joined = {membership.organization for membership in self._tables().memberships.values() if membership.user == member}
        shown = [
            _Listed(organization)
            for organization in self._tables().organizations.values()
            if organization.name in joined and (show_deleted or organization.delete_time is None)
        ]
        fields, sortable = ("display_name", "state", *TIMES), ("display_name", *TIMES)
        rows = lists.page(shown, query, key="name", fields=fields, sortable=sortable, default_order="", enums=STATES)
        return Rows([row.organization for row in rows.items], rows.next)

    async def save(self, organization: Organization) -> None:
        self._tables().organizations[organization.name] = organization

    add = save

    async def lock_owned_by(self, user: str) -> None:
        """Transactions run one after the other."""

    async def lock_due(self, at: datetime) -> Organization | None:
        due = [each for each in self._tables().organizations.values() if each.purge_time and each.purge_time <= at]
        return min(due, key=lambda each: each.purge_time or at, default=None)

    async def empty(self, name: str, limit: int) -> int:
        tables = self._tables()
        provisioned = [user.name for user in tables.users.values() if user.provisioned_by == name]
        held = [each for each in tables.memberships.values() if each.organization == name or each.user in provisioned]
        inside: Things = [
            *(
                (tables.team_members, each.name)
                for each in tables.team_members.values()
                if organization_of(each.team) == name
            ),
            *((tables.memberships, each.name) for each in held),
            *((tables.users, each) for each in provisioned),
            *((tables.teams, each) for each in tables.teams if organization_of(each) == name),
            *((tables.invitations, each.id) for each in tables.invitations.values() if each.organization == name),
        ]
        for table, key in inside[:limit]:
            del table[key]
        return min(len(inside), limit)

    async def remove(self, name: str) -> None:
        del self._tables().organizations[name]


class FakeMemberships:
    """Memberships of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> Membership:
        try:
            return self._tables().memberships[name]
        except KeyError:
            raise MembershipNotFound(name) from None

    async def resolve(self, organization: str, user: str) -> Membership:
        membership = await self.get(membership_name(organization, user))
        deleted = self._tables().organizations[organization].delete_time is not None
        if (deleted and membership.role is not Role.OWNER) or not self._active(user):
            raise MembershipNotFound(membership.name)
        return replace(membership, teams=tuple(sorted(self._teams(organization, user))))

    def _teams(self, organization: str, user: str) -> set[str]:
        tables = self._tables()
        found: set[str] = set()
        waiting = [team for team in tables.teams if team_member_name(team, user) in tables.team_members]
        while waiting:
            team = waiting.pop()
            if organization_of(team) == organization:
                found.add(team)
                waiting += [parent] if (parent := tables.teams[team].parent_team) else []
        return found

    async def list(self, organization: str, query: ListQuery) -> Rows[Membership]:
        fields, sortable = ("user", "role", "attributes", *TIMES), ("role", *TIMES)
        found = [each for each in self._tables().memberships.values() if each.organization == organization]
        return lists.page(found, query, key="user", fields=fields, sortable=sortable, default_order="", enums=ROLES)

    async def role_of(self, organization: str, user: str) -> Role:
        return (await self.get(membership_name(organization, user))).role

    async def find_by_email(self, organization: str, email: str) -> Membership | None:
        names = {
            user.name
            for user in self._tables().users.values()
            if user.email == email and user.state is not UserState.PROVISIONED
        }
        found = self._tables().memberships.values()
        return next((each for each in found if each.organization == organization and each.user in names), None)

    async def have_met(self, organization: str, user: str, caller: str) -> bool:
        met, theirs = await self.of_user(user), await self.of_user(caller)
        return not {each.organization for each in met}.isdisjoint({organization, *(each.organization for each in theirs)})

    async def count_other_owners(self, organization: str, user: str) -> int:
        found = self._tables().memberships.values()
        owners = {each.user for each in found if each.organization == organization and each.role is Role.OWNER}
        return sum(self._active(owner) for owner in owners - {user})

    async def of_user(self, user: str) -> FoundMemberships:
        found = [each for each in self._tables().memberships.values() if each.user == user]
        return sorted(found, key=lambda each: each.organization)

    async def last_owned_by(self, user: str) -> Names:
        found = sorted(self._tables().memberships.values(), key=lambda each: each.organization)
        owned = [each.organization for each in found if each.user == user and each.role is Role.OWNER]
        used = [name for name in owned if self._tables().organizations[name].delete_time is None]
        return [name for name in used if not await self.count_other_owners(name, user)][:20]

    def _active(self, user: str) -> bool:
        known = self._tables().users.get(user)
        return known is not None and known.state is UserState.ACTIVE

    async def add(self, membership: Membership) -> None:
        if membership.name in self._tables().memberships:
            raise MembershipExists(membership.name)
        if membership.user not in self._tables().users:
            raise UserNotFound(membership.user)
        self._tables().memberships[membership.name] = membership

    async def save(self, membership: Membership) -> None:
        self._tables().memberships[membership.name] = membership

    async def remove(self, name: str) -> None:
        tables = self._tables()
        gone = tables.memberships.pop(name)
        for member in [*tables.team_members.values()]:
            if (organization_of(member.team), member.user) == (gone.organization, gone.user):
                del tables.team_members[member.name]


class FakeImports:
    """Imported people in the tables of a transaction."""

    def __init__(self, tables: TablesNow, now: Callable[[], datetime]) -> None:
        self._tables, self._now = tables, now

    async def members(self, organization: str, emails: Sequence[str]) -> dict[str, Membership]:
        users = self._tables().users
        found = [each for each in self._tables().memberships.values() if each.organization == organization]
        found.sort(key=lambda each: users[each.user].state is not UserState.PROVISIONED)
        return {users[each.user].email: each for each in found if users[each.user].email in emails}

    async def add(self, users: Sequence[User], memberships: Sequence[Membership]) -> None:
        self._tables().users.update({user.name: user for user in users})
        self._tables().memberships.update({each.name: each for each in memberships})

    async def save_attributes(self, memberships: Sequence[Membership]) -> None:
        self._tables().memberships.update({each.name: each for each in memberships})

    async def provisioned(self, email: str) -> list[Membership]:
        users = self._tables().users
        names = {user.name for user in users.values() if user.state is UserState.PROVISIONED and user.email == email}
        found = [each for each in self._tables().memberships.values() if each.user in names]
        return sorted(found, key=lambda each: each.organization)

    async def move_teams(self, membership: Membership, user: str) -> list[TeamMember]:
        members = self._tables().team_members
        moved = [
            TeamMember(each.team, user, self._now())
            for each in members.values()
            if (organization_of(each.team), each.user) == (membership.organization, membership.user)
            and team_member_name(each.team, user) not in members
        ]
        members.update({each.name: each for each in moved})
        return moved

    async def forget(self, user: str) -> None:
        tables = self._tables()
        member = any(each.user == user for each in tables.memberships.values())
        if not member and user in tables.users and tables.users[user].state is UserState.PROVISIONED:
            del tables.users[user]


class FakeTeams:
    """Teams of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> Team:
        try:
            return self._tables().teams[name]
        except KeyError:
            raise TeamNotFound(name) from None

    async def around(self, name: str) -> list[str]:
        found = []
        while name in self._tables().teams:
            found.append(name)
            name = self._tables().teams[name].parent_team
        return found

    async def height(self, name: str) -> int:
        return 1 + max([await self.height(each) for each in self._inside(name)], default=0)

    async def count_inside(self, name: str) -> int:
        return len(self._inside(name))

    async def add(self, team: Team) -> None:
        same = (team.organization, team.display_name.lower())
        for other in self._tables().teams.values():
            if other.name != team.name and (other.organization, other.display_name.lower()) == same:
                raise TeamExists(team.organization)
        self._tables().teams[team.name] = team

    save = add

    async def remove(self, name: str) -> None:
        tables = self._tables()
        del tables.teams[name]
        tables.team_members = {key: each for key, each in tables.team_members.items() if each.team != name}

    async def get_member(self, name: str) -> TeamMember:
        try:
            return self._tables().team_members[name]
        except KeyError:
            raise TeamMemberNotFound(name) from None

    async def add_member(self, member: TeamMember) -> None:
        if member.name in self._tables().team_members:
            raise TeamMemberExists(member.name)
        membership = membership_name(organization_of(member.team), member.user)
        if membership not in self._tables().memberships:
            raise MembershipNotFound(membership)
        self._tables().team_members[member.name] = member

    async def remove_member(self, name: str) -> None:
        del self._tables().team_members[name]

    def _inside(self, name: str) -> list[str]:
        return [team.name for team in self._tables().teams.values() if team.parent_team == name]

    async def list(self, organization: str, query: ListQuery) -> Rows[Team]:
        fields, sortable = ("display_name", "parent_team", *TIMES), ("display_name", *TIMES)
        found = [team for team in self._tables().teams.values() if team.organization == organization]
        return lists.page(found, query, key="name", fields=fields, sortable=sortable, default_order="")

    async def list_members(self, team: str, query: ListQuery) -> Rows[TeamMember]:
        found = [member for member in self._tables().team_members.values() if member.team == team]
        return lists.page(
            found,
            query,
            key="user",
            fields=("user", "create_time"),
            sortable=("create_time",),
            default_order="create_time",
        )


class FakePreferences:
    """Preferences of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def find(self, names: Sequence[str]) -> dict[str, Preferences]:
        return {name: self._tables().preferences.get(name, Preferences(name)) for name in names}

    async def get(self, name: str) -> Preferences:
        holder, tables = name.removesuffix("/preferences"), self._tables()
        if holder.startswith("users/") and holder not in tables.users:
            raise UserNotFound(holder)
        if holder.startswith("organizations/") and holder not in tables.organizations:
            raise OrganizationNotFound(holder)
        return (await self.find([name]))[name]

    async def save(self, preferences: Preferences) -> None:
        self._tables().preferences[preferences.name] = preferences


class FakeInvitations:
    """Invitations of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> Invitation:
        try:
            return self._tables().invitations[name]
        except KeyError:
            raise InvitationNotFound(name) from None

    async def find(self, invitation_id: str) -> Invitation | None:
        return next((each for each in self._tables().invitations.values() if each.id == invitation_id), None)

    async def list(self, organization: str, query: ListQuery, at: datetime) -> Rows[Invitation]:
        found = [each.as_of(at) for each in self._of(organization)]
        times = (*TIMES, "expire_time")
        fields, sortable = ("email", "role", "state", "inviter", *times), ("email", "role", *times)
        enums = {**ROLES, **INVITATION_STATES}
        return lists.page(found, query, key="id", fields=fields, sortable=sortable, default_order="", enums=enums)

    async def find_pending(self, organization: str, email: str) -> Invitation | None:
        return next((each for each in self._pending(organization) if each.email == email), None)

    async def count_open(self, organization: str, at: datetime) -> int:
        return sum(each.expire_time > at for each in self._pending(organization))

    async def count_mails(self, invitation: Invitation, inviter: str, since: datetime) -> MailCounts:
        recent = [mail for mail in self._tables().invitation_mails if mail[3] > since]
        by_organization = [mail for mail in recent if mail[0] == invitation.organization]
        by_inviter = [mail for mail in recent if mail[1] == inviter]
        to_address = [m for m in recent if (m in by_organization or m in by_inviter) and m[2] == invitation.email]
        return MailCounts(len(by_organization), len(by_inviter), len(to_address))

    async def add_mail(self, invitation: Invitation, inviter: str, at: datetime, forget_before: datetime) -> None:
        mails = self._tables().invitation_mails
        mails[:] = [mail for mail in mails if mail[0] != invitation.organization or mail[3] >= forget_before]
        mails.append((invitation.organization, inviter, invitation.email, at))

    async def remove_ended(self, before: datetime, limit: int) -> int:
        invitations = self._tables().invitations
        ended = [name for name, each in invitations.items() if each.expire_time < before and each.update_time < before]
        for name in ended[:limit]:
            del invitations[name]
        return min(len(ended), limit)

    async def save(self, invitation: Invitation) -> None:
        self._tables().invitations[invitation.name] = invitation

    add = save

    def _of(self, organization: str) -> Sequence[Invitation]:
        return [each for each in self._tables().invitations.values() if each.organization == organization]

    def _pending(self, organization: str) -> Sequence[Invitation]:
        return [each for each in self._of(organization) if each.state is InvitationState.PENDING]


class FakeDomains:
    """Domains of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> Domain:
        try:
            return self._tables().domains[name]
        except KeyError:
            raise DomainNotFound(name) from None

    async def find_due(self, before: datetime, limit: int) -> Sequence[Domain]:
        found = [
            (each.check_time, each)
            for each in self._tables().domains.values()
            if each.state is DomainState.VERIFIED and each.check_time and each.check_time < before
        ]
        return [each for _, each in sorted(found, key=lambda pair: pair[0])[:limit]]

    async def find_capturing(self, hostname: str) -> Domain | None:
        return next((each for each in await self.lock_claims(hostname) if each.captures), None)

    async def is_verified(self, organization: str, hostname: str) -> bool:
        found = [each for each in self._of(organization) if each.hostname == hostname]
        return any(each.state is DomainState.VERIFIED for each in found)

    async def lock_claims(self, hostname: str) -> Sequence[Domain]:
        found = [each for each in self._tables().domains.values() if each.hostname == hostname]
        return sorted(found, key=lambda each: each.organization)

    async def count(self, organization: str) -> int:
        return len(self._of(organization))

    async def list(self, organization: str, query: ListQuery) -> Rows[Domain]:
        fields = ("state", "capture", *TIMES)
        found = self._of(organization)
        return lists.page(found, query, key="hostname", fields=fields, sortable=TIMES, default_order="", enums=DOMAIN_STATES)

    async def add(self, domain: Domain) -> None:
        if domain.name in self._tables().domains:
            raise DomainExists(domain.name)
        self._tables().domains[domain.name] = domain

    async def save(self, domain: Domain) -> None:
        self._tables().domains[domain.name] = domain

    async def remove(self, name: str) -> None:
        self._tables().domains.pop(name, None)

    def _of(self, organization: str) -> Sequence[Domain]:
        return [each for each in self._tables().domains.values() if each.organization == organization]


class FakeResolver:
    """DNS as far as tests put something into it. `away` says that nobody answers."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.away = False

    async def texts(self, name: str) -> list[str]:
        self.asked.append(name)
        if self.away:
            raise LookupFailed("away")
        return self.records.get(name, [])


class FakeBuckets:
    """Limits per caller that never fill again."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    async def take(self, key: str, *, capacity: float, refill_per_s: float, cost: float = 1) -> Verdict:
        self._taken[key] = self._taken.get(key, 0) + 1
        return Verdict(self._taken[key] <= capacity, 1 / refill_per_s)


class FakeAttributeSchemas:
    """Attribute schemas of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, organization: str) -> AttributeSchema:
        return self._tables().attribute_schemas.get(organization, unsaid(organization))

    async def save(self, schema: AttributeSchema) -> None:
        self._tables().attribute_schemas[schema.organization] = schema


class FakeAuditLogs:
    """Audit logs of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> AuditEntry:
        found = [entry for entry in self._tables().audit_entries if entry.name == name]
        if not found:
            raise AuditEntryNotFound(name)
        return found[0]

    async def list(self, organization: str, query: ListQuery) -> Rows[AuditEntry]:
        strings = ("actor", "api_key", "service", "rpc", "code", "reason", "request_id", "trace_id")
        rows = lists.page(
            [_Logged(entry) for entry in self._of(organization)],
            query,
            key="sequence",
            fields=(*strings, "resources", "sequence", "create_time"),
            sortable=("create_time",),
            default_order="create_time desc",
        )
        return Rows([row.entry for row in rows.items], rows.next)

    async def find_due(self, before: datetime) -> str | None:
        oldest = {entry.organization: entry for entry in reversed(self._tables().audit_entries)}
        return next((name for name, entry in oldest.items() if entry.create_time < before), None)

    async def lock(self, organization: str) -> AuditChain:
        return self._tables().audit_chains.setdefault(organization, AuditChain(organization))

    async def read(self, organization: str, sequence: int, limit: int) -> Sequence[AuditEntry]:
        return [entry for entry in self._of(organization) if entry.sequence >= sequence][:limit]

    async def append(self, entries: Sequence[AuditEntry], chain: AuditChain) -> None:
        for entry in entries:
            actor = self._tables().users.get(entry.actor)
            erased = actor is not None and actor.state is UserState.ERASED
            self._tables().audit_entries.append(replace(entry, address_prefix="") if erased else entry)
        self._tables().audit_chains[chain.organization] = chain

    async def forget(self, chain: AuditChain) -> None:
        tables = self._tables()
        gone = [entry for entry in self._of(chain.organization) if entry.sequence <= chain.anchor_sequence]
        tables.audit_entries = [entry for entry in tables.audit_entries if entry not in gone]
        tables.audit_chains[chain.organization] = chain

    def _of(self, organization: str) -> Sequence[AuditEntry]:
        return [entry for entry in self._tables().audit_entries if entry.organization == organization]


@dataclass(frozen=True, slots=True)
class _Logged:
    """An audit entry as a filter sees it."""

    entry: AuditEntry

    @property
    def resources(self) -> str:
        return " ".join(self.entry.resources)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)


class FakeOutbox:
    """Events of one transaction."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def add(self, event: Any) -> None:
        self.events.append(event)


class FakeUserStore:
    """Everything user stores. Transactions run one after the other, each on a copy that takes the place of the tables."""

    def __init__(self, now: Callable[[], datetime] = lambda: NOON) -> None:
        self.now = now
        self.tables = Tables()
        self.events: list[Any] = []
        self.turn = asyncio.Lock()

    @property
    def ports(self) -> Ports:
        def committed() -> Tables:
            return self.tables

        begin: Begin = lambda: FakeUserTransaction(self)  # noqa: E731
        return Ports(
            FakeUsers(committed),
            FakeOrganizations(committed),
            FakeMemberships(committed),
            FakeInvitations(committed),
            FakeDomains(committed),
            FakeTeams(committed),
            FakePreferences(committed),
            FakeAttributeSchemas(committed),
            FakeAuditLogs(committed),
            FakeOperations(lambda: self.tables.operations, self.now),
            FakeExports(committed),
            FakeCertificates(committed),
            begin,
        )


class FakeUserTransaction:
    """One unit of work in memory."""

    def __init__(self, store: FakeUserStore) -> None:
        self._store, self._draft = store, Tables()
        self._identity = repeat.current.get()
        self.users = FakeUsers(self._tables)
        self.audit = FakeAuditLogs(self._tables)
        self.organizations = FakeOrganizations(self._tables)
        self.memberships = FakeMemberships(self._tables)
        self.imports = FakeImports(self._tables, store.now)
        self.invitations = FakeInvitations(self._tables)
        self.domains = FakeDomains(self._tables)
        self.teams = FakeTeams(self._tables)
        self.preferences = FakePreferences(self._tables)
        self.operations = FakeOperations(lambda: self._draft.operations, store.now)
        self.answers = FakeAnswers(self._tables)
        self.exports = FakeExports(self._tables)
        self.certificates = FakeCertificates(self._tables)
        self.personal_data = FakePersonalData(self._tables)
        self.attribute_schemas = FakeAttributeSchemas(self._tables)
        self.outbox = FakeOutbox()

    async def commit(self, answer: Any = None) -> None:
        if isinstance(self._identity, repeat.Request) and self._identity.validate_only:
            return
        self._settle(answer)
        self._store.tables, self._draft = self._draft, Tables()
        self._store.events += self.outbox.events

    async def __aenter__(self) -> Self:
        await self._store.turn.acquire()
        try:
            self._claim()
        except BaseException:
            self._store.turn.release()
            raise
        self._draft = deepcopy(self._store.tables)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.turn.release()

    def _claim(self) -> None:
        if isinstance(self._identity, repeat.Delivery):
            if not self._store.tables.seen.isdisjoint(self._deliveries(self._identity)):
                raise repeat.AlreadyDone
        elif (first := self._store.tables.answers.get(self._identity.key)) is not None:
            if first[0] != self._identity.fingerprint:
                raise RequestIdReused
            raise repeat.AlreadyDone(first[1])

    def _deliveries(self, identity: repeat.Delivery) -> Iterable[tuple[str, str]]:
        return [(identity.subscription, event_id) for event_id in identity.event_ids]

    def _settle(self, answer: Any) -> None:
        if isinstance(self._identity, repeat.Delivery):
            self._draft.seen.update(self._deliveries(self._identity))
        elif self._identity.key and answer is not None:
            sealed = convert.answer_to_proto(answer).SerializeToString()
            self._draft.answers[self._identity.key] = (self._identity.fingerprint, sealed)

    def _tables(self) -> Tables:
        return self._draft


class FakeAccounts:
    """What auth knows of people."""

    def __init__(self) -> None:
        self.known: dict[str, User] = {}

    async def get(self, user: str) -> User:
        if user not in self.known:
            raise UserNotFound(user)
        return self.known[user]
