"""A call that is sent again has one effect and one answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from trellis.user.v1.resources_pb2 import Organization, User
from trellis.user.v1.service_pb2 import CreateOrganizationRequest, UpdateUserRequest
from trellis.user.v1.service_pb2_grpc import OrganizationServiceStub, UserServiceStub

from tests.e2e.client import Answer, Person, Rest, new_email
from tests.e2e.platform import Platform

ORGANIZATIONS = "/v1/organizations"


def new_id() -> str:
    """Return a request id nobody used."""
    return str(uuid.uuid4())


def together(times: int, call: Callable[[], Answer]) -> list[Answer]:
    """Make the same call at once, many times."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: call(), range(times)))


def organizations(platform: Platform, display_name: str) -> int:
    """Return how many organizations of this name are stored."""
    return int(platform.sql("user", f"SELECT count(*) FROM organizations WHERE display_name = '{display_name}'"))


@pytest.mark.parametrize("door", ["query", "header"])
def test_a_repeated_request_gets_the_first_answer(door: str, platform: Platform, ada: Person) -> None:
    key, name = new_id(), f"Repeated by {door} {new_id()}"
    path = f"{ORGANIZATIONS}?requestId={key}" if door == "query" else ORGANIZATIONS
    headers = {"idempotency-key": key} if door == "header" else {}
    answers = [ada.rest.ok("POST", path, {"displayName": name}, headers=headers) for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert organizations(platform, name) == 1


def test_another_body_under_the_same_id_is_refused(platform: Platform, ada: Person) -> None:
    path, other = f"{ORGANIZATIONS}?requestId={new_id()}", f"Other {new_id()}"
    ada.rest.ok("POST", path, {"displayName": "First"})
    assert ada.rest.post(path, {"displayName": other}).verdict == (400, "REQUEST_ID_REUSED")
    assert organizations(platform, other) == 0


def test_an_id_belongs_to_its_caller(platform: Platform, ada: Person, eve: Person) -> None:
    path, name = f"{ORGANIZATIONS}?requestId={new_id()}", f"Twice {new_id()}"
    first, second = (person.rest.ok("POST", path, {"displayName": name}) for person in (ada, eve))
    assert first["name"] != second["name"]
    assert organizations(platform, name) == 2


def test_twenty_duplicates_at_once_have_one_effect(platform: Platform, ada: Person) -> None:
    path, name = f"{ORGANIZATIONS}?requestId={new_id()}", f"At once {new_id()}"
    answers = together(20, lambda: ada.rest.post(path, {"displayName": name}))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["name"] for answer in answers}) == 1
    assert organizations(platform, name) == 1


def test_a_request_is_the_same_by_rest_and_by_grpc(platform: Platform, ada: Person) -> None:
    key, name = new_id(), f"Both doors {new_id()}"
    by_rest = ada.rest.ok("POST", f"{ORGANIZATIONS}?requestId={key}", {"displayName": name})
    request = CreateOrganizationRequest(organization=Organization(display_name=name), request_id=key)
    with grpc.insecure_channel(platform.target) as channel:
        by_grpc = OrganizationServiceStub(channel).CreateOrganization(request, metadata=ada.metadata)
    assert by_grpc.name == by_rest["name"]
    assert organizations(platform, name) == 1


def test_a_repeated_update_does_not_undo_a_later_one(platform: Platform, ada: Person) -> None:
    with grpc.insecure_channel(platform.target) as channel:
        users = UserServiceStub(channel)
        first, later = (_renamed(name) for name in ("First", "Later"))
        for request in (first, later, first):
            users.UpdateUser(request, metadata=ada.metadata)
    assert ada.rest.ok("GET", "/v1/users/me")["displayName"] == "Later"


def _renamed(display_name: str) -> UpdateUserRequest:
    user = User(name="users/me", display_name=display_name)
    return UpdateUserRequest(user=user, update_mask=FieldMask(paths=["display_name"]), request_id=new_id())


def test_a_request_id_that_is_no_uuid_is_refused(ada: Person) -> None:
    answer = ada.rest.post(f"{ORGANIZATIONS}?requestId=one", {"displayName": "X"})
    assert answer.verdict == (400, "REQUEST_INVALID")


def test_validate_only_answers_and_changes_nothing(platform: Platform, ada: Person) -> None:
    key, name = new_id(), f"Rehearsed {new_id()}"
    path = f"{ORGANIZATIONS}?requestId={key}"
    assert ada.rest.ok("POST", f"{path}&validateOnly=true", {"displayName": name})["displayName"] == name
    assert organizations(platform, name) == 0
    assert platform.sql("user", f"SELECT count(*) FROM outbox WHERE convert_from(data, 'LATIN1') LIKE '%{name}%'") == "0"


def test_validate_only_refuses_what_would_be_refused(ada: Person) -> None:
    answer = ada.rest.post(f"{ORGANIZATIONS}?validateOnly=true", {"displayName": ""})
    assert answer.verdict == (400, "REQUEST_INVALID")


def test_a_rehearsal_does_not_use_up_the_id(platform: Platform, ada: Person) -> None:
    key, name = new_id(), f"After rehearsal {new_id()}"
    header = {"idempotency-key": key}
    ada.rest.ok("POST", f"{ORGANIZATIONS}?validateOnly=true", {"displayName": name}, headers=header)
    ada.rest.ok("POST", ORGANIZATIONS, {"displayName": name}, headers=header)
    assert organizations(platform, name) == 1


def test_a_repeated_sign_up_sends_one_mail(platform: Platform) -> None:
    email = new_email()
    form = {"email": email, "password": "good enough to try 5", "displayName": "Once", "requestId": new_id()}
    assert [Rest(platform.rest).post("/v1/auth:signUp", form).status for _ in range(3)] == [200] * 3
    assert platform.sql("auth", f"SELECT count(*) FROM sign_ups WHERE email = '{email}'") == "1"


def test_fifty_refreshes_of_one_token_have_one_successor(ada: Person) -> None:
    form = {"refreshToken": ada.refresh_token}
    answers = together(50, lambda: Rest(ada.base).post("/v1/auth:refreshToken", form))
    assert {answer.status for answer in answers} == {200}
    successors: set[Any] = {answer.json["refreshToken"] for answer in answers}
    assert len(successors) == 1
    ada.tokens = answers[0].json
    assert ada.refresh().status == 200
