"""Sessions and token sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.auth.domain import RevokedSessions, Session, TokenSet
from services.chassis import principal
from services.chassis.times import timestamp
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc


def session_to_proto(session: Session) -> pb.Session:
    return pb.Session(
        name=session.name,
        organization=session.organization,
        user_agent=session.user_agent,
        create_time=timestamp(session.create_time),
        last_refresh_time=timestamp(session.last_refresh_time),
        expire_time=timestamp(session.expire_time),
        revoke_time=timestamp(session.revoke_time),
        current=session.name == principal.current().session,
    )


def token_set_to_proto(tokens: TokenSet) -> pb.TokenSet:
    return pb.TokenSet(
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 -- the name of a scheme
        expire_time=timestamp(tokens.expire_time),
        refresh_token=tokens.refresh_token,
        session=tokens.session,
        user=tokens.user,
        organization=tokens.organization,
        permissions=tokens.permissions,
    )


def revoked_to_proto(revoked: RevokedSessions) -> rpc.RevokeAllSessionsResponse:
    return rpc.RevokeAllSessionsResponse(revoked_count=revoked.count)


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Session: session_to_proto,
    TokenSet: token_set_to_proto,
    RevokedSessions: revoked_to_proto,
}
