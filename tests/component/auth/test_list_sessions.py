"""SessionService.ListSessions."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from services.auth.domain import Account
from tests.component.refusals import refusal
from tests.conftest import Time
from tests.fakes.auth_process import AuthProcess, bearer
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc


async def page(service: AuthProcess, token: str, **values: object) -> rpc.ListSessionsResponse:
    request = rpc.ListSessionsRequest(**{"parent": "users/me", **values})  # type: ignore[arg-type]
    return await service.sessions.ListSessions(request, metadata=bearer(token))


async def three(service: AuthProcess, time: Time) -> list[pb.TokenSet]:
    """Sign in three times, a minute apart."""
    signed_in = []
    for _ in range(3):
        time.move(minutes=1)
        signed_in.append(await service.sign_in())
    return signed_in


def names(answer: rpc.ListSessionsResponse) -> list[str]:
    return [session.name for session in answer.sessions]


async def test_lists_ones_own_newest_first(service: AuthProcess, ada: Account, bob: Account, time: Time) -> None:
    first, second, third = await three(service, time)
    await service.sign_in(bob.email)

    answer = await page(service, third.access_token)

    assert names(answer) == [third.session, second.session, first.session]
    assert [session.current for session in answer.sessions] == [True, False, False]
    assert answer.next_page_token == ""
    assert names(await page(service, third.access_token, parent=ada.user)) == names(answer)


async def test_pages(service: AuthProcess, ada: Account, time: Time) -> None:
    first, second, third = await three(service, time)
    token = third.access_token

    one = await page(service, token, page_size=2, order_by="create_time")
    two = await page(service, token, page_size=2, order_by="create_time", page_token=one.next_page_token)

    assert (names(one), names(two)) == ([first.session, second.session], [third.session])
    assert one.next_page_token
    assert two.next_page_token == ""


async def test_a_page_token_is_for_its_caller_and_its_request(
    service: AuthProcess, ada: Account, bob: Account, time: Time
) -> None:
    tokens = await three(service, time)
    his = await service.sign_in(bob.email)
    token = (await page(service, tokens[0].access_token, page_size=1)).next_page_token

    stolen = await refusal(page(service, his.access_token, page_token=token))
    other = await refusal(page(service, tokens[0].access_token, page_token=token, show_ended=True))
    altered = await refusal(page(service, tokens[0].access_token, page_token="AAAA" + token[4:]))

    for refused in (stolen, other, altered):
        assert (refused.code, refused.reason) == (StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


async def test_ended_sessions_are_shown_on_request(service: AuthProcess, ada: Account, time: Time) -> None:
    first, second, third = await three(service, time)
    await service.auth.SignOut(rpc.SignOutRequest(), metadata=bearer(second.access_token))

    assert names(await page(service, third.access_token)) == [third.session, first.session]
    shown = await page(service, third.access_token, show_ended=True)
    assert [session.HasField("revoke_time") for session in shown.sessions] == [False, True, False]


async def test_filters(service: AuthProcess, ada: Account, time: Time) -> None:
    first, second, third = await three(service, time)
    await service.join(second, "organizations/org_1")
    since = second_time = (await page(service, third.access_token)).sessions[1].create_time.ToJsonString()

    newer = await page(service, third.access_token, filter=f'create_time > "{since}"')
    there = await page(service, third.access_token, filter='organization = "organizations/org_1"')
    both = await page(service, third.access_token, filter=f'create_time < "{second_time}" OR organization:"ORG_1"')

    assert names(newer) == [third.session]
    assert names(there) == [second.session]
    assert names(both) == [second.session, first.session]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("filter", "generation = 1"),
        ("filter", "create_time >"),
        ("order_by", "organization"),
        ("order_by", "create_time sideways"),
        ("page_size", -1),
        ("parent", "organizations/org_1"),
    ],
)
async def test_names_what_it_cannot_answer(service: AuthProcess, ada: Account, field: str, value: object) -> None:
    tokens = await service.sign_in()

    refused = await refusal(page(service, tokens.access_token, **{field: value}))

    assert (refused.code, refused.reason, refused.fields) == (StatusCode.INVALID_ARGUMENT, "REQUEST_INVALID", [field])


async def test_anybody_elses_are_denied_whether_or_not_they_exist(service: AuthProcess, ada: Account, bob: Account) -> None:
    tokens = await service.sign_in()

    foreign = await refusal(page(service, tokens.access_token, parent=bob.user))
    unknown = await refusal(page(service, tokens.access_token, parent="users/usr_nobody"))

    assert (foreign.code, foreign.reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert foreign == unknown


async def test_refuses_strangers(service: AuthProcess) -> None:
    refused = await refusal(page(service, "garbage"))

    assert (refused.code, refused.reason) == (StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
