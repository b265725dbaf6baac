"""The ports of auth in memory, with the promises of `tests/contract/auth/test_store.py`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from services.auth.domain import (
    Account,
    AccountNotFound,
    AccountState,
    ApiKey,
    ApiKeyNotFound,
    Cause,
    Managed,
    Membership,
    MembershipUnavailable,
    NotAMember,
    Presented,
    Role,
    RoleBinding,
    RoleBindingExists,
    RoleBindingNotFound,
    RoleNotFound,
    ServiceAccount,
    ServiceAccountNotFound,
    Session,
    SigningKey,
    SignUp,
    State,
    is_service_account,
)
from services.auth.ports import (
    Accounts,
    ApiKeys,
    Begin,
    Bound,
    RoleBindings,
    Roles,
    ServiceAccounts,
    Sessions,
    SigningKeys,
    SignUps,
)
from services.auth.wiring import UNKNOWN_KEYS
from services.chassis import repeat
from services.chassis.guesses import LocalBuckets
from services.chassis.lists import ListQuery, Rows
from services.chassis.mail import Mail, MailNotSent
from services.chassis.networks import network_of
from services.chassis.personal_data import ErasedRecords, ErasureReport
from tests.fakes import lists

ORGANIZATION = re.compile("organizations/[a-z0-9_-]{1,60}")


@dataclass(frozen=True, slots=True)
class Ports:
    """One implementation of everything auth stores."""

    accounts: Accounts
    sign_ups: SignUps
    sessions: Sessions
    keys: SigningKeys
    begin: Begin
    roles: Roles
    role_bindings: RoleBindings
    service_accounts: ServiceAccounts
    api_keys: ApiKeys

    async def crowd(self) -> None:
        """Open every connection there may be: what comes next at once runs at once."""
        await asyncio.gather(*(self.accounts.find_by_email("nobody@example.com") for _ in range(50)))


@dataclass(slots=True)
class Tables:
    """All that is stored."""

    accounts: dict[str, Account] = field(default_factory=dict)
    sign_ups: dict[str, SignUp] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    reports: dict[str, ErasureReport] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    role_bindings: dict[str, RoleBinding] = field(default_factory=dict)
    signing_keys: dict[str, SigningKey] = field(default_factory=dict)
    service_accounts: dict[str, ServiceAccount] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    secrets: dict[bytes, tuple[str, datetime]] = field(default_factory=dict)
    """The key of a secret's hash, and when the secret ends."""
    purged_organizations: dict[str, datetime] = field(default_factory=dict)
    deleted_organizations: set[str] = field(default_factory=set)


TablesNow = Callable[[], Tables]
FoundSessions = list[Session]
ACCOUNT_RECORD = "trellis.auth.v1.AccountRecord"


class FakeAccounts:
    """Accounts of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, user: str) -> Account:
        try:
            return self._tables().accounts[user]
        except KeyError:
            raise AccountNotFound(user) from None

    async def find(self, user: str) -> Account | None:
        return self._tables().accounts.get(user)

    async def find_by_email(self, email: str) -> Account | None:
        return next((account for account in self._tables().accounts.values() if account.email == email), None)

    async def add(self, account: Account) -> bool:
        if await self.find_by_email(account.email) is not None:
            return False
        self._tables().accounts[account.user] = account
        return True

    lock = find

    async def set_last_organization(self, user: str, organization: str) -> None:
        self._change(user, last_organization=organization)

    async def set_password_hash(self, user: str, password_hash: str) -> None:
        self._change(user, password_hash=password_hash)

    async def set_state(self, user: str, state: AccountState) -> None:
        self._change(user, state=state)

    async def set_password(self, user: str, password_hash: str) -> None:
        if account := self._tables().accounts.get(user):
            self._change(user, password_hash=password_hash, password_version=account.password_version + 1)

    def _change(self, user: str, **values: Any) -> None:
        known = self._tables().accounts
        if user in known:
            known[user] = replace(known[user], **values)


class FakeSignUps:
    """Sign-ups of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def find(self, sign_up: str) -> SignUp | None:
        return self._tables().sign_ups.get(sign_up)

    lock = find

    async def find_newest(self, email: str, at: datetime) -> SignUp | None:
        open_ones = [s for s in self._of(email) if s.used_time is None and at < s.expire_time]
        return max(open_ones, key=lambda sign_up: sign_up.create_time, default=None)

    async def add(self, sign_up: SignUp) -> None:
        self._tables().sign_ups[sign_up.id] = sign_up

    async def use_up(self, email: str, at: datetime) -> None:
        for sign_up in self._of(email):
            if sign_up.used_time is None:
                self._tables().sign_ups[sign_up.id] = replace(sign_up, used_time=at)

    def _of(self, email: str) -> list[SignUp]:
        return [sign_up for sign_up in self._tables().sign_ups.values() if sign_up.email == email]

    async def forget(self, before: datetime, limit: int) -> int:
        known = self._tables().sign_ups
        over = [key for key, each in known.items() if each.expire_time < before][:limit]
        for key in over:
            del known[key]
        return len(over)


class FakeSessions:
    """Sessions of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def find(self, name: str) -> Session | None:
        return self._tables().sessions.get(name)

    lock = find

    async def list(self, user: str, at: datetime, query: ListQuery, *, show_ended: bool) -> Rows[Session]:
        own = [s for s in self._tables().sessions.values() if s.user == user and (show_ended or s.alive(at))]
        times = ("create_time", "last_refresh_time", "expire_time")
        return lists.page(
            own, query, key="name", fields=("organization", *times), sortable=times, default_order="create_time desc"
        )

    async def add(self, session: Session) -> None:
        self._tables().sessions[session.name] = session

    async def lock_alive(self, user: str, at: datetime) -> FoundSessions:
        return [each for each in self._tables().sessions.values() if each.user == user and each.alive(at)]

    async def rotate(self, name: str, generation: int, at: datetime) -> Session | None:
        session = self._tables().sessions.get(name)
        if session is None or not session.alive(at) or session.generation != generation:
            return None
        return self._change(name, generation=generation + 1, rotate_time=at, last_refresh_time=at)

    async def end(self, name: str, at: datetime, cause: Cause) -> None:
        self._change(name, revoke_time=at)
        self._tables().causes[name] = cause

    async def end_all(self, user: str, at: datetime, cause: Cause, *, kept: str) -> int:
        ended = [s.name for s in self._tables().sessions.values() if s.user == user and s.name != kept and s.alive(at)]
        for name in ended:
            await self.end(name, at, cause)
        return len(ended)

    async def set_organization(self, name: str, organization: str) -> None:
        self._change(name, organization=organization)

    def _change(self, name: str, **values: Any) -> Session:
        changed = self._tables().sessions[name] = replace(self._tables().sessions[name], **values)
        return changed

    async def forget(self, before: datetime, limit: int) -> int:
        known = self._tables().sessions
        over = [key for key, each in known.items() if each.expire_time < before][:limit]
        for key in over:
            del known[key]
        return len(over)


@dataclass(frozen=True, slots=True)
class FakePersonalData:
    """What auth holds of a person, in a transaction; the real holdings are tested on PostgreSQL."""

    tables: TablesNow

    async def collect(self, user: str) -> list[dict[str, Any]]:
        account = self.tables().accounts.get(user)
        fields = {"email": {"class": "PERSONAL", "value": account.email}} if account else {}
        return [{"record": ACCOUNT_RECORD, "fields": fields}] if account else []

    async def erase_some(self, user: str, limit: int) -> dict[str, int]:
        return {}

    async def erase(self, user: str, before: Mapping[str, int] | None = None) -> tuple[ErasedRecords, ...]:
        tables = self.tables()
        account = tables.accounts.pop(user, None)
        if account is None:
            return ()
        tables.sessions = {name: each for name, each in tables.sessions.items() if each.user != user}
        tables.sign_ups = {name: each for name, each in tables.sign_ups.items() if each.email != account.email}
        return (ErasedRecords(ACCOUNT_RECORD, 1, ("email", "display_name"), ("password_hash",)),)


@dataclass(frozen=True, slots=True)
class FakeReports:
    """What auth answered to erasures, in a transaction."""

    tables: TablesNow

    async def find(self, operation: str) -> ErasureReport | None:
        return self.tables().reports.get(operation)

    async def add(self, operation: str, user: str, report: ErasureReport, at: datetime) -> None:
        self.tables().reports[operation] = report


class FakeRoles:
    """Roles of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> Role:
        try:
            return self._tables().roles[name]
        except KeyError:
            raise RoleNotFound(name) from None

    lock = keep = get

    async def of(self, organization: str) -> list[Role]:
        known = self._tables().roles
        return [known[name] for name in sorted(known) if known[name].organization == organization]

    async def count(self, organization: str) -> int:
        return len(await self.of(organization))

    async def add(self, role: Role) -> None:
        self._tables().roles[role.name] = role

    save = add

    async def remove(self, name: str) -> None:
        self._tables().roles.pop(name, None)

    async def purge(self, organization: str, limit: int) -> int:
        return _purge(self._tables().roles, lambda kept: kept.organization == organization, limit)


class FakeRoleBindings:
    """Role bindings of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables
        self.reads = 0

    async def get(self, name: str) -> RoleBinding:
        try:
            return self._tables().role_bindings[name]
        except KeyError:
            raise RoleBindingNotFound(name) from None

    lock = get

    async def list(self, organization: str, query: ListQuery) -> Rows[RoleBinding]:
        scalar = ("subject", "role", "resource", "create_time")
        found = [binding for binding in self._all() if binding.organization == organization]
        return lists.page(found, query, key="name", fields=(*scalar, "expire_time"), sortable=scalar, default_order="")

    async def of(self, organization: str, subjects: Collection[str]) -> Sequence[Bound]:
        self.reads += 1
        roles = self._tables().roles
        return [
            (binding, roles[binding.role].permissions if binding.role in roles else frozenset())
            for binding in self._all()
            if binding.organization == organization and binding.subject in subjects
        ]

    async def subjects_of(self, role: str, at: datetime) -> Sequence[str]:
        return sorted({binding.subject for binding in self._all() if binding.role == role and binding.counts(at)})

    async def of_subject(self, organization: str, subject: str) -> Sequence[RoleBinding]:
        return [each for each in self._all() if (each.organization, each.subject) == (organization, subject)]

    async def count(self, organization: str, subject: str) -> int:
        return len(await self.of_subject(organization, subject))

    async def add(self, binding: RoleBinding) -> None:
        for other in self._all():
            if _says(other) == _says(binding):
                if other.counts(binding.create_time):
                    raise RoleBindingExists(binding.name)
                del self._tables().role_bindings[other.name]
        self._tables().role_bindings[binding.name] = binding

    async def remove(self, name: str) -> None:
        self._tables().role_bindings.pop(name, None)

    async def remove_expired(self, role: str, at: datetime) -> None:
        for binding in self._all():
            if binding.role == role and not binding.counts(at):
                del self._tables().role_bindings[binding.name]

    def _all(self) -> Sequence[RoleBinding]:
        known = self._tables().role_bindings
        return [known[name] for name in sorted(known)]

    async def purge(self, organization: str, limit: int) -> int:
        return _purge(self._tables().role_bindings, lambda kept: kept.organization == organization, limit)


def _says(binding: RoleBinding) -> tuple[str, ...]:
    return binding.organization, binding.subject, binding.role, binding.resource


class FakeSigningKeys:
    """Signing keys of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow, now: Callable[[], datetime]) -> None:
        self._tables, self._now = tables, now

    async def all(self) -> list[SigningKey]:
        return [key for key in self._tables().signing_keys.values() if key.published(self._now())]

    lock = all

    async def add(self, key: SigningKey) -> None:
        self._tables().signing_keys[key.kid] = key

    async def add_first(self, key: SigningKey) -> None:
        if not self._tables().signing_keys:
            await self.add(key)

    async def retire(self, kid: str, at: datetime) -> None:
        self._tables().signing_keys[kid] = replace(self._tables().signing_keys[kid], retire_time=at)

    async def purge(self, at: datetime) -> int:
        keys = self._tables().signing_keys
        return _purge(keys, lambda key: not key.published(at), len(keys))


class FakeServiceAccounts:
    """Service accounts of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> ServiceAccount:
        try:
            return self._tables().service_accounts[name]
        except KeyError:
            raise ServiceAccountNotFound(name) from None

    lock = get

    async def add(self, account: ServiceAccount) -> None:
        self._tables().service_accounts[account.name] = account

    save = add

    async def remove(self, name: str) -> None:
        tables = self._tables()
        del tables.service_accounts[name]
        for key in [key for key, kept in tables.api_keys.items() if kept.subject == name]:
            del tables.api_keys[key]

    async def list(self, organization: str, query: ListQuery) -> Rows[ServiceAccount]:
        found = [account for account in self._tables().service_accounts.values() if account.organization == organization]
        return lists.page(
            found,
            query,
            key="name",
            fields=("display_name", "role", "create_time", "update_time"),
            sortable=("display_name", "create_time", "update_time"),
            default_order="create_time desc",
        )

    async def purge(self, organization: str, limit: int) -> int:
        return _purge(self._tables().service_accounts, lambda kept: kept.organization == organization, limit)


class FakeApiKeys:
    """API keys of committed tables, or of those of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def get(self, name: str) -> ApiKey:
        try:
            return self._tables().api_keys[name]
        except KeyError:
            raise ApiKeyNotFound(name) from None

    lock = get

    async def add(self, key: ApiKey) -> None:
        self._tables().api_keys[key.name] = key

    save = add

    async def lock_unrevoked(self, organization: str, subject: str) -> Sequence[ApiKey]:
        keys = sorted(self._tables().api_keys.values(), key=lambda key: key.name)
        return [
            key for key in keys if (key.organization, key.subject) == (organization, subject) and key.revoke_time is None
        ]

    async def add_secret(self, name: str, secret_hash: bytes, expire_time: datetime) -> None:
        self._tables().secrets[secret_hash] = (name, expire_time)

    async def end_secrets(self, name: str, at: datetime, *, now: datetime) -> None:
        secrets = self._tables().secrets
        own = {found: end for found, (key, end) in [*secrets.items()] if key == name}
        for found, end in own.items():
            secrets.pop(found)
            if end > now:
                secrets[found] = (name, min(end, at))

    async def find_presented(self, secret_hash: bytes) -> Presented | None:
        tables = self._tables()
        name, end = tables.secrets.get(secret_hash, ("", datetime.min))
        if name not in tables.api_keys:
            return None
        key = tables.api_keys[name]
        account = tables.service_accounts.get(key.subject)
        inactive = is_service_account(key.subject) and (account is None or account.state is not State.ACTIVE)
        shut_out = inactive or key.organization in tables.deleted_organizations
        return Presented(key, end, shut_out, account.version if account else 0)

    async def note_use(self, name: str, at: datetime) -> None:
        keys = self._tables().api_keys
        keys[name] = replace(keys[name], last_used_time=at)

    async def list(
        self, organization: str, managed: Managed, at: datetime, query: ListQuery, *, show_ended: bool
    ) -> Rows[ApiKey]:
        found = [
            key
            for key in self._tables().api_keys.values()
            if key.organization == organization and managed.has(key.subject) and (show_ended or key.alive(at))
        ]
        fields = ("display_name", "subject", "create_time", "update_time", "expire_time")
        sortable = ("display_name", "create_time", "update_time", "expire_time")
        return lists.page(found, query, key="name", fields=fields, sortable=sortable, default_order="create_time desc")

    async def purge(self, organization: str, limit: int) -> int:
        return _purge(self._tables().api_keys, lambda kept: kept.organization == organization, limit)


class FakeKeyGuesses:
    """Unknown secrets by address, counted as one process does while Valkey is away."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._buckets = LocalBuckets(lambda: now().timestamp())

    async def begin(self, address: str) -> float:
        await asyncio.sleep(0)  # asking takes a moment, in which others ask
        return self._buckets.take([(network_of(address), UNKNOWN_KEYS)])

    async def undo(self, address: str) -> None:
        self._buckets.give([(network_of(address), UNKNOWN_KEYS)])


class FakePurgedOrganizations:
    """Purged organizations of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def add(self, organization: str, at: datetime) -> None:
        self._tables().purged_organizations.setdefault(organization, at)

    async def lock_next(self) -> str | None:
        known = self._tables().purged_organizations
        return min(known, key=lambda organization: (known[organization], organization), default=None)

    async def remove(self, organization: str) -> None:
        self._tables().purged_organizations.pop(organization, None)


def _purge(rows: dict[str, Any], over: Callable[[Any], bool], limit: int) -> int:
    gone = [name for name, row in rows.items() if over(row)][:limit]
    for name in gone:
        del rows[name]
    return len(gone)


class FakeDeletedOrganizations:
    """Organizations that user deleted, of a transaction."""

    def __init__(self, tables: TablesNow) -> None:
        self._tables = tables

    async def close(self, organization: str, at: datetime) -> None:
        self._tables().deleted_organizations.add(organization)

    async def reopen(self, organization: str) -> None:
        self._tables().deleted_organizations.discard(organization)


class FakeOutbox:
    """Events of one transaction."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def add(self, event: Any) -> None:
        self.events.append(event)


class FakeAuthStore:
    """Everything auth stores. Transactions run one after the other, each on a copy that takes the place of the tables."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.tables = Tables()
        self.events: list[Any] = []
        self.answers: list[Any] = []
        self.turn = asyncio.Lock()
        self.now = now

    @property
    def ports(self) -> Ports:
        def committed() -> Tables:
            return self.tables

        return Ports(
            FakeAccounts(committed),
            FakeSignUps(committed),
            FakeSessions(committed),
            FakeSigningKeys(committed, self.now),
            lambda: FakeAuthTransaction(self),
            FakeRoles(committed),
            FakeRoleBindings(committed),
            FakeServiceAccounts(committed),
            FakeApiKeys(committed),
        )


class FakeAuthTransaction:
    """One unit of work in memory."""

    def __init__(self, store: FakeAuthStore) -> None:
        self._store, self._draft = store, Tables()
        self.accounts = FakeAccounts(self._tables)
        self.sign_ups = FakeSignUps(self._tables)
        self.sessions = FakeSessions(self._tables)
        self.keys = FakeSigningKeys(self._tables, store.now)
        self.purged_organizations = FakePurgedOrganizations(self._tables)
        self.roles = FakeRoles(self._tables)
        self.role_bindings = FakeRoleBindings(self._tables)
        self.service_accounts = FakeServiceAccounts(self._tables)
        self.api_keys = FakeApiKeys(self._tables)
        self.organizations = FakeDeletedOrganizations(self._tables)
        self.personal_data = FakePersonalData(self._tables)
        self.reports = FakeReports(self._tables)
        self.outbox = FakeOutbox()

    async def commit(self, answer: Any = None) -> None:
        identity = repeat.current.get()
        if isinstance(identity, repeat.Request) and identity.validate_only:
            return
        self._store.tables, self._draft = self._draft, Tables()
        self._store.events += self.outbox.events
        if answer is not None:
            self._store.answers.append(answer)

    async def __aenter__(self) -> Self:
        await self._store.turn.acquire()
        self._draft = deepcopy(self._store.tables)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.turn.release()

    def _tables(self) -> Tables:
        return self._draft


class FakePasswords:
    """Hashes that hide nothing. `compared` has every comparison: the hash, None for a decoy."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []
        self.hashed: list[str] = []

    async def hash(self, password: str) -> str:
        self.hashed.append(password)
        return f"new:{password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.compared.append(password_hash)
        return password_hash in (f"new:{password}", f"old:{password}")

    def outdated(self, password_hash: str) -> bool:
        return password_hash.startswith("old:")


class FakeMemberships:
    """Permissions and teams by organization and user; `down` makes user unreachable."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[str, ...]] = {}
        self.teams: dict[tuple[str, str], tuple[str, ...]] = {}
        self.down = False
        self.role = "roles/member"
        self.roles: dict[tuple[str, str], str] = {}
        """The role of who has another one than `role`."""
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, organization: str, user: str) -> Membership:
        self.asked.append((organization, user))
        if self.down or not ORGANIZATION.fullmatch(organization):  # user refuses the name; that is no answer
            raise MembershipUnavailable
        if (organization, user) not in self.known:
            raise NotAMember(organization)
        name = f"{organization}/memberships/{user.removeprefix('users/')}"
        permissions, teams = self.known[organization, user], self.teams.get((organization, user), ())
        role = self.roles.get((organization, user), self.role)
        return Membership(name, role, frozenset(permissions), teams)


class FakeMailer:
    """Mails by id: one sent again takes its own place. `count` has how often one was sent."""

    def __init__(self) -> None:
        self.sent: dict[str, Mail] = {}
        self.count = 0
        self.away = False

    async def send(self, mail: Mail) -> None:
        if self.away:
            raise MailNotSent("away")
        self.sent[mail.id] = mail
        self.count += 1

    async def forget(self, to: str) -> None:
        self.sent = {each.id: each for each in self.sent.values() if each.to != to}
