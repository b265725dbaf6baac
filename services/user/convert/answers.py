"""What a repeated request is answered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.user.convert import (
    attributes,
    domains,
    imports,
    invitations,
    memberships,
    operations,
    organizations,
    personal_data,
    preferences,
    teams,
    users,
)


def answer_to_proto(answer: Any) -> Message:
    """Return the message that answers with a domain object: what a repeated request is answered with."""
    return _ANSWERS[type(answer)](answer)


_ANSWERS: dict[type, Callable[[Any], Message]] = {
    **attributes.ANSWERS,
    **domains.ANSWERS,
    **imports.ANSWERS,
    **invitations.ANSWERS,
    **memberships.ANSWERS,
    **operations.ANSWERS,
    **organizations.ANSWERS,
    **personal_data.ANSWERS,
    **preferences.ANSWERS,
    **teams.ANSWERS,
    **users.ANSWERS,
}
