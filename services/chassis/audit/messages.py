"""Audited calls between the domain and the contract."""

from __future__ import annotations

from services.chassis.audit.call import AuditedCall
from services.chassis.times import time_of, timestamp
from trellis.policy.v1 import audit_pb2 as pb


def call_to_proto(call: AuditedCall) -> pb.AuditedCall:
    """Return what every service's `CallAudited` holds."""
    return pb.AuditedCall(
        id=call.id,
        call_time=timestamp(call.time),
        service=call.service,
        rpc=call.rpc,
        actor=call.actor,
        api_key=call.api_key,
        resources=call.resources,
        code=call.code,
        reason=call.reason,
        request_id=call.request_id,
        trace_id=call.trace_id,
        address_prefix=call.address_prefix,
        call_count=call.call_count,
    )


def call_of(message: pb.AuditedCall, organization: str) -> AuditedCall:
    """Return what a service told."""
    return AuditedCall(
        id=message.id,
        time=time_of(message.call_time),
        organization=organization,
        service=message.service,
        rpc=message.rpc,
        actor=message.actor,
        api_key=message.api_key,
        resources=tuple(message.resources),
        code=message.code,
        reason=message.reason,
        request_id=message.request_id,
        trace_id=message.trace_id,
        address_prefix=message.address_prefix,
        call_count=message.call_count,
    )
