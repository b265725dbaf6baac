"""Preferences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from services.user.domain import Preferences, ResolvedPreferences
from trellis.user.v1 import preferences_service_pb2 as pb


def preferences_to_proto(preferences: Preferences) -> pb.Preferences:
    return pb.Preferences(
        name=preferences.name,
        theme=pb.Preferences.Theme.ValueType(preferences.theme),
        date_format=pb.Preferences.DateFormat.ValueType(preferences.date_format),
        clock_format=pb.Preferences.ClockFormat.ValueType(preferences.clock_format),
        first_weekday=pb.Preferences.Weekday.ValueType(preferences.first_weekday),
        digest=pb.Preferences.Digest.ValueType(preferences.digest),
        rows_per_page=preferences.rows_per_page,
        update_time=timestamp(preferences.update_time),
        etag=etag_of(preferences.version),
    )


def resolved_preferences_to_proto(resolved: ResolvedPreferences) -> pb.ResolvedPreferences:
    preferences = preferences_to_proto(resolved.preferences)
    preferences.ClearField("etag")
    sources = {field: pb.ResolvedPreferences.Source.ValueType(source) for field, source in resolved.sources.items()}
    return pb.ResolvedPreferences(preferences=preferences, sources=sources)


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Preferences: preferences_to_proto,
}
