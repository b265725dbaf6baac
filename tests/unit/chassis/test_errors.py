"""Errors as callers see them: `google.rpc.Status` with the exact details of AIP-193."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from services.chassis import errors
from services.chassis.errors import FieldViolation, ServiceError
from services.chassis.etags import EtagMismatch
from services.chassis.rpc.errors import Internal, code_of, status_of
from services.chassis.rpc.limits import RateLimited
from trellis.policies import REASONS

DOMAIN = "trellis.user"


def status(code: int, message: str, *details: Message) -> status_pb2.Status:
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=message, details=packed)


def info(reason: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)


class NotThere(errors.NotFound):
    """An error as a service declares it."""

    reason = "NOT_THERE"


def test_an_error_says_its_reason_and_metadata() -> None:
    error = NotThere("users/usr_1 does not exist.", user="users/usr_1")

    assert status_of(error, DOMAIN) == status(
        code_pb2.NOT_FOUND, "users/usr_1 does not exist.", info("NOT_THERE", user="users/usr_1")
    )


def test_invalid_fields_are_named_one_by_one() -> None:
    first = FieldViolation("user.display_name", "must not be empty", "required")
    second = FieldViolation("page_size", "must be greater than 0", "int32.gt")

    violation = error_details_pb2.BadRequest.FieldViolation
    assert status_of(errors.InvalidArgument("Two are wrong.", fields=[first, second]), DOMAIN) == status(
        code_pb2.INVALID_ARGUMENT,
        "Two are wrong.",
        info("REQUEST_INVALID"),
        error_details_pb2.BadRequest(
            field_violations=[
                violation(field="user.display_name", description="must not be empty", reason="required"),
                violation(field="page_size", description="must be greater than 0", reason="int32.gt"),
            ]
        ),
    )


def test_one_invalid_field_is_said_in_the_message_too() -> None:
    error = errors.invalid_field("filter", "cannot be read.", "filter.syntax")

    assert error.message == "The request is not valid: filter: cannot be read."
    assert error.fields == (FieldViolation("filter", "cannot be read.", "filter.syntax"),)


def test_a_time_to_wait_is_told_to_the_millisecond() -> None:
    assert status_of(errors.Unavailable("Try again.", retry_after_s=1.25), DOMAIN) == status(
        code_pb2.UNAVAILABLE,
        "Try again.",
        info("DEPENDENCY_UNAVAILABLE"),
        error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=250_000_000)),
    )


def test_a_failure_names_the_request_it_is_about() -> None:
    assert status_of(NotThere("It is not there."), DOMAIN, "req-1") == status(
        code_pb2.NOT_FOUND, "It is not there.", info("NOT_THERE"), error_details_pb2.RequestInfo(request_id="req-1")
    )


@pytest.mark.parametrize(("wait_s", "said"), [(0.2, "1"), (1.4, "1"), (12.0, "12")])
def test_a_limit_says_when_to_come_again(wait_s: float, said: str) -> None:
    found = status_of(RateLimited(wait_s), DOMAIN)

    delay = duration_pb2.Duration()
    delay.FromMilliseconds(int(wait_s * 1000))
    assert found == status(
        code_pb2.RESOURCE_EXHAUSTED,
        f"Too many calls; try again in {said} s.",
        info("RATE_LIMITED", retry_after_s=said),
        error_details_pb2.RetryInfo(retry_delay=delay),
    )


def test_a_version_that_changed_names_the_resource() -> None:
    assert status_of(EtagMismatch("users/usr_1"), DOMAIN) == status(
        code_pb2.ABORTED,
        "users/usr_1 changed since it was read; read it again.",
        info("ETAG_MISMATCH", resource="users/usr_1"),
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.InvalidArgument, grpc.StatusCode.INVALID_ARGUMENT),
        (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
        (errors.PermissionDenied, grpc.StatusCode.PERMISSION_DENIED),
        (errors.NotFound, grpc.StatusCode.NOT_FOUND),
        (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
        (errors.FailedPrecondition, grpc.StatusCode.FAILED_PRECONDITION),
        (errors.Aborted, grpc.StatusCode.ABORTED),
        (errors.ResourceExhausted, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.DeadlineExceeded, grpc.StatusCode.DEADLINE_EXCEEDED),
        (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
        (Internal, grpc.StatusCode.INTERNAL),
    ],
)
def test_each_kind_has_its_code(kind: type[ServiceError], code: grpc.StatusCode) -> None:
    inherited = type("Declared", (kind,), {"reason": "DECLARED"})

    assert code_of(kind("")) is code
    assert code_of(inherited("")) is code


COMMON = [
    *(errors.InvalidArgument, errors.Unauthenticated, errors.PermissionDenied, errors.ResourceExhausted),
    *(errors.DeadlineExceeded, errors.Unavailable, errors.RequestIdReused, EtagMismatch, RateLimited, Internal),
]


@pytest.mark.parametrize("kind", COMMON)
def test_what_every_service_answers_with_is_declared_with_its_code(kind: type[ServiceError]) -> None:
    assert REASONS["common"][kind.reason] == code_of(kind.__new__(kind)).name
