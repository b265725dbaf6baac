"""ListAuditEntries: who did what in an organization."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.audit import CREATE_TEAM, call, refused, tell
from tests.component.user.conftest import ACME, ADA, BOB, HIDDEN, stamp
from tests.conftest import NOON, Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import audit_service_pb2 as rpc


async def listed(service: UserProcess, caller: Metadata, **request: Any) -> list[str]:
    """Return the ids of the entries that are answered."""
    answer = await service.audit.ListAuditEntries(rpc.ListAuditEntriesRequest(parent=ACME, **request), metadata=caller)
    return [entry.name.rpartition("/")[2] for entry in answer.audit_entries]


async def test_it_tells_what_the_event_told(service: UserProcess, ada: Metadata, time: Time) -> None:
    await tell(service, call(NOON))

    answer = await service.audit.ListAuditEntries(rpc.ListAuditEntriesRequest(parent=ACME), metadata=ada)

    [entry] = answer.audit_entries
    assert len(entry.hash) == 64
    assert entry == rpc.AuditEntry(
        name=f"{ACME}/auditEntries/aud_1",
        sequence=1,
        create_time=stamp(time),
        service="user",
        rpc=CREATE_TEAM,
        actor=ADA,
        resources=[ACME, f"{ACME}/teams/team_1"],
        code="OK",
        request_id="req-1",
        address_prefix="192.0.2.0/24",
        call_count=1,
        hash=entry.hash,
    )


async def test_the_newest_comes_first_and_order_by_turns_it(service: UserProcess, ada: Metadata, time: Time) -> None:
    for number in range(3):
        await tell(service, call(time(), number))
        time.move(seconds=1)

    assert await listed(service, ada) == ["aud_2", "aud_1", "aud_0"]
    assert await listed(service, ada, order_by="create_time") == ["aud_0", "aud_1", "aud_2"]


async def test_pages_go_on_where_the_page_before_ended(service: UserProcess, ada: Metadata) -> None:
    await tell(service, *(call(NOON, number) for number in range(5)))
    request = rpc.ListAuditEntriesRequest(parent=ACME, page_size=2)
    seen = []
    while True:
        answer = await service.audit.ListAuditEntries(request, metadata=ada)
        seen += [entry.sequence for entry in answer.audit_entries]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token

    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ('code != "OK"', ["aud_2"]),
        ('reason = "PERMISSION_DENIED"', ["aud_2"]),
        (f'actor = "{BOB}"', ["aud_3"]),
        (f'rpc = "{CREATE_TEAM}" AND service = "user"', ["aud_3", "aud_2", "aud_1"]),
        (f'resources:"{ACME}/teams/team_1"', ["aud_1"]),
        ('create_time > "2026-01-01T12:00:00Z"', ["aud_3"]),
        ("sequence <= 2", ["aud_2", "aud_1"]),
    ],
)
async def test_filters_find(service: UserProcess, ada: Metadata, time: Time, wanted: str, found: list[str]) -> None:
    await tell(service, call(NOON, 1), refused(NOON, 2))
    time.move(minutes=1)
    await tell(service, replace(call(time(), 3), actor=BOB))

    assert await listed(service, ada, filter=wanted) == found


async def test_administrators_may_and_members_may_not(service: UserProcess, cid: Metadata, bob: Metadata) -> None:
    await tell(service, call(NOON))

    assert await listed(service, cid) == ["aud_1"]
    assert (await refusal(listed(service, bob))).metadata == {"permission": "audit.list"}


async def test_nothing_of_another_organization_is_told(service: UserProcess, ada: Metadata, eve: Metadata) -> None:
    await tell(service, call(NOON, 1), call(NOON, 2, HIDDEN))

    assert await listed(service, ada) == ["aud_1"]
    assert (await refusal(listed(service, eve))).code is StatusCode.PERMISSION_DENIED


async def test_an_event_that_comes_again_adds_nothing(service: UserProcess, ada: Metadata) -> None:
    await tell(service, call(NOON, 1), call(NOON, 1))

    assert await listed(service, ada) == ["aud_1"]
