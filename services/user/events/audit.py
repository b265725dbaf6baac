"""What user tells of its audited calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.audit import AuditedCall
from services.chassis.audit.messages import call_to_proto
from trellis.user.v1 import events_pb2 as pb


def _call_audited(call: AuditedCall) -> Message:
    return pb.CallAudited(organization=call.organization, call=call_to_proto(call))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    AuditedCall: _call_audited,
}
