"""What a caller is told when a call is refused."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused call."""

    code: grpc.StatusCode
    reason: str
    message: str
    domain: str
    metadata: dict[str, str]
    fields: list[str]
    retry_after_s: float | None


async def refusal(call: Awaitable[Any]) -> Refusal:
    """Return how the call is refused. Fails if it is not."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return refused_by(caught.value)


def refused_by(error: grpc.aio.AioRpcError) -> Refusal:
    """Return what the error of a refused call says."""
    status = rpc_status.from_call(_Ended(error))
    assert status is not None, error.details()
    info = _detail(status, error_details_pb2.ErrorInfo()) or error_details_pb2.ErrorInfo()
    bad = _detail(status, error_details_pb2.BadRequest()) or error_details_pb2.BadRequest()
    retry = _detail(status, error_details_pb2.RetryInfo())
    return Refusal(
        error.code(),
        info.reason,
        status.message,
        info.domain,
        dict(info.metadata),
        [violation.field for violation in bad.field_violations],
        retry.retry_delay.ToTimedelta().total_seconds() if retry else None,
    )


@dataclass(frozen=True, slots=True)
class _Ended:
    """An ended call as `grpc_status` wants it."""

    error: grpc.aio.AioRpcError

    def code(self) -> grpc.StatusCode:
        return self.error.code()

    def details(self) -> str | None:
        return self.error.details()

    def trailing_metadata(self) -> Any:
        return self.error.trailing_metadata()


def _detail(status: Any, kind: Message) -> Any:
    for packed in status.details:
        if packed.Unpack(kind):
            return kind
    return None
