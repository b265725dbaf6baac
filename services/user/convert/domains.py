"""Domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from services.chassis.etags import etag_of
from services.chassis.times import timestamp
from services.user.domain import Domain
from trellis.user.v1 import domain_service_pb2 as pb


def domain_to_proto(domain: Domain) -> pb.Domain:
    return pb.Domain(
        name=domain.name,
        state=pb.Domain.State.ValueType(domain.state),
        capture=domain.capture,
        txt_record_name=domain.record_name,
        txt_record_value=domain.record_value,
        create_time=timestamp(domain.create_time),
        update_time=timestamp(domain.update_time),
        verify_time=timestamp(domain.verify_time),
        seen_time=timestamp(domain.seen_time),
        etag=etag_of(domain.version),
    )


ANSWERS: dict[type, Callable[[Any], Message]] = {
    Domain: domain_to_proto,
}
