"""AccessService.BatchCheckAccess."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from tests.component.auth.acme import ACME, ADA, CID, OTHER, Acme
from tests.component.refusals import refusal
from trellis.auth.v1 import access_service_pb2 as rpc

Question = rpc.BatchCheckAccessRequest.Question
PROJECT = f"{ACME}/projects/prj_1"


async def check(acme: Acme, *questions: Question, subject: str = "", by: str = CID) -> list[bool]:
    request = rpc.BatchCheckAccessRequest(subject=subject, questions=questions)
    answer = await acme.service.access.BatchCheckAccess(request, metadata=await acme.token(by))
    return [each.allowed for each in answer.answers]


async def test_answers_in_order(acme: Acme) -> None:
    await acme.bind("roles/admin", CID, PROJECT)
    questions = (
        Question(permission="users.list", resource=ACME),
        Question(permission="memberships.update", resource=ACME),
        Question(permission="memberships.update", resource=PROJECT),
        Question(permission="users.list", resource=OTHER),
    )

    assert await check(acme, *questions) == [True, False, True, False]
    assert await check(acme, *questions, subject=CID, by=ADA) == [True, False, True, False]


async def test_a_hundred_questions_are_one_reading(acme: Acme) -> None:
    asked = len(acme.service.parts.memberships.asked)
    question = Question(permission="users.list", resource=ACME)

    assert await check(acme, *[question] * 100) == [True] * 100
    assert len(acme.service.parts.memberships.asked) == asked + 2  # one of them made the token


@pytest.mark.parametrize("count", [0, 101])
async def test_no_fewer_than_one_and_no_more_than_a_hundred(acme: Acme, count: int) -> None:
    refused = await refusal(check(acme, *[Question(permission="users.list", resource=ACME)] * count))

    assert (refused.code, refused.fields) == (StatusCode.INVALID_ARGUMENT, ["questions"])


async def test_members_ask_about_themselves_only(acme: Acme) -> None:
    refused = await refusal(check(acme, Question(permission="users.list", resource=ACME), subject=ADA))

    assert (refused.code, refused.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
