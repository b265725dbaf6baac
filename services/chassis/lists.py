"""What every List RPC has in common (AIP-132, AIP-158): the query a request makes and the token of its next page.

A page token is sealed: nobody can read or make one. It is bound to the caller, its organization and every other argument
of the request, and it ends after a day.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from services.chassis import principal
from services.chassis.clock import Clock
from services.chassis.errors import FieldViolation, InvalidArgument, invalid_field
from services.chassis.keys import Keyring, SealBroken

DEFAULT_SIZE = 50
MAX_SIZE = 1000
TOKEN_LIFETIME = timedelta(days=1)
_LABEL = "page"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which rows, in which order, from where."""

    filter: str = ""
    order_by: str = ""
    size: int = DEFAULT_SIZE
    after: tuple[Any, ...] | None = None
    """Sort position of the last row of the page before; None for the first page."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """One page of a list."""

    items: list[T]
    next: tuple[Any, ...] | None = None
    """Sort position of the last row, if there are more."""


class PageTokenInvalid(InvalidArgument):
    """The token was altered, is too old or belongs to another request."""

    reason = "PAGE_TOKEN_INVALID"

    def __init__(self) -> None:
        message = "page_token does not belong to this request or has expired; start with the first page."
        super().__init__(message, fields=[FieldViolation("page_token", message, "page_token")])


class Lists:
    """Reads list requests and writes page tokens."""

    def __init__(self, keyring: Keyring, now: Clock) -> None:
        self._keyring, self._now = keyring, now

    def query(self, request: Any) -> ListQuery:
        """Return what a List request asks for. Raises InvalidArgument, PageTokenInvalid."""
        if request.page_size < 0:
            raise invalid_field("page_size", "must not be negative.", "page_size")
        size = min(request.page_size or DEFAULT_SIZE, MAX_SIZE)
        after = self._position(request) if request.page_token else None
        return ListQuery(request.filter, request.order_by, size, after)

    def token(self, request: Any, position: tuple[Any, ...] | None) -> str:
        """Return the token of the page after `position`, or an empty one where there is none."""
        if position is None:
            return ""
        ends_at_s = int((self._now() + TOKEN_LIFETIME).timestamp())
        content = json.dumps([ends_at_s, *(_written(value) for value in position)], separators=(",", ":"))
        sealed = self._keyring.seal(_LABEL, content.encode(), self._context(request))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _position(self, request: Any) -> tuple[Any, ...]:
        try:
            padded = request.page_token + "=" * (-len(request.page_token) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
            ends_at_s, *position = json.loads(self._keyring.open(_LABEL, sealed, self._context(request)))
        except (SealBroken, ValueError, binascii.Error):
            raise PageTokenInvalid from None
        if self._now().timestamp() > ends_at_s:
            raise PageTokenInvalid
        return tuple(_read(value) for value in position)

    def _context(self, request: Message) -> bytes:
        """Return everything the token is bound to: the caller and all arguments but the page's own."""
        arguments = type(request)()
        arguments.CopyFrom(request)
        arguments.ClearField("page_token")
        arguments.ClearField("page_size")
        caller = principal.current()
        return self._keyring.mac(
            _LABEL,
            request.DESCRIPTOR.full_name.encode(),
            caller.subject.encode(),
            caller.organization.encode(),
            arguments.SerializeToString(deterministic=True),
        )


def _written(value: Any) -> Any:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


def _read(value: Any) -> Any:
    return datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value
