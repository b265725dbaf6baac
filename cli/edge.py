"""Calls through the edge with the generated stubs, and what a refusal means for the command."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # noqa: F401 -- makes the details known to json_format
from grpc_status import rpc_status

from cli.commands.output import Failed, NotReady, explain
from cli.home import Home

TIMEOUT_S = 30.0
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge of a running platform, with somebody's token or nobody's."""

    channel: grpc.Channel
    token: str = ""

    def send(self, stub: Callable[[grpc.Channel], Any], method: str, request: Message) -> Any:
        """Return the answer of an RPC. Raises Failed with what the platform said, or NotReady."""
        metadata = [("authorization", f"Bearer {self.token}")] if self.token else []
        try:
            return getattr(stub(self.channel), method)(request, timeout=TIMEOUT_S, metadata=metadata)
        except grpc.RpcError as error:
            refused(error)

    def pages(self, stub: Callable[[grpc.Channel], Any], method: str, request: Any, limit: int) -> list[Any]:
        """Return up to `limit` things of a list, page after page; all of them without a limit."""
        found: list[Any] = []
        while True:
            request.page_size = min(PAGE, limit - len(found)) if limit else PAGE
            page = self.send(stub, method, request)
            found += next((things for field, things in page.ListFields() if field.is_repeated), [])
            request.page_token = page.next_page_token
            if not page.next_page_token or (limit and len(found) >= limit):
                return found


@contextlib.contextmanager
def edge(here: Home, token: str = "") -> Iterator[Edge]:
    """Open a channel to the edge of a home."""
    with grpc.insecure_channel(here.endpoints["grpc"]) as channel:
        yield Edge(channel, token)


def plain(message: Message) -> dict[str, Any]:
    """Return a message as JSON says it, with the contract's names."""
    found: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return found


def refused(error: Any, target: str = "") -> NoReturn:
    """Print the status with its details, and raise what gives the right exit code."""
    status = rpc_status.from_call(error)
    if status is not None:
        explain(json.dumps({"status": error.code().name, **json_format.MessageToDict(status)}, indent=2))
        raise Failed(f"{error.code().name}: {status.message}") from None
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        where = f"at {target}" if target else "at the edge; is it up? See `trellis status`"
        raise NotReady(f"nothing answers {where}: {error.details()}") from None
    raise Failed(f"{error.code().name}: {error.details()}") from None
