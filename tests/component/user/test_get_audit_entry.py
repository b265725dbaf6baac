"""GetAuditEntry: one entry of an audit log."""

from __future__ import annotations

from datetime import timedelta

from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.audit import call, tell
from tests.component.user.conftest import ACME, HIDDEN
from tests.conftest import NOON, Time
from tests.fakes.user_process import AUDIT_RETENTION, Metadata, UserProcess
from trellis.user.v1 import audit_service_pb2 as rpc

FIRST = f"{ACME}/auditEntries/aud_1"


async def get(service: UserProcess, caller: Metadata, name: str = FIRST) -> rpc.AuditEntry:
    return await service.audit.GetAuditEntry(rpc.GetAuditEntryRequest(name=name), metadata=caller)


async def test_it_answers_with_the_entry(service: UserProcess, ada: Metadata) -> None:
    await tell(service, call(NOON, 1), call(NOON, 2))

    first, second = await get(service, ada), await get(service, ada, f"{ACME}/auditEntries/aud_2")

    assert (first.name, first.sequence, first.previous_hash) == (FIRST, 1, "")
    assert (second.sequence, second.previous_hash) == (2, first.hash)


async def test_what_is_not_there_is_not_found(service: UserProcess, ada: Metadata) -> None:
    refused = await refusal(get(service, ada))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "AUDIT_ENTRY_NOT_FOUND",
        {"audit_entry": FIRST},
    )


async def test_an_entry_is_forgotten_when_its_time_is_over(service: UserProcess, ada: Metadata, time: Time) -> None:
    await tell(service, call(NOON, 1))
    time.move(days=AUDIT_RETENTION / timedelta(days=1))
    assert not await service.parts.audit.forget_audit_entries()
    time.move(seconds=1)

    assert await service.parts.audit.forget_audit_entries()
    assert not await service.parts.audit.forget_audit_entries()

    owner = service.called_by("users/usr_ada", ACME, "owner")
    assert (await refusal(get(service, owner))).reason == "AUDIT_ENTRY_NOT_FOUND"


async def test_members_and_strangers_are_refused(service: UserProcess, bob: Metadata, eve: Metadata) -> None:
    await tell(service, call(NOON, 1))

    assert (await refusal(get(service, bob))).metadata == {"permission": "audit.get"}
    assert (await refusal(get(service, eve))).code is StatusCode.PERMISSION_DENIED
    assert (await refusal(get(service, eve, f"{HIDDEN}/auditEntries/aud_1"))).code is StatusCode.NOT_FOUND
