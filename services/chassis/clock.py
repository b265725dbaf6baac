"""Time as a parameter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the time of now, in UTC."""


def utc_now() -> datetime:
    """Return the machine's time. Only wiring names this; everything else is handed a Clock."""
    return datetime.now(UTC)
