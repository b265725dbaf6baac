"""schemathesis reads the OpenAPI document and tries every operation of the running edge, with sense and without.

The answers must be what the document says: no 5xx, no status, content type or body that is not declared. `make fuzz` tries
longer and at random; TRELLIS_FUZZ_EXAMPLES says how much.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cli.home import ROOT
from tests.e2e.client import Person, Rest, sign_up
from tests.e2e.platform import Platform

EXAMPLES = int(os.environ.get("TRELLIS_FUZZ_EXAMPLES", "0"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
DOCUMENT = json.loads((ROOT / "gen/openapi/trellis.json").read_text())
FOUND: list[Any] = [*schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
TRIALS = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in (found.ok() for found in FOUND)
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or {"parameters", "requestBody"} & operation.definition.raw.keys()
]
QUICK = max(2, 600 // len(TRIALS))
"""Examples for each trial in `make test`: there is a minute for all of them."""
LONG = pytest.mark.timeout(300 + 2 * EXAMPLES)


@pytest.fixture(scope="module")
def people(platform: Platform) -> list[Person]:
    """Who calls; the last one still can, until an operation ends the session, the account or both."""
    return [_newcomer(platform)]


@pytest.fixture
def caller(platform: Platform, people: list[Person]) -> Person:
    """A signed-in owner of a fresh organization, whatever the operations before have done."""
    person = people[-1]
    if person.switch(person.organization).status != 200 and not _signed_in(person):
        person = _newcomer(platform)
        people.append(person)
    person.new_organization()
    return person


def _newcomer(platform: Platform) -> Person:
    person = sign_up(platform.rest, platform.mail, "Fuzz")
    person.new_organization()
    return person


def _signed_in(person: Person) -> bool:
    answer = Rest(person.base).post("/v1/auth:signIn", {"email": person.email, "password": person.password})
    person.tokens = answer.json if answer.status == 200 else person.tokens
    return answer.status == 200


@LONG
@pytest.mark.parametrize(("operation", "mode"), TRIALS)
def test_answers_are_as_documented(operation: Any, mode: GenerationMode, caller: Person) -> None:
    session = requests.Session()
    own = {"organization": caller.organization, "membership": caller.name, "user": "users/me"}
    known = {name: value.rpartition("/")[2] for name, value in own.items()}

    def tried(case: Case[Any]) -> None:
        if mode is GenerationMode.POSITIVE:  # what exists is more telling than what does not
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        answer = case.call(base_url=caller.base, session=session, headers={"authorization": f"Bearer {caller.token}"})
        case.validate_response(answer, checks=CHECKS)

    wanted = settings(
        max_examples=EXAMPLES or QUICK,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    cases = given(operation.as_strategy(generation_mode=mode))
    wanted(cases(tried))()  # type: ignore[no-untyped-call]
