"""Imported people in PostgreSQL: as many at once as a message brings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, bindparam, cast, column, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis.db.session import Row, SqlTransaction
from services.chassis.db.statements import Statement
from services.user.domain import Membership, Role, TeamMember, User, UserState
from services.user.store.tables import memberships, team_members, users

_USERS = tuple(each.name for each in users.c)
_MEMBERSHIPS = tuple(each.name for each in memberships.c)
_joined = select(memberships, users.c.email, users.c.state).join(users, users.c.name == memberships.c.user)

# Addresses first, then each one's membership: an import outgrows what the planner knows of an organization's size, and the
# other way round costs more with every message.
_found = (
    select(users.c.name, users.c.email, users.c.state)
    .where(users.c.email == func.any(bindparam("emails", type_=ARRAY(Text))))
    .cte("found")
    .prefix_with("MATERIALIZED")
)
_there = (
    select(memberships)
    .where(memberships.c.organization == bindparam("organization"), memberships.c.user == _found.c.name)
    .limit(1)
    .lateral("there")
)
_members = Statement(
    select(*_there.c, _found.c.email)
    .select_from(_found.join(_there, true()))
    .order_by((_found.c.state == UserState.PROVISIONED).desc())  # the last one of an address is kept
)
_provisioned = Statement(
    _joined.where(users.c.email == bindparam("email"), users.c.state == UserState.PROVISIONED).order_by(
        memberships.c.organization
    )
)
_changed = (
    func.unnest(
        bindparam("names", type_=ARRAY(Text)),
        bindparam("documents", type_=ARRAY(Text)),
        bindparam("versions", type_=ARRAY(BigInteger)),
    )
    .table_valued(column("name", Text), column("document", Text), column("version", BigInteger), name="changed")
    .render_derived()
)
_save_attributes = Statement(
    update(memberships)
    .where(memberships.c.organization == bindparam("organization"), memberships.c.user == _changed.c.name)
    .values(
        attributes=cast(_changed.c.document, JSONB),
        version=_changed.c.version,
        update_time=bindparam("at", type_=DateTime(timezone=True)),
    )
)
_others = select(
    team_members.c.team,
    bindparam("to", type_=Text),
    team_members.c.organization,
    bindparam("at", type_=DateTime(timezone=True)),
).where(team_members.c.organization == bindparam("organization"), team_members.c.user == bindparam("member"))
_move_teams = Statement(
    upsert(team_members)
    .from_select(("team", "user", "organization", "create_time"), _others)
    .on_conflict_do_nothing()
    .returning(team_members.c.team)
)
_forget = Statement(
    delete(users).where(
        users.c.name == bindparam("name"),
        users.c.state == UserState.PROVISIONED,
        ~select(1).where(memberships.c.user == users.c.name).exists(),
    )
)


class ChangedImports:
    """Imported people inside a transaction that holds their organization's lock."""

    def __init__(self, tx: SqlTransaction) -> None:
        self._tx = tx

    async def members(self, organization: str, emails: Sequence[str]) -> dict[str, Membership]:
        rows = await self._tx.fetch(_members, organization=organization, emails=list(emails))
        return {row["email"]: _membership(row) for row in rows}

    async def add(self, users: Sequence[User], memberships: Sequence[Membership]) -> None:
        await self._tx.copy("users", _USERS, [tuple(getattr(user, name) for name in _USERS) for user in users])
        await self._tx.copy("memberships", _MEMBERSHIPS, [_values(membership) for membership in memberships])

    async def save_attributes(self, memberships: Sequence[Membership]) -> None:
        if memberships:
            await self._tx.execute(
                _save_attributes,
                organization=memberships[0].organization,
                names=[each.user for each in memberships],
                documents=[json.dumps(each.attributes) for each in memberships],
                versions=[each.version for each in memberships],
                at=memberships[0].update_time,
            )

    async def provisioned(self, email: str) -> list[Membership]:
        return [_membership(row) for row in await self._tx.fetch(_provisioned, email=email)]

    async def move_teams(self, membership: Membership, user: str) -> list[TeamMember]:
        at = self._tx.now
        rows = await self._tx.fetch(
            _move_teams, organization=membership.organization, member=membership.user, to=user, at=at
        )
        return [TeamMember(row["team"], user, at) for row in rows]

    async def forget(self, user: str) -> None:
        await self._tx.execute(_forget, name=user)


def _membership(row: Row) -> Membership:
    values = {name: row[name] for name in _MEMBERSHIPS}
    return Membership(**{**values, "role": Role(values["role"]), "attributes": json.loads(values["attributes"])})


def _values(membership: Membership) -> tuple[Any, ...]:
    return tuple(
        json.dumps(membership.attributes) if name == "attributes" else getattr(membership, name) for name in _MEMBERSHIPS
    )
