"""Audit logs for the tests of what serves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.chassis.audit import AuditedCall
from services.chassis.audit.messages import call_to_proto
from services.chassis.bus.bus import Event
from services.user import consumers
from tests.component.user.conftest import ACME, ADA
from tests.fakes.user_process import UserProcess
from trellis.user.v1 import events_pb2 as pb

CREATE_TEAM = "trellis.user.v1.TeamService/CreateTeam"


def call(at: datetime, number: int = 1, organization: str = ACME) -> AuditedCall:
    """Return a call of Ada's that made a team."""
    resources = (organization, f"{organization}/teams/team_{number}")
    return AuditedCall(
        id=f"aud_{number}",
        time=at,
        organization=organization,
        service="user",
        rpc=CREATE_TEAM,
        actor=ADA,
        api_key="",
        resources=resources,
        code="OK",
        reason="",
        request_id=f"req-{number}",
        trace_id="",
        address_prefix="192.0.2.0/24",
    )


def refused(at: datetime, number: int) -> AuditedCall:
    """Return a call of Ada's that was refused."""
    return replace(call(at, number), code="PERMISSION_DENIED", reason="PERMISSION_DENIED", resources=(ACME,))


async def tell(service: UserProcess, *calls: AuditedCall) -> None:
    """Let the event of each call arrive."""
    for each in calls:
        data = pb.CallAudited(organization=each.organization, call=call_to_proto(each)).SerializeToString()
        event = Event(f"evt_{each.id}", "services/user", "user.v1.call_audited", each.organization, each.time, data)
        await consumers.audit(service.parts.audit).handle(event)
