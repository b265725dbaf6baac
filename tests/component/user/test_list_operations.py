"""OperationService.ListOperations."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import auth_answers
from tests.conftest import Time
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import operation_service_pb2 as rpc
from trellis.user.v1 import personal_data_service_pb2 as personal_data


async def listed(service: UserProcess, caller: Metadata, **values: Any) -> list[str]:
    answer = await service.operations.ListOperations(rpc.ListOperationsRequest(**values), metadata=caller)
    return [operation.name for operation in answer.operations]


@pytest.fixture
async def two(service: UserProcess, bob: Metadata, exporting: str, time: Time) -> list[str]:
    """A finished export of Bob's and, a minute later, another one that runs."""
    await auth_answers(service, exporting)
    time.move(minutes=1)
    request = personal_data.ExportPersonalDataRequest(name="users/me")
    return [exporting, (await service.personal_data.ExportPersonalData(request, metadata=bob)).name]


async def test_lists_ones_own_the_newest_first(service: UserProcess, bob: Metadata, ada: Metadata, two: list[str]) -> None:
    assert await listed(service, bob) == two[::-1]
    assert await listed(service, ada) == []


async def test_filters_and_sorts(service: UserProcess, bob: Metadata, two: list[str]) -> None:
    assert await listed(service, bob, filter="done = false") == two[1:]
    assert await listed(service, bob, order_by="create_time") == two


async def test_pages(service: UserProcess, bob: Metadata, two: list[str]) -> None:
    first = await service.operations.ListOperations(rpc.ListOperationsRequest(page_size=1), metadata=bob)

    assert [operation.name for operation in first.operations] == two[1:]
    assert await listed(service, bob, page_size=1, page_token=first.next_page_token) == two[:1]


async def test_a_forged_page_token_is_refused(service: UserProcess, bob: Metadata) -> None:
    assert (await refusal(listed(service, bob, page_token="x"))).reason == "PAGE_TOKEN_INVALID"


async def test_refuses_strangers(service: UserProcess) -> None:
    assert (await refusal(listed(service, ()))).code is StatusCode.UNAUTHENTICATED
