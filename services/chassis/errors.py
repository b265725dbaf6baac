"""The whole vocabulary of what may go wrong. Knows no transport: `rpc/errors.py` translates by type.

ServiceError
├── InvalidArgument      can never succeed as written; `fields` name what is wrong
├── Unauthenticated      the caller has not said convincingly who it is
├── PermissionDenied     the caller may not, whether or not the thing exists
├── NotFound             does not exist
├── AlreadyExists        exists already
├── FailedPrecondition   wrong state: mend it, then send again
├── Aborted              lost a race: repeat the whole read-modify-write
├── ResourceExhausted    too much: wait `retry_after_s`
├── DeadlineExceeded     out of time
└── Unavailable          something needed does not answer: wait `retry_after_s`

Anything else is a bug: logged once, sent as INTERNAL without a detail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class FieldViolation(NamedTuple):
    """One field of a request that breaks a rule."""

    field: str
    """Path of the field, for example `membership.user`."""
    description: str
    """What it must be, one sentence."""
    reason: str
    """The rule's id, for example `string.max_len`."""


class ServiceError(Exception):
    """A refusal with a declared reason. Every value in the message is in the metadata too (AIP-193)."""

    reason: ClassVar[str]

    def __init__(
        self,
        message: str,
        *,
        fields: Sequence[FieldViolation] = (),
        retry_after_s: float | None = None,
        **metadata: str,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fields = tuple(fields)
        self.retry_after_s = retry_after_s
        self.metadata = metadata


class InvalidArgument(ServiceError):
    """Can never succeed as written."""

    reason = "REQUEST_INVALID"


class Unauthenticated(ServiceError):
    """The caller has not said convincingly who it is."""

    reason = "TOKEN_INVALID"


class PermissionDenied(ServiceError):
    """The caller may not, whether or not the thing exists."""

    reason = "PERMISSION_DENIED"


class NotFound(ServiceError):
    """Does not exist."""


class AlreadyExists(ServiceError):
    """Exists already."""


class FailedPrecondition(ServiceError):
    """Wrong state: mend it, then send again."""


class Aborted(ServiceError):
    """Lost a race: repeat the whole read-modify-write."""


class ResourceExhausted(ServiceError):
    """Too much at once."""

    reason = "OVERLOADED"


class DeadlineExceeded(ServiceError):
    """Out of time."""

    reason = "DEADLINE_EXCEEDED"


class Unavailable(ServiceError):
    """Something needed does not answer."""

    reason = "DEPENDENCY_UNAVAILABLE"


class RequestIdReused(InvalidArgument):
    """The request_id was used for another request."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self) -> None:
        super().__init__("request_id was used before for another request; send a new one.")


def invalid_field(field: str, description: str, reason: str) -> InvalidArgument:
    """Return the error for one field that breaks a rule."""
    return InvalidArgument(
        f"The request is not valid: {field}: {description}", fields=[FieldViolation(field, description, reason)]
    )


class SessionRequired(PermissionDenied):
    """The call is not for API keys, whatever their scopes."""

    reason = "SESSION_REQUIRED"

    def __init__(self) -> None:
        super().__init__("An API key cannot do this; sign in and send an access token.")
