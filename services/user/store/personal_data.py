"""Exports, certificates and answers in PostgreSQL, and which tables of user hold what of a person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, bindparam, delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.keys import Keyring
from services.chassis.operations.tables import operations
from services.chassis.personal_data.holdings import PERSON, Holding, HoldingStatements
from services.user.domain import ErasureCertificate, PersonalDataExport, UserState
from services.user.store.tables import (
    audit_entries,
    erasure_certificates,
    invitation_mails,
    invitations,
    memberships,
    personal_data_answers,
    personal_data_exports,
    preferences,
    team_members,
    users,
)
from trellis.user.v1 import (
    audit_service_pb2,
    invitation_service_pb2,
    preferences_service_pb2,
    resources_pb2,
    team_service_pb2,
)
from trellis.user.v1 import personal_data_pb2 as records
from trellis.user.v1 import personal_data_service_pb2 as pb

SEAL = "personal-data-export"


def _id_of(user: ColumnElement[str]) -> ColumnElement[str]:
    return func.substr(user, literal(len("users/") + 1), type_=String)


_address = select(users.c.email).where(users.c.name == bindparam(PERSON)).scalar_subquery()
# Whom organizations imported under the address that the person has proven to be theirs is the person.
_imported = and_(users.c.email == _address, users.c.state == UserState.PROVISIONED)
_persons = select(users.c.name).where(users.c.name == bindparam(PERSON)).union_all(select(users.c.name).where(_imported))

HOLDINGS = (
    Holding(records.InvitationMailRecord, invitation_mails, invitation_mails.c.email == _address),
    Holding(
        invitation_service_pb2.Invitation,
        invitations,
        or_(invitations.c.email == _address, invitations.c.user == bindparam(PERSON)),
        shown={"name": invitations.c.organization + "/invitations/" + invitations.c.id},
    ),
    Holding(
        team_service_pb2.TeamMember,
        team_members,
        team_members.c.user.in_(_persons),
        shown={"name": team_members.c.team + "/members/" + _id_of(team_members.c.user)},
    ),
    Holding(
        resources_pb2.Membership,
        memberships,
        memberships.c.user.in_(_persons),
        shown={"name": memberships.c.organization + "/memberships/" + _id_of(memberships.c.user)},
    ),
    Holding(preferences_service_pb2.Preferences, preferences, preferences.c.user == bindparam(PERSON)),
    Holding(
        audit_service_pb2.AuditEntry,
        audit_entries,
        audit_entries.c.actor == bindparam(PERSON),
        row_stays=True,  # the log is the organization's
        many=True,
        shown={"name": audit_entries.c.organization + "/auditEntries/" + audit_entries.c.id},
    ),
    Holding(pb.PersonalDataExport, personal_data_exports, personal_data_exports.c.user == bindparam(PERSON)),
    Holding(resources_pb2.User, users, _imported),
    Holding(resources_pb2.User, users, users.c.name == bindparam(PERSON), row_stays=True),  # last: others are found by it
)
"""In the order in which they are erased."""
NOT_OF_A_PERSON = {
    "organizations": "Of the organization.",
    "domains": "Of the organization.",
    "teams": "Of the organization.",
    "attribute_schemas": "Of the organization.",
    "audit_chains": "Of the organization.",
    "operations": "Names, counts and times; forgotten 7 days after they end.",
    "personal_data_answers": "Counts, or encrypted; removed with the operation's end.",
    "erasure_certificates": "Counts, kinds and reasons, under the user's name.",
    "outbox": "On its way to the bus; kept as `events`.",
    "inbox": "Ids of events.",
    "answers": "Encrypted, for a day; kept as `first answers`.",
}
"""The other tables, and why nothing in them is erased."""
STATEMENTS = tuple(HoldingStatements(holding) for holding in HOLDINGS)

_of_operation = personal_data_answers.c.operation == bindparam("key")
_running = select(operations.c.name).where(operations.c.end_time.is_(None))

_find_export = Statement(
    select(personal_data_exports).where(
        personal_data_exports.c.name == bindparam("key"), personal_data_exports.c.expire_time > bindparam("at")
    )
)
_add_export = Statement(insert(personal_data_exports).values({c.name: bindparam(c.name) for c in personal_data_exports.c}))
_forget_exports = Statement(delete(personal_data_exports).where(personal_data_exports.c.expire_time <= bindparam("at")))
_find_certificate = Statement(select(erasure_certificates).where(erasure_certificates.c.name == bindparam("key")))
_add_certificate = Statement(
    insert(erasure_certificates).values({c.name: bindparam(c.name) for c in erasure_certificates.c})
)
_add_answer = Statement(
    insert(personal_data_answers)
    .values({c.name: bindparam(c.name) for c in personal_data_answers.c})
    .on_conflict_do_nothing()
)
_answers_of = Statement(select(personal_data_answers.c.service, personal_data_answers.c.data).where(_of_operation))
_remove_answers = Statement(delete(personal_data_answers).where(_of_operation))
_forget_answers = Statement(delete(personal_data_answers).where(personal_data_answers.c.operation.not_in(_running)))


class SqlExports:
    """Reads exports, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: str, at: datetime) -> PersonalDataExport | None:
        row = await self._database.fetchrow(_find_export, key=name, at=at)
        return _export(row, self._database.keyring) if row else None


class SqlCertificates:
    """Reads certificates, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: str) -> ErasureCertificate | None:
        row = await self._database.fetchrow(_find_certificate, key=name)
        return ErasureCertificate(**{column.name: row[column.name] for column in erasure_certificates.c}) if row else None


class SqlAnswers:
    """What other services answered, inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, operation: str, service: str, data: bytes, at: datetime) -> None:
        await self._tx.execute(_add_answer, operation=operation, service=service, data=data, create_time=at)

    async def of(self, operation: str) -> dict[str, bytes]:
        return {row["service"]: row["data"] for row in await self._tx.fetch(_answers_of, key=operation)}

    async def remove(self, operation: str) -> None:
        await self._tx.execute(_remove_answers, key=operation)


class ChangedExports:
    """Exports inside a transaction."""

    def __init__(self, tx: SqlTransaction, keyring: Keyring) -> None:
        self._tx, self._keyring = tx, keyring

    async def add(self, export: PersonalDataExport) -> None:
        await self._tx.execute(
            _add_export,
            name=export.name,
            user=export.user,
            document=self._keyring.seal(SEAL, export.document, export.name.encode()),
            size_bytes=len(export.document),
            sha256=export.sha256,
            create_time=export.create_time,
            expire_time=export.expire_time,
        )

    async def forget(self, at: datetime) -> None:
        await self._tx.execute(_forget_exports, at=at)
        await self._tx.execute(_forget_answers)


class ChangedCertificates:
    """Certificates inside a transaction."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def add(self, certificate: ErasureCertificate) -> None:
        values = {column.name: getattr(certificate, column.name) for column in erasure_certificates.c}
        await self._tx.execute(_add_certificate, **values)


def _export(row: Row, keyring: Keyring) -> PersonalDataExport:
    document = keyring.open(SEAL, row["document"], row["name"].encode())
    return PersonalDataExport(row["name"], row["user"], document, row["create_time"], row["expire_time"])
