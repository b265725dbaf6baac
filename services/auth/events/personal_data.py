"""Auth's answers when somebody's data is exported or erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.personal_data import ErasedRecords, KeptRecords, PersonalDataCollected, PersonalDataErased
from services.chassis.times import timestamp
from trellis.auth.v1 import events_pb2 as pb
from trellis.policy.v1 import personal_data_pb2 as shared


def _collected(event: PersonalDataCollected) -> Message:
    return pb.PersonalDataCollected(
        user=event.user,
        operation=event.operation,
        document=event.document,
        collect_time=timestamp(event.collect_time),
    )


def _erased(event: PersonalDataErased) -> Message:
    return pb.PersonalDataErased(
        user=event.user,
        operation=event.operation,
        erased=map(_erased_records, event.report.erased),
        kept=map(_kept_records, event.report.kept),
        erase_time=timestamp(event.erase_time),
    )


def _erased_records(erased: ErasedRecords) -> shared.ErasedRecords:
    return shared.ErasedRecords(
        record=erased.record,
        count=erased.count,
        personal_fields=erased.personal_fields,
        secret_fields=erased.secret_fields,
    )


def _kept_records(kept: KeptRecords) -> shared.KeptRecords:
    return shared.KeptRecords(record=kept.record, reason=kept.reason, end_time=timestamp(kept.end_time))


MESSAGES: dict[type, Callable[[Any], Message]] = {
    PersonalDataCollected: _collected,
    PersonalDataErased: _erased,
}
