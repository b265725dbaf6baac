"""From a domain event to what is published."""

from __future__ import annotations

from typing import Any

from services.auth.events import (
    accounts,
    api_keys,
    audit,
    passwords,
    personal_data,
    role_bindings,
    roles,
    service_accounts,
    sessions,
    sign_ups,
)
from services.chassis.db.session import Announcement
from trellis.policies import EVENTS


def announcement(event: Any) -> Announcement:
    """Return an event as it is published."""
    message = _MESSAGES[type(event)](event)
    topic, key = EVENTS[message.DESCRIPTOR.full_name]
    return Announcement(topic, getattr(message, key), message.SerializeToString())


_MESSAGES = {
    **accounts.MESSAGES,
    **api_keys.MESSAGES,
    **audit.MESSAGES,
    **service_accounts.MESSAGES,
    **passwords.MESSAGES,
    **role_bindings.MESSAGES,
    **roles.MESSAGES,
    **personal_data.MESSAGES,
    **sessions.MESSAGES,
    **sign_ups.MESSAGES,
}
