"""What a call was answered with, as bytes and as words, so that two answers can be held against each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2  # noqa: F401 -- makes the details known
from grpc_status import rpc_status

from tests.component.refusals import refused_by


@dataclass(frozen=True)
class Answer:
    """One answer, or one refusal."""

    code: grpc.StatusCode
    messages: tuple[bytes, ...] = ()
    reason: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    words: str = ""
    """All that a refusal says."""

    @property
    def ok(self) -> bool:
        return self.code is grpc.StatusCode.OK

    @property
    def verdict(self) -> tuple[str, str]:
        """Code and reason: what a refusal is compared by."""
        return self.code.name, self.reason

    def without(self, names: Iterable[str]) -> tuple[str, str]:
        """Return everything the answer tells, with the names that the request sent taken out."""
        told = self.words if not self.ok else repr(self.messages)
        parts = {part for name in names for part in (name, _above(name), *name.split("/")) if "_" in part or "/" in part}
        for part in sorted(parts, key=len, reverse=True):
            told = told.replace(part, "…")
        return self.code.name, told

    def tells(self, marks: Iterable[str]) -> list[str]:
        """Return those of `marks` that the answer holds."""
        told = self.words.encode() + b"".join(self.messages)
        return [mark for mark in marks if mark.encode() in told]


def _above(name: str) -> str:
    """Return the first resource of a name: of `users/1/preferences`, the user."""
    return "/".join(name.split("/")[:2])


def answered(messages: Iterable[bytes]) -> Answer:
    """Return a call that succeeded."""
    return Answer(grpc.StatusCode.OK, tuple(messages))


def refused(error: Any) -> Answer:
    """Return a call that was refused."""
    said = refused_by(error)
    status = rpc_status.from_call(error)
    words = json.dumps(json_format.MessageToDict(status)) if status is not None else str(error.details())
    return Answer(error.code(), (), said.reason, tuple(sorted(said.metadata.items())), words)


def by_rest(status: int, body: bytes) -> tuple[int, str, str]:
    """Return status, reason and all words of a REST answer; what differs from call to call is taken out."""
    found = json.loads(body or b"{}")
    infos = [detail for detail in found.get("details", []) if str(detail.get("@type", "")).endswith("ErrorInfo")]
    words = re.sub(r'"(requestId|traceId)": "[^"]*"', "", json.dumps(found))
    return status, infos[0]["reason"] if infos else "", words
