"""Domain events as the contract announces them: topic, subject and payload."""

from services.auth.events.announcement import announcement

__all__ = [
    "announcement",
]
