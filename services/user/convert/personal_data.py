"""Exports, certificates, and what services answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.personal_data import ErasedRecords, ErasureReport, KeptRecords
from services.chassis.times import time_of, timestamp
from services.user.domain import ErasureCertificate, PersonalDataExport
from trellis.user.v1 import personal_data_service_pb2 as pb


def export_to_proto(export: PersonalDataExport) -> pb.PersonalDataExport:
    return pb.PersonalDataExport(
        name=export.name,
        size_bytes=len(export.document),
        sha256=export.sha256,
        create_time=timestamp(export.create_time),
        expire_time=timestamp(export.expire_time),
    )


def certificate_to_proto(certificate: ErasureCertificate) -> pb.ErasureCertificate:
    return pb.ErasureCertificate(
        name=certificate.name,
        user=certificate.user,
        certificate=certificate.certificate,
        create_time=timestamp(certificate.create_time),
    )


def report_of(answer: Any) -> ErasureReport:
    """Return what a service's `PersonalDataErased` says, whichever service it is."""
    erased = (
        ErasedRecords(each.record, each.count, tuple(each.personal_fields), tuple(each.secret_fields))
        for each in answer.erased
    )
    kept = (
        KeptRecords(each.record, each.reason, time_of(each.end_time) if each.HasField("end_time") else None)
        for each in answer.kept
    )
    return ErasureReport(tuple(erased), tuple(kept))


ANSWERS: dict[type, Callable[[Any], Message]] = {
    ErasureCertificate: certificate_to_proto,
    PersonalDataExport: export_to_proto,
}
