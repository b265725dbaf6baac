"""Both services over real databases, with somebody in them of whom every table that can hold something holds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from services.auth import consumers as auth_consumers
from services.auth import convert as auth_convert
from services.auth import events as auth_events
from services.auth.domain import Account, RoleBinding, Session, SignUp
from services.auth.handlers import PersonalDataHandlers as AuthPersonalData
from services.auth.store import SqlAccounts, SqlAuthTransaction
from services.chassis.bus.bus import Event
from services.chassis.db.session import Codec, Database
from services.chassis.mail import Mail, OutboxMailer
from services.chassis.operations.runner import Runner
from services.chassis.operations.store import SqlOperations
from services.chassis.principal import Principal
from services.user import consumers, convert, events
from services.user.domain import (
    ERASE,
    EXPORT,
    AuditEntry,
    Invitation,
    Membership,
    Organization,
    Role,
    Team,
    TeamMember,
    User,
    UserState,
)
from services.user.handlers import PersonalDataHandlers
from services.user.handlers.personal_data_steps import EraseSteps, ExportSteps
from services.user.store import SqlCertificates, SqlExports, SqlUserTransaction
from tests.conftest import NOON, Ids, OpenDatabase, Time
from tests.fakes.user import FakeAccounts

ADA, EMAIL = "users/usr_ada", "ada.marker@example.com"
IMPORTED, ELSEWHERE = "users/usr_imported", "organizations/org_elsewhere"
"""Where somebody has imported Ada's address, and never saw her."""
ACME, CREW = "organizations/org_acme", "organizations/org_acme/teams/team_crew"
MARKERS = (EMAIL, "Ada Marker", "xq-MARKER", "zz-MARKER", "Marker-Browser", "marker-hash", "198.51.100.0/24")
"""What is planted of Ada: address, name, language, what was imported, device, password, network."""


class Killed(BaseException):
    """The process is gone in the middle of what it did."""


@dataclass(slots=True)
class Platform:
    """Auth and user, with a bus that the test turns by hand."""

    auth: Database
    user: Database
    clock: Time
    mails: OutboxMailer
    auth_up: bool = True
    waiting: list[Event] = field(default_factory=list)

    @property
    def handlers(self) -> PersonalDataHandlers:
        database = self.user
        return PersonalDataHandlers(
            operations=SqlOperations(database),
            exports=SqlExports(database),
            certificates=SqlCertificates(database),
            accounts=FakeAccounts(),
            begin=partial(SqlUserTransaction, database),
            now=self.clock,
            new_id=database.new_id,
            keyring=database.keyring,
        )

    @property
    def runner(self) -> Runner:
        keyring, others = self.user.keyring, consumers.participants()
        export = ExportSteps(self.clock, keyring, others)
        erase = EraseSteps(self.clock, keyring, self.mails, others)
        return Runner(partial(SqlUserTransaction, self.user), self.clock, {EXPORT: export, ERASE: erase})

    async def settle(self) -> None:
        """Do all steps and deliver all events until nothing is left to do."""
        while await self._run() or await self._deliver():
            pass

    async def _run(self) -> bool:
        found = False
        while await self._step():
            found = True
        return found

    async def _step(self) -> bool:
        try:
            return await self.runner.run_next()
        except Killed:
            return True  # somebody else leads now

    async def _deliver(self) -> bool:
        self.waiting += await _published(self.user, "user") + await _published(self.auth, "auth")
        heard, self.waiting = self.waiting, []
        for event in heard:
            await self._hear(event)
        return bool(heard) and (self.auth_up or heard != self.waiting)

    async def _hear(self, event: Event) -> None:
        begin = partial(SqlAuthTransaction, self.auth)
        auth = auth_consumers.personal_data(AuthPersonalData(SqlAccounts(self.auth), self.mails, begin, self.clock))
        if event.topic in auth.topics and not self.auth_up:
            self.waiting.append(event)
            return
        for consumer in (auth, consumers.answers(self.handlers)):
            if event.topic in consumer.topics:
                try:
                    await consumer.handle(event)
                except Killed:
                    self.waiting.append(event)  # never acknowledged: it comes again

    async def everything(self, name: str) -> dict[str, str]:
        """Return every table of a service's database as text."""
        pool = getattr(self, name).pool
        found = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row["tablename"] for row in found]
        return {table: str(await pool.fetchval(f'SELECT json_agg(t)::text FROM "{table}" t')) for table in tables}


async def _published(database: Database, service: str) -> list[Event]:
    """Take what the outbox holds, as the relay does."""
    rows = await database.pool.fetch("DELETE FROM outbox RETURNING *")
    rows.sort(key=lambda row: row["sequence"])
    return [Event(r["id"], f"services/{service}", r["topic"], r["subject"], r["time"], r["data"]) for r in rows]


@pytest.fixture
async def platform(open_database: OpenDatabase, time: Time, tmp_path: Path) -> Platform:
    auth = await open_database("auth", Codec(auth_convert.answer_to_proto, auth_events.announcement))
    user = await open_database("user", Codec(convert.answer_to_proto, events.announcement))
    auth.new_id = user.new_id = Ids()
    running = Platform(auth, user, time, OutboxMailer(tmp_path, time))
    await _fill_auth(auth)
    await _fill_user(user)
    await running.mails.send(Mail("evt_1", EMAIL, "Hello", "Ada Marker"))
    await running.mails.send(Mail("evt_2", "bob@example.com", "Hello", "Bob"))
    return running


async def _fill_auth(database: Database) -> None:
    async with SqlAuthTransaction(database) as tx:
        for user, email, name in ((ADA, EMAIL, "Ada Marker"), ("users/usr_bob", "bob@example.com", "Bob")):
            await tx.accounts.add(Account(user, email, name, "marker-hash" if user == ADA else "hash", NOON, ACME))
            for number in (1, 2):
                expire = NOON + timedelta(days=30)
                device = "Marker-Browser/1" if user == ADA else "Browser/1"
                await tx.sessions.add(Session(f"{user}/sessions/ses_{number}", user, ACME, device, NOON, NOON, expire))
            binding = f"{ACME}/roleBindings/{user[-3:]}"
            await tx.role_bindings.add(RoleBinding(binding, "roles/member", user, ACME, None, "users/usr_bob", NOON))
            sign_up = SignUp(f"sup_{user[-3:]}", email, name, "marker-hash" if user == ADA else "hash", NOON, NOON, NOON)
            await tx.sign_ups.add(sign_up)
        await tx.commit()


async def _fill_user(database: Database) -> None:
    async with SqlUserTransaction(database) as tx:
        await tx.users.add(User(ADA, EMAIL, "Ada Marker", NOON, NOON, "xq-MARKER", "Europe/London"))
        await tx.users.add(User("users/usr_bob", "bob@example.com", "Bob", NOON, NOON))
        for organization in (ACME, ELSEWHERE):
            await tx.organizations.add(Organization(organization, "Acme", NOON, NOON))
        await tx.memberships.add(Membership(ACME, "users/usr_bob", Role.OWNER, NOON, NOON))
        await tx.memberships.add(replace(Membership(ACME, ADA, Role.MEMBER, NOON, NOON), attributes={"desk": "xq-MARKER"}))
        await tx.teams.add(Team(CREW, "Crew", NOON, NOON))
        await tx.teams.add_member(TeamMember(CREW, ADA, NOON))
        for name, email in ((IMPORTED, EMAIL), ("users/usr_other", "other@example.com")):
            display_name = "Ada Marker" if name == IMPORTED else "Other"
            there = User(name, email, display_name, NOON, NOON, state=UserState.PROVISIONED, provisioned_by=ELSEWHERE)
            attributes = {"desk": "zz-MARKER"} if name == IMPORTED else {}
            await tx.imports.add([there], [Membership(ELSEWHERE, name, Role.MEMBER, NOON, NOON, attributes=attributes)])
        for number, email in enumerate((EMAIL, "bob@example.com")):
            invitation = Invitation(f"inv_{number}", ACME, email, Role.MEMBER, "users/usr_bob", NOON, NOON, NOON)
            await tx.invitations.add(invitation)
            await tx.invitations.add_mail(invitation, "users/usr_bob", NOON, NOON)
        await tx.preferences.get(f"{ADA}/preferences")
        for actor in (ADA, "users/usr_bob"):
            await _audit(tx, actor, "198.51.100.0/24" if actor == ADA else "203.0.113.0/24")
        await tx.commit()


async def _audit(tx: SqlUserTransaction, actor: str, address_prefix: str) -> None:
    entry = AuditEntry(
        organization=ACME,
        id=f"aud_{actor[-3:]}",
        sequence=0,
        create_time=NOON,
        service="user",
        rpc="trellis.user.v1.TeamService/CreateTeam",
        actor=actor,
        api_key="",
        resources=(CREW,),
        code="OK",
        reason="",
        request_id="",
        trace_id="",
        address_prefix=address_prefix,
        call_count=1,
        previous_hash="",
    )
    placed, chain = (await tx.audit.lock(ACME)).append(entry, lambda said: said[:32])
    await tx.audit.append([placed], chain)


def caller(clock: Time) -> Principal:
    """Ada, who has just signed in."""
    return Principal(ADA, auth_time_s=clock().timestamp())


def planted(tables: dict[str, str]) -> dict[str, list[str]]:
    """Return the tables in which something of Ada is found, with what it is."""
    found = {table: [marker for marker in MARKERS if marker in text] for table, text in tables.items()}
    return {table: markers for table, markers in found.items() if markers}
