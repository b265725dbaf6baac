"""Page tokens: whose they are, what they are for, and how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import principal
from services.chassis.errors import InvalidArgument
from services.chassis.keys import Keyring
from services.chassis.lists import ListQuery, Lists, PageTokenInvalid
from services.chassis.principal import Principal
from tests.conftest import NOON, Time
from trellis.user.v1 import service_pb2 as rpc

POSITION = ("Ada", 7, datetime(2026, 1, 31, 12, 0, 0, 123456, UTC))
Change = Callable[[rpc.ListUsersRequest], object]


@pytest.fixture
def lists(keyring: Keyring, time: Time) -> Lists:
    return Lists(keyring, time)


@pytest.fixture(autouse=True)
def _ada_calls(_nobody_calls: None) -> None:
    principal.enter(Principal("users/usr_ada", "organizations/org_1"))


def request(**changes: object) -> rpc.ListUsersRequest:
    asked = rpc.ListUsersRequest(filter="display_name: a", order_by="display_name")
    for field, value in changes.items():
        setattr(asked, field, value)
    return asked


def after(lists: Lists, asked: rpc.ListUsersRequest) -> object:
    return lists.query(asked).after


def test_the_first_page_begins_nowhere(lists: Lists) -> None:
    assert lists.query(request()) == ListQuery("display_name: a", "display_name", 50, None)


@pytest.mark.parametrize(("asked", "size"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)])
def test_a_page_size_is_bounded(lists: Lists, asked: int, size: int) -> None:
    assert lists.query(request(page_size=asked)).size == size


def test_a_negative_page_size_is_refused(lists: Lists) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        lists.query(request(page_size=-1))

    assert refusal.value.fields[0].field == "page_size"


def test_the_last_page_has_no_token(lists: Lists) -> None:
    assert lists.token(request(), None) == ""


def test_a_token_goes_on_at_its_position(lists: Lists) -> None:
    token = lists.token(request(), POSITION)

    assert after(lists, request(page_token=token)) == POSITION


def test_the_page_size_may_change_between_pages(lists: Lists) -> None:
    token = lists.token(request(page_size=10), POSITION)

    assert after(lists, request(page_token=token, page_size=20)) == POSITION


def test_a_token_shows_nothing_of_what_it_holds(lists: Lists) -> None:
    tokens = {lists.token(request(), POSITION) for _ in range(2)}

    assert len(tokens) == 2
    assert not any("Ada" in token for token in tokens)


@pytest.mark.parametrize("changes", [{"filter": "display_name: b"}, {"order_by": ""}, {"parent": "organizations/org_2"}])
def test_a_token_is_bound_to_every_other_argument(lists: Lists, changes: dict[str, object]) -> None:
    token = lists.token(request(), POSITION)

    with pytest.raises(PageTokenInvalid):
        lists.query(request(page_token=token, **changes))


@pytest.mark.parametrize(
    "caller", [Principal("users/usr_bob", "organizations/org_1"), Principal("users/usr_ada", "organizations/org_2")]
)
def test_a_token_is_bound_to_its_caller_and_organization(lists: Lists, caller: Principal) -> None:
    token = lists.token(request(), POSITION)

    principal.enter(caller)

    with pytest.raises(PageTokenInvalid):
        lists.query(request(page_token=token))


def test_a_token_is_bound_to_its_method(lists: Lists) -> None:
    token = lists.token(rpc.ListUsersRequest(), POSITION)

    with pytest.raises(PageTokenInvalid):
        lists.query(rpc.ListOrganizationsRequest(page_token=token))


def test_a_token_ends_after_a_day(lists: Lists, time: Time) -> None:
    token = lists.token(request(), POSITION)

    time.move(hours=24)
    assert after(lists, request(page_token=token)) == POSITION
    time.move(seconds=1)

    with pytest.raises(PageTokenInvalid) as refusal:
        lists.query(request(page_token=token))
    assert (refusal.value.reason, refusal.value.fields[0].field) == ("PAGE_TOKEN_INVALID", "page_token")


def test_a_token_of_another_key_is_refused(lists: Lists, time: Time) -> None:
    token = Lists(Keyring(b"other" * 7), time).token(request(), POSITION)

    with pytest.raises(PageTokenInvalid):
        lists.query(request(page_token=token))


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_no_text_at_all_is_a_token(token: str) -> None:
    lists = Lists(Keyring(bytes(32)), lambda: NOON)

    with pytest.raises(PageTokenInvalid):
        lists.query(request(page_token=token))
