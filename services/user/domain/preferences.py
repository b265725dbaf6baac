"""How somebody likes to see things, and what an organization suggests to its members."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any, Self

FIELDS = ("theme", "date_format", "clock_format", "first_weekday", "digest", "rows_per_page")
PLATFORM = {"theme": 1, "date_format": 1, "clock_format": 1, "first_weekday": 1, "digest": 1, "rows_per_page": 50}
"""What counts where neither the user nor the organization said anything; the numbers are the contract's."""


class Source(IntEnum):
    """Who said something; the numbers are the contract's."""

    PLATFORM = 1
    ORGANIZATION = 2
    USER = 3


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user, or an organization for its members, said. Zero: nothing."""

    name: str
    """`users/{user}/preferences` or `organizations/{organization}/preferences`."""
    theme: int = 0
    date_format: int = 0
    clock_format: int = 0
    first_weekday: int = 0
    digest: int = 0
    rows_per_page: int = 0
    update_time: datetime | None = None
    version: int = 0

    def change(self, values: dict[str, Any], at: datetime) -> tuple[Self, PreferencesUpdated]:
        """Return the preferences with the values changed, and what to announce."""
        changed = replace(self, **values, update_time=at, version=self.version + 1)
        return changed, PreferencesUpdated(self.name, tuple(sorted(values)), at)


@dataclass(frozen=True, slots=True)
class ResolvedPreferences:
    """Preferences with every field set, and who set it."""

    preferences: Preferences
    sources: dict[str, Source]


def resolve(user: Preferences, organization: Preferences | None) -> ResolvedPreferences:
    """Let the user's word count before the organization's, and that before the platform's."""
    values: dict[str, Any] = dict(PLATFORM)
    sources = dict.fromkeys(FIELDS, Source.PLATFORM)
    for source, said in ((Source.ORGANIZATION, organization), (Source.USER, user)):
        for field in FIELDS:
            if said is not None and (value := getattr(said, field)):
                values[field], sources[field] = value, source
    return ResolvedPreferences(Preferences(user.name, **values), sources)


def preferences_of(holder: str) -> str:
    """Return the name of a user's or an organization's preferences."""
    return f"{holder}/preferences"


@dataclass(frozen=True, slots=True)
class PreferencesUpdated:
    """Somebody's preferences changed, or an organization's defaults."""

    preferences: str
    fields: tuple[str, ...]
    update_time: datetime
