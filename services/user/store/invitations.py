"""Invitations in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    SmallInteger,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from services.chassis.db.lists import Listing
from services.chassis.db.session import Database, Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.chassis.lists import ListQuery, Rows
from services.user.domain import Invitation, InvitationNotFound, InvitationState, MailCounts, Role
from services.user.store.tables import invitation_mails, invitations

_COLUMNS = tuple(column.name for column in invitations.c)
_one = (invitations.c.id == bindparam("key")) & (invitations.c.organization == bindparam("organization"))
_pending = invitations.c.state == InvitationState.PENDING
_at = bindparam("at", type_=DateTime(timezone=True))
# What `Invitation.as_of` says, for filters.
_state = case(
    (_pending & (invitations.c.expire_time <= _at), literal(int(InvitationState.EXPIRED), SmallInteger)),
    else_=invitations.c.state,
)

_get = Statement(select(invitations).where(_one))
_find = Statement(select(invitations).where(invitations.c.id == bindparam("key")))
_find_pending = Statement(
    select(invitations).where(
        invitations.c.organization == bindparam("organization"), invitations.c.email == bindparam("email"), _pending
    )
)
_count_open = Statement(
    select(func.count())
    .select_from(invitations)
    .where(invitations.c.organization == bindparam("organization"), _pending, invitations.c.expire_time > _at)
)
_by_organization = invitation_mails.c.organization == bindparam("organization")
_by_inviter = invitation_mails.c.inviter == bindparam("by_inviter")
_count_mails = Statement(
    select(
        func.count().filter(_by_organization).label("organization"),
        func.count().filter(_by_inviter).label("inviter"),
        func.count().filter(invitation_mails.c.email == bindparam("email")).label("address"),
    ).where(or_(_by_organization, _by_inviter), invitation_mails.c.request_time > bindparam("since"))
)
_add_mail = Statement(
    insert(invitation_mails).values({c.name: bindparam(c.name) for c in invitation_mails.c if c.name != "sequence"})
)
_forget_mails = Statement(
    delete(invitation_mails).where(_by_organization, invitation_mails.c.request_time < bindparam("before"))
)
_add = Statement(insert(invitations).values({name: bindparam(name) for name in _COLUMNS}))
_save = Statement(
    update(invitations)
    .where(invitations.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("state", "user", "update_time", "expire_time")})
)
_ended = (
    select(invitations.c.id)
    .where(invitations.c.expire_time < bindparam("before"), invitations.c.update_time < bindparam("before"))
    .limit(bindparam("most", type_=BigInteger))
    .with_for_update(skip_locked=True)
)
_remove_ended = Statement(delete(invitations).where(invitations.c.id.in_(_ended)))
_list = Listing(
    select(invitations).where(invitations.c.organization == bindparam("organization")),
    key=invitations.c.id,
    fields={
        "email": invitations.c.email,
        "role": invitations.c.role,
        "state": _state,
        "inviter": invitations.c.inviter,
        "create_time": invitations.c.create_time,
        "update_time": invitations.c.update_time,
        "expire_time": invitations.c.expire_time,
    },
    sortable=("email", "role", "create_time", "update_time", "expire_time"),
    enums={
        "role": {f"ROLE_{role.name}": role.value for role in Role},
        "state": {f"STATE_{state.name}": state.value for state in InvitationState},
    },
)


class SqlInvitations:
    """Reads invitations, one statement each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> Invitation:
        return _found(await self._database.fetchrow(_get, **_key(name)), name)

    async def find(self, invitation_id: str) -> Invitation | None:
        row = await self._database.fetchrow(_find, key=invitation_id)
        return _invitation(row) if row else None

    async def list(self, organization: str, query: ListQuery, at: datetime) -> Rows[Invitation]:
        rows = await _list.page(self._database, query, _invitation, organization=organization, at=at)
        return Rows([row.as_of(at) for row in rows.items], rows.next)


class ChangedInvitations:
    """Invitations inside a transaction that holds their organization's lock."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def get(self, name: str) -> Invitation:
        return _found(await self._tx.fetchrow(_get, **_key(name)), name)

    async def find_pending(self, organization: str, email: str) -> Invitation | None:
        row = await self._tx.fetchrow(_find_pending, organization=organization, email=email)
        return _invitation(row) if row else None

    async def count_open(self, organization: str, at: datetime) -> int:
        row = await self._tx.fetchrow(_count_open, organization=organization, at=at)
        return int(row[0]) if row else 0

    async def count_mails(self, invitation: Invitation, inviter: str, since: datetime) -> MailCounts:
        [row] = await self._tx.fetch(
            _count_mails,
            organization=invitation.organization,
            by_inviter=inviter,
            email=invitation.email,
            since=since,
        )
        return MailCounts(row["organization"], row["inviter"], row["address"])

    async def add_mail(self, invitation: Invitation, inviter: str, at: datetime, forget_before: datetime) -> None:
        await self._tx.execute(_forget_mails, organization=invitation.organization, before=forget_before)
        await self._tx.execute(
            _add_mail,
            organization=invitation.organization,
            inviter=inviter,
            email=invitation.email,
            request_time=at,
        )

    async def remove_ended(self, before: datetime, limit: int) -> int:
        return await self._tx.execute(_remove_ended, before=before, most=limit)

    async def add(self, invitation: Invitation) -> None:
        await self._tx.execute(_add, **_values(invitation))

    async def save(self, invitation: Invitation) -> None:
        await self._tx.execute(_save, key=invitation.id, **_values(invitation))


def _key(name: str) -> dict[str, str]:
    organization, _, invitation_id = name.partition("/invitations/")
    return {"organization": organization, "key": invitation_id}


def _found(row: Row | None, name: str) -> Invitation:
    if row is None:
        raise InvitationNotFound(name)
    return _invitation(row)


def _invitation(row: Row) -> Invitation:
    values = {name: row[name] for name in _COLUMNS}
    return Invitation(**{**values, "role": Role(values["role"]), "state": InvitationState(values["state"])})


def _values(invitation: Invitation) -> dict[str, Any]:
    return {name: getattr(invitation, name) for name in _COLUMNS}
