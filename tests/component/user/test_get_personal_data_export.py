"""PersonalDataService.GetPersonalDataExport."""

from __future__ import annotations

import hashlib
import json

import pytest
from google.api import httpbody_pb2
from grpc import StatusCode

from tests.component.refusals import refusal
from tests.component.user.conftest import BOB, auth_answers
from tests.conftest import Time
from tests.fakes.user import FakeUserStore
from tests.fakes.user_process import Metadata, UserProcess
from trellis.user.v1 import personal_data_service_pb2 as rpc


@pytest.fixture
async def name(service: UserProcess, exporting: str) -> str:
    """A finished export of Bob's."""
    await auth_answers(service, exporting)
    return f"{BOB}/personalDataExports/{exporting.removeprefix('operations/')}"


async def get(service: UserProcess, caller: Metadata, name: str) -> httpbody_pb2.HttpBody:
    request = rpc.GetPersonalDataExportRequest(name=name)
    return await service.personal_data.GetPersonalDataExport(request, metadata=caller)


async def test_its_owner_gets_the_document_byte_for_byte(
    service: UserProcess, store: FakeUserStore, bob: Metadata, name: str
) -> None:
    document = await get(service, bob, name)

    assert (document.content_type, json.loads(document.data)["user"]) == ("application/json", BOB)
    assert hashlib.sha256(document.data).hexdigest() == store.tables.exports[name].sha256
    assert await get(service, bob, name.replace(BOB, "users/me")) == document


async def test_nobody_else_gets_it(service: UserProcess, ada: Metadata, name: str) -> None:
    refused = await refusal(get(service, ada, name))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "USER_NOT_VISIBLE")
    assert (await refusal(get(service, ada, name.replace(BOB, "users/me")))).code is StatusCode.NOT_FOUND


async def test_after_seven_days_it_is_gone_and_forgotten(
    service: UserProcess, store: FakeUserStore, bob: Metadata, name: str, time: Time
) -> None:
    time.move(days=7)
    later = service.called_by(BOB)

    refused = await refusal(get(service, later, name))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.NOT_FOUND,
        "PERSONAL_DATA_EXPORT_NOT_FOUND",
        {"export": name},
    )
    await service.parts.personal_data.forget()
    assert store.tables.exports == {}


async def test_refuses_strangers(service: UserProcess, name: str) -> None:
    assert (await refusal(get(service, (), name))).code is StatusCode.UNAUTHENTICATED
