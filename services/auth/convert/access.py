"""What is said about somebody's access."""

from __future__ import annotations

from services.auth.domain import Grant
from trellis.auth.v1 import access_service_pb2 as pb


def grant_to_proto(grant: Grant | None) -> pb.CheckAccessResponse:
    if grant is None:
        return pb.CheckAccessResponse(allowed=False, explanation="No role of the subject permits this on the resource.")
    through = f" through {grant.team}" if grant.team else ""
    return pb.CheckAccessResponse(
        allowed=True,
        role=grant.role,
        source=grant.source,
        team=grant.team,
        resource=grant.resource,
        explanation=f"{grant.source} gives {grant.role} on {grant.resource}{through}.",
    )
