"""Audit entries, and what checking them found."""

from __future__ import annotations

from services.chassis.times import timestamp
from services.user.domain import AuditEntry, AuditFault, FaultKind, Verification
from trellis.user.v1 import audit_service_pb2 as pb


def audit_entry_to_proto(entry: AuditEntry) -> pb.AuditEntry:
    return pb.AuditEntry(
        name=entry.name,
        sequence=entry.sequence,
        create_time=timestamp(entry.create_time),
        service=entry.service,
        rpc=entry.rpc,
        actor=entry.actor,
        api_key=entry.api_key,
        resources=entry.resources,
        code=entry.code,
        reason=entry.reason,
        request_id=entry.request_id,
        trace_id=entry.trace_id,
        address_prefix=entry.address_prefix,
        call_count=entry.call_count,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )


def verification_to_proto(found: Verification) -> pb.VerifyAuditLogResponse:
    return pb.VerifyAuditLogResponse(
        verified_count=found.verified,
        fault=_fault(found.fault) if found.fault else None,
        next_audit_entry=found.last.name if found.more and found.last else "",
        last_hash=found.last.hash if found.last else "",
    )


_KINDS = {
    FaultKind.CHANGED: pb.AuditFault.KIND_CHANGED,
    FaultKind.MISSING: pb.AuditFault.KIND_MISSING,
    FaultKind.ENDS_CHANGED: pb.AuditFault.KIND_ENDS_CHANGED,
}


def _fault(fault: AuditFault) -> pb.AuditFault:
    return pb.AuditFault(kind=_KINDS[fault.kind], sequence=fault.sequence, audit_entry=fault.audit_entry)
