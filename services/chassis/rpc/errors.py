"""Errors become statuses here, once, by type; nothing else in the process knows gRPC codes."""

from __future__ import annotations

import math
from typing import Any

import grpc
import structlog
from asyncpg import PostgresConnectionError
from asyncpg.exceptions import CharacterNotInRepertoireError, InterfaceError, InternalClientError, OperatorInterventionError
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import TimeoutError as ValkeyTimeoutError

from services.chassis import errors
from services.chassis.rpc.middleware import Call, Handler, Method, Middleware

log = structlog.get_logger()

REQUEST_ID = "x-request-id"
_CODES: dict[type[BaseException], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Aborted: grpc.StatusCode.ABORTED,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}

# An engine that restarts: the caller may try again, nothing is known to be wrong with the request.
ENGINE_AWAY = (
    PostgresConnectionError,
    OperatorInterventionError,  # it starts, stops, crashed, or cancelled the statement
    InterfaceError,
    InternalClientError,  # what asyncpg calls a connection that broke between two statements
    ValkeyConnectionError,
    ValkeyTimeoutError,
    ConnectionError,
)


class Internal(errors.ServiceError):
    """A bug. The log has the detail, the caller has the trace id."""

    reason = "INTERNAL"


def errors_to_status(service: str) -> Middleware:
    """Send every ServiceError as `google.rpc.Status`, and anything else as INTERNAL without a word about its cause."""
    domain = f"trellis.{service}"

    def around(handle: Handler, method: Method) -> Handler:
        async def handler(call: Call) -> Any:
            try:
                return await handle(call)
            except errors.ServiceError as error:
                return await _abort(call, error, domain)
            except grpc.aio.AbortError:
                raise
            except CharacterNotInRepertoireError:
                await _abort(call, _unstorable(), domain)
            except ENGINE_AWAY as error:
                log.warning("engine_away", rpc=method.name, error=type(error).__name__)
                await _abort(call, _unavailable(), domain)
            except Exception:
                log.exception("bug", rpc=method.name)
                await _abort(call, Internal("Internal error."), domain)

        return handler

    return around


def code_of(error: errors.ServiceError) -> grpc.StatusCode:
    """Return the code of an error by its nearest known type."""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), grpc.StatusCode.INTERNAL)


def status_of(error: errors.ServiceError, domain: str, request_id: str = "") -> status_pb2.Status:
    """Return `google.rpc.Status` with one ErrorInfo, and BadRequest, RetryInfo and RequestInfo where they help (AIP-193)."""
    status = status_pb2.Status(code=code_pb2.Code.Value(code_of(error).name), message=error.message)
    status.details.append(_packed(error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=error.metadata)))
    if error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=f.field, description=f.description, reason=f.reason)
            for f in error.fields
        ]
        status.details.append(_packed(error_details_pb2.BadRequest(field_violations=violations)))
    if error.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(error.retry_after_s * 1000))
        status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    if request_id:
        status.details.append(_packed(error_details_pb2.RequestInfo(request_id=request_id)))
    return status


async def _abort(call: Call, error: errors.ServiceError, domain: str) -> None:
    call.code, call.reason = code_of(error), error.reason
    status = rpc_status.to_status(status_of(error, domain, call.metadata.get(REQUEST_ID, "")))
    # In one piece: what set_trailing_metadata was given before would be lost.
    await call.context.abort(status.code, status.details, (*status.trailing_metadata, *_wait(error)))


def _wait(error: errors.ServiceError) -> tuple[tuple[str, str], ...]:
    """When to come back, for gRPC's own retries and as the header that REST callers know."""
    if error.retry_after_s is None:
        return ()
    pushback_ms = str(max(1, int(error.retry_after_s * 1000)))
    return ("grpc-retry-pushback-ms", pushback_ms), ("retry-after", str(max(1, math.ceil(error.retry_after_s))))


def _unstorable() -> errors.InvalidArgument:
    """PostgreSQL keeps every character of Unicode but one."""
    return errors.InvalidArgument("The request is not valid: a text holds the character U+0000.")


def _unavailable() -> errors.Unavailable:
    return errors.Unavailable("The service cannot reach what it needs at the moment; try again.", retry_after_s=0.5)


def _packed(detail: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
