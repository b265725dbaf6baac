"""The records that make work safe to repeat, written in the transaction of the work itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message
from opentelemetry import propagate
from sqlalchemy import Text, bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from services.chassis import repeat
from services.chassis.db.statements import Statement
from services.chassis.db.tables import answers, inbox, outbox
from services.chassis.errors import RequestIdReused
from services.chassis.keys import Keyring

if TYPE_CHECKING:
    from services.chassis.db.session import Announcement

SEAL = "answer"

# A concurrent duplicate waits here, on the unique key, until the first one commits or rolls back. The no-op update makes
# RETURNING give the row that was there.
_taken = upsert(answers).values(
    key=bindparam("key"), fingerprint=bindparam("fingerprint"), answer=b"", create_time=bindparam("create_time")
)
_claim_request = Statement(
    _taken.on_conflict_do_update(index_elements=["key"], set_={"key": _taken.excluded.key}).returning(
        answers.c.fingerprint, answers.c.answer, literal_column("xmax = 0").label("fresh")
    )
)
_heard = select(
    bindparam("subscription", type_=Text),
    func.unnest(bindparam("event_ids", type_=ARRAY(Text))),
    bindparam("create_time", type_=inbox.c.create_time.type),
)
_claim_events = Statement(
    upsert(inbox)
    .from_select(["subscription", "event_id", "create_time"], _heard)
    .on_conflict_do_nothing()
    .returning(inbox.c.event_id)
)
_settle = Statement(update(answers).where(answers.c.key == bindparam("claimed")).values(answer=bindparam("sealed")))
_forget = Statement(delete(answers).where(answers.c.key == bindparam("claimed")))
_announce = Statement(insert(outbox).values({c.name: bindparam(c.name) for c in outbox.c if c.name != "sequence"}))
_purge_answers = Statement(delete(answers).where(answers.c.create_time < bindparam("before")))
_purge_inbox = Statement(delete(inbox).where(inbox.c.create_time < bindparam("before")))


async def claim(connection: Any, identity: repeat.Request | repeat.Delivery, keyring: Keyring, now: datetime) -> None:
    """Take the identity for this transaction. Raises AlreadyDone, or RequestIdReused for another body."""
    if isinstance(identity, repeat.Delivery):
        event_ids = [*identity.event_ids]
        values = {"subscription": identity.subscription, "event_ids": event_ids, "create_time": now}
        if len(await connection.fetch(_claim_events.sql, *_claim_events.arguments(values))) < len(event_ids):
            raise repeat.AlreadyDone
    elif identity.key:
        values = {"key": identity.key, "fingerprint": identity.fingerprint, "create_time": now}
        row = await connection.fetchrow(_claim_request.sql, *_claim_request.arguments(values))
        if row["fresh"]:
            return
        if row["fingerprint"] != identity.fingerprint:
            raise RequestIdReused
        raise repeat.AlreadyDone(keyring.open(SEAL, row["answer"], identity.key))


async def settle(
    connection: Any, identity: repeat.Request | repeat.Delivery, answer: Message | None, keyring: Keyring
) -> None:
    """Keep the first answer, encrypted, or give the identity up where the work has no answer to repeat."""
    if isinstance(identity, repeat.Delivery) or not identity.key:
        return
    if answer is None:
        await connection.execute(_forget.sql, identity.key)
        return
    sealed = keyring.seal(SEAL, answer.SerializeToString(), identity.key)
    await connection.execute(_settle.sql, *_settle.arguments({"claimed": identity.key, "sealed": sealed}))


async def announce(connection: Any, events: Sequence[Announcement], new_id: Callable[[str], str], now: datetime) -> None:
    """Write events to the outbox, in order."""
    carrier: dict[str, str] = {}
    if events:
        propagate.inject(carrier)
    rows = [
        {
            "id": new_id("evt"),
            "topic": event.topic,
            "subject": event.subject,
            "time": now,
            "traceparent": carrier.get("traceparent", ""),
            "data": event.data,
        }
        for event in events
    ]
    if len(rows) == 1:
        await connection.execute(_announce.sql, *_announce.arguments(rows[0]))
    elif rows:
        await connection.executemany(_announce.sql, [_announce.arguments(row) for row in rows])


async def purge(connection: Any, *, answers_before: datetime, inbox_before: datetime) -> None:
    """Delete answers and inbox entries that nothing can ask for any more."""
    await connection.execute(_purge_answers.sql, answers_before)
    await connection.execute(_purge_inbox.sql, inbox_before)
