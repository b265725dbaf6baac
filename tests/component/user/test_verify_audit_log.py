"""VerifyAuditLog: whether a log is as it was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from grpc import StatusCode

from services.user.domain import AuditEntry
from services.user.handlers import audit as handlers
from tests.component.refusals import refusal
from tests.component.user.audit import call, tell
from tests.component.user.conftest import ACME, HIDDEN
from tests.conftest import NOON, Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import audit_service_pb2 as rpc

Fault = rpc.AuditFault


def name(number: int) -> str:
    return f"{ACME}/auditEntries/aud_{number}"


async def verify(service: UserProcess, caller: Metadata, start: str = "") -> rpc.VerifyAuditLogResponse:
    request = rpc.VerifyAuditLogRequest(parent=ACME, start_audit_entry=start)
    return await service.audit.VerifyAuditLog(request, metadata=caller)


async def fill(service: UserProcess, count: int = 5) -> None:
    await tell(service, *(call(NOON, number) for number in range(1, count + 1)))


def changed(store: FakeUserStore, number: int, change: Callable[[AuditEntry], AuditEntry]) -> None:
    """Change an entry behind the service's back."""
    store.tables.audit_entries[number - 1] = change(store.tables.audit_entries[number - 1])


async def test_an_untouched_log_is_whole(service: UserProcess, ada: Metadata, store: FakeUserStore) -> None:
    await fill(service)

    assert await verify(service, ada) == rpc.VerifyAuditLogResponse(
        verified_count=5, last_hash=store.tables.audit_entries[-1].hash
    )


async def test_an_empty_log_is_whole(service: UserProcess, ada: Metadata) -> None:
    assert await verify(service, ada) == rpc.VerifyAuditLogResponse()


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: replace(entry, actor="users/usr_eve"),
        lambda entry: replace(entry, code="OK" if entry.code != "OK" else "ABORTED"),
        lambda entry: replace(entry, resources=()),
        lambda entry: replace(entry, create_time=entry.create_time.replace(hour=1)),
        lambda entry: replace(entry, hash="0" * 64),
        lambda entry: replace(entry, previous_hash="0" * 64),
        lambda entry: replace(entry, call_count=2),
    ],
)
@pytest.mark.parametrize("number", [1, 3, 5])
async def test_a_changed_entry_is_found(
    service: UserProcess,
    ada: Metadata,
    store: FakeUserStore,
    number: int,
    change: Callable[[AuditEntry], AuditEntry],
) -> None:
    await fill(service)
    changed(store, number, change)

    found = await verify(service, ada)

    assert found.verified_count == number - 1
    assert found.fault == Fault(kind=Fault.KIND_CHANGED, sequence=number, audit_entry=name(number))


@pytest.mark.parametrize("number", [1, 3, 5])
async def test_a_missing_entry_is_found(service: UserProcess, ada: Metadata, store: FakeUserStore, number: int) -> None:
    await fill(service)
    del store.tables.audit_entries[number - 1]

    found = await verify(service, ada)

    assert (found.verified_count, found.fault) == (number - 1, Fault(kind=Fault.KIND_MISSING, sequence=number))


async def test_an_end_that_was_cut_off_is_found_also_if_the_chain_was_shortened(
    service: UserProcess, ada: Metadata, store: FakeUserStore
) -> None:
    await fill(service)
    del store.tables.audit_entries[-1]
    newest = store.tables.audit_entries[-1]
    chain = store.tables.audit_chains[ACME]
    store.tables.audit_chains[ACME] = replace(chain, head_sequence=newest.sequence, head_hash=newest.hash)

    assert (await verify(service, ada)).fault == Fault(kind=Fault.KIND_ENDS_CHANGED)


async def test_who_lacks_the_key_cannot_write_a_chain_of_their_own(
    service: UserProcess, ada: Metadata, store: FakeUserStore
) -> None:
    await fill(service)
    forged = replace(store.tables.audit_entries[2], actor="users/usr_eve")
    store.tables.audit_entries[2] = replace(forged, hash=forged.hashed(lambda said: said[:32]))

    assert (await verify(service, ada)).fault.sequence == 3


async def test_erasing_an_address_leaves_the_chain_whole(service: UserProcess, ada: Metadata, store: FakeUserStore) -> None:
    await fill(service)
    changed(store, 2, lambda entry: replace(entry, address_prefix=""))

    assert not (await verify(service, ada)).HasField("fault")


async def test_a_long_log_is_checked_in_parts(
    service: UserProcess, ada: Metadata, monkeypatch: pytest.MonkeyPatch, store: FakeUserStore
) -> None:
    monkeypatch.setattr(handlers, "AT_ONCE", 3)
    await fill(service, 5)

    first = await verify(service, ada)
    rest = await verify(service, ada, first.next_audit_entry)

    assert (first.verified_count, first.next_audit_entry, first.HasField("fault")) == (3, name(3), False)
    assert (rest.verified_count, rest.next_audit_entry, rest.HasField("fault")) == (3, "", False)
    assert rest.last_hash == store.tables.audit_entries[-1].hash


async def test_it_begins_where_it_is_told(service: UserProcess, ada: Metadata, store: FakeUserStore) -> None:
    await fill(service)
    changed(store, 1, lambda entry: replace(entry, actor="users/usr_eve"))

    assert (await verify(service, ada, name(2))).verified_count == 4
    assert (await refusal(verify(service, ada, name(9)))).reason == "AUDIT_ENTRY_NOT_FOUND"


async def test_what_is_left_after_forgetting_is_whole(service: UserProcess, time: Time, store: FakeUserStore) -> None:
    await fill(service, 3)
    time.move(days=300)
    await tell(service, call(time(), 4), call(time(), 5))
    time.move(days=101)
    assert await service.parts.audit.forget_audit_entries()
    ada = service.called_by("users/usr_ada", ACME, "owner")

    assert (await verify(service, ada)).verified_count == 2
    del store.tables.audit_entries[0]
    assert (await verify(service, ada)).fault == Fault(kind=Fault.KIND_MISSING, sequence=4)


async def test_members_and_strangers_are_refused(service: UserProcess, bob: Metadata, eve: Metadata) -> None:
    assert (await refusal(verify(service, bob))).metadata == {"permission": "audit.verify"}
    assert (await refusal(verify(service, eve))).code is StatusCode.PERMISSION_DENIED
    ours = rpc.VerifyAuditLogRequest(parent=HIDDEN, start_audit_entry=name(1))
    assert (await refusal(service.audit.VerifyAuditLog(ours, metadata=eve))).code is StatusCode.PERMISSION_DENIED
