"""The promises of the port of audit logs, held by the fake and by PostgreSQL; and what only a real database can show."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from services.chassis.audit import AuditedCall
from services.chassis.audit.messages import call_to_proto
from services.chassis.bus.bus import Event
from services.chassis.db import session
from services.chassis.db.session import Codec, Database
from services.chassis.errors import InvalidArgument
from services.chassis.ids import IdGenerator
from services.chassis.keys import Keyring
from services.chassis.lists import ListQuery
from services.user import consumers, convert, events
from services.user.domain import AuditEntryNotFound, AuditFault, FaultKind, UserState
from services.user.handlers import AuditHandlers
from services.user.store import SqlAuditLogs, SqlUserTransaction
from tests.conftest import NOON, Time
from tests.contract.user.test_store import ACME, ADA, BOB, HIDDEN, fill
from tests.fakes.user import Ports
from trellis.user.v1 import events_pb2 as pb

RETENTION = timedelta(days=400)


def call(number: int, organization: str = ACME, minutes: int = 0) -> AuditedCall:
    return AuditedCall(
        id=f"aud_{number}",
        time=NOON + timedelta(minutes=minutes, microseconds=number),
        organization=organization,
        service="auth",
        rpc="trellis.auth.v1.RoleService/CreateRole",
        actor=ADA,
        api_key="",
        resources=(organization, f"{organization}/roles/r_{number}"),
        code="OK",
        reason="",
        request_id="",
        trace_id="",
        address_prefix="192.0.2.0/24",
    )


def told(each: AuditedCall) -> Event:
    """Return the event of a call."""
    data = pb.CallAudited(organization=each.organization, call=call_to_proto(each)).SerializeToString()
    return Event(f"evt_{each.id}", "services/user", "user.v1.call_audited", each.organization, each.time, data)


@pytest.fixture
def handlers(ports: Ports, time: Time, keyring: Keyring) -> AuditHandlers:
    return AuditHandlers(ports.audit, ports.begin, time, keyring, RETENTION)


async def append(handlers: AuditHandlers, *calls: AuditedCall) -> None:
    await handlers.append(calls)


async def test_what_was_appended_is_read_back_whole(ports: Ports, handlers: AuditHandlers) -> None:
    await append(handlers, call(1), call(2))

    first = await ports.audit.get(f"{ACME}/auditEntries/aud_1")
    second = await ports.audit.get(f"{ACME}/auditEntries/aud_2")

    assert (first.sequence, second.sequence, second.previous_hash) == (1, 2, first.hash)
    assert (first.resources, first.create_time) == (call(1).resources, call(1).time)
    assert first.hash == first.hashed(handlers._mac)
    for name in (f"{ACME}/auditEntries/aud_3", f"{HIDDEN}/auditEntries/aud_1"):
        with pytest.raises(AuditEntryNotFound):
            await ports.audit.get(name)


async def test_each_organization_has_a_chain_of_its_own(ports: Ports, handlers: AuditHandlers) -> None:
    await append(handlers, call(1), call(2, HIDDEN), call(3))

    assert [each.sequence for each in (await ports.audit.list(ACME, ListQuery())).items] == [2, 1]
    assert [each.sequence for each in (await ports.audit.list(HIDDEN, ListQuery())).items] == [1]
    assert (await handlers.verify_audit_log(ACME, "")).verified == 2
    assert (await handlers.verify_audit_log("organizations/org_nothing", "")).fault is None


@pytest.mark.parametrize(
    ("wanted", "order", "found"),
    [
        (f'actor = "{ADA}"', "create_time", [1, 2, 3]),
        (f'actor = "{BOB}"', "", []),
        (f'resources:"{ACME}/roles/r_2"', "", [2]),
        (f'create_time > "{(NOON + timedelta(seconds=1)).isoformat()}"', "", [3]),
        ('service = "auth" AND NOT sequence = 2', "create_time desc", [3, 1]),
    ],
)
async def test_lists_filter_and_order(
    ports: Ports, handlers: AuditHandlers, wanted: str, order: str, found: list[int]
) -> None:
    await append(handlers, call(1), call(2), call(3, minutes=1))

    rows = await ports.audit.list(ACME, ListQuery(filter=wanted, order_by=order))

    assert [each.sequence for each in rows.items] == found


@pytest.mark.parametrize("query", [ListQuery(filter='address_prefix = "192.0.2.0/24"'), ListQuery(order_by="actor")])
async def test_lists_refuse_other_fields(ports: Ports, handlers: AuditHandlers, query: ListQuery) -> None:
    await append(handlers, call(1))

    with pytest.raises(InvalidArgument):
        await ports.audit.list(ACME, query)


async def test_an_event_that_comes_twice_is_one_entry(ports: Ports, handlers: AuditHandlers) -> None:
    consumer = consumers.audit(handlers)

    for _ in range(2):
        await consumer.handle(told(call(1)))

    assert len((await ports.audit.list(ACME, ListQuery())).items) == 1


async def test_of_who_was_erased_no_address_arrives_late(ports: Ports, handlers: AuditHandlers) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        await tx.users.save(replace(await tx.users.get(ADA), state=UserState.ERASED))
        await tx.commit()

    await append(handlers, call(1), replace(call(2), actor=BOB))

    entries = (await ports.audit.list(ACME, ListQuery(order_by="create_time"))).items
    assert [each.address_prefix for each in entries] == ["", "192.0.2.0/24"]


async def test_the_oldest_are_forgotten_and_the_rest_stays_whole(ports: Ports, handlers: AuditHandlers, time: Time) -> None:
    await append(handlers, call(1), call(2), call(3, minutes=60), call(4, HIDDEN, minutes=60))
    time.move(days=400, minutes=1)

    assert await handlers.forget_audit_entries()
    assert not await handlers.forget_audit_entries()

    assert [each.id for each in (await ports.audit.list(ACME, ListQuery())).items] == ["aud_3"]
    found = await handlers.verify_audit_log(ACME, "")
    assert (found.verified, found.fault) == (1, None)
    await append(handlers, call(5, minutes=90))
    assert (await handlers.verify_audit_log(ACME, "")).verified == 2


# Real databases only


@asynccontextmanager
async def real(url: str) -> AsyncIterator[AuditHandlers]:
    """Handlers of a process of its own, over PostgreSQL."""
    pool = await session.connect(url, size=4, statement_timeout_s=10)
    codec = Codec(convert.answer_to_proto, events.announcement)
    now = Time()
    new_id = IdGenerator(now, os.urandom).new
    database = Database(pool, now, new_id, Keyring(bytes(32)), codec, asyncio.Event())
    yield AuditHandlers(SqlAuditLogs(database), lambda: SqlUserTransaction(database), now, Keyring(bytes(32)), RETENTION)
    pool.terminate()


async def deliver(url: str, first: int, last: int) -> None:
    """Take in events as a process of user would, several at once."""
    async with real(url) as handlers:
        consumer = consumers.audit(handlers)
        numbers = range(first, last)
        for start in range(0, len(numbers), 4):
            await asyncio.gather(*(consumer.handle(told(call(number))) for number in numbers[start : start + 4]))


def process(url: str, first: int, last: int) -> subprocess.Popen[bytes]:
    """Start another process that takes in events."""
    code = (
        f"import asyncio; from tests.contract.user.test_audit import deliver; asyncio.run(deliver({url!r}, {first}, {last}))"
    )
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


async def finished(*processes: subprocess.Popen[bytes]) -> list[int]:
    return [await asyncio.to_thread(each.wait, 60) for each in processes]


async def test_two_processes_append_to_one_chain(url: str, database: Database) -> None:
    """They also share half of the events."""
    assert await finished(process(url, 0, 120), process(url, 60, 180)) == [0, 0]

    async with real(url) as handlers:
        found = await handlers.verify_audit_log(ACME, "")
        assert (found.verified, found.fault) == (180, None)
        entries = (await handlers.list_audit_entries(ACME, ListQuery(size=1000))).items
    assert sorted(each.id for each in entries) == sorted(f"aud_{number}" for number in range(180))


async def test_killed_while_entries_arrive_none_is_lost_or_twice(url: str, database: Database) -> None:
    """As after a kill, everything that was not acknowledged is delivered again."""
    victim = process(url, 0, 3000)
    while await database.pool.fetchval("SELECT count(*) FROM audit_entries") < 20:
        assert victim.poll() is None
        await asyncio.sleep(0)
    victim.send_signal(signal.SIGKILL)
    await finished(victim)

    await deliver(url, 0, 200)

    async with real(url) as handlers:
        found = await handlers.verify_audit_log(ACME, "")
    written = await database.pool.fetchval("SELECT count(*) FROM audit_entries")
    assert (found.verified, found.fault) == (min(written, 1000), None)
    assert await database.pool.fetchval("SELECT count(DISTINCT id) FROM audit_entries") == written >= 200


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("UPDATE audit_entries SET actor = 'users/usr_eve' WHERE sequence = 3", (FaultKind.CHANGED, 3)),
        ("UPDATE audit_entries SET resources = '{}' WHERE sequence = 1", (FaultKind.CHANGED, 1)),
        ("DELETE FROM audit_entries WHERE sequence = 2", (FaultKind.MISSING, 2)),
        ("DELETE FROM audit_entries WHERE sequence = 5", (FaultKind.MISSING, 5)),
        ("UPDATE audit_entries SET sequence = 6 WHERE sequence = 5", (FaultKind.MISSING, 5)),
        ("UPDATE audit_chains SET head_sequence = 4", (FaultKind.ENDS_CHANGED, 0)),
        ("UPDATE audit_chains SET anchor_sequence = 2", (FaultKind.ENDS_CHANGED, 0)),
    ],
)
async def test_tampering_by_sql_is_found(url: str, database: Database, tampering: str, fault: tuple[FaultKind, int]) -> None:
    async with real(url) as handlers:
        await append(handlers, *(call(number) for number in range(5)))
        await database.pool.execute(tampering)

        found = await handlers.verify_audit_log(ACME, "")

    assert isinstance(found.fault, AuditFault)
    assert (found.fault.kind, found.fault.sequence) == fault
