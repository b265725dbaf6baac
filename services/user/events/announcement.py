"""From a domain event to what is published."""

from __future__ import annotations

from typing import Any

from services.chassis.db.session import Announcement
from services.user.events import (
    attributes,
    audit,
    domains,
    imports,
    invitations,
    memberships,
    organizations,
    personal_data,
    preferences,
    teams,
    users,
)
from trellis.policies import EVENTS


def announcement(event: Any) -> Announcement:
    """Return an event as it is published."""
    message = _MESSAGES[type(event)](event)
    topic, key = EVENTS[message.DESCRIPTOR.full_name]
    return Announcement(topic, getattr(message, key), message.SerializeToString())


_MESSAGES = {
    **attributes.MESSAGES,
    **audit.MESSAGES,
    **domains.MESSAGES,
    **imports.MESSAGES,
    **invitations.MESSAGES,
    **memberships.MESSAGES,
    **organizations.MESSAGES,
    **personal_data.MESSAGES,
    **preferences.MESSAGES,
    **teams.MESSAGES,
    **users.MESSAGES,
}
