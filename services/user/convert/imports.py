"""Imports: rows on their way in, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.message import Message

from services.chassis.addresses import normalized_email
from services.chassis.errors import InvalidArgument, invalid_field
from services.chassis.rpc.errors import status_of
from services.chassis.rpc.validation import invalid, violations
from services.user.convert.attributes import attributes_from_proto
from services.user.domain import ImportedRows, ImportRow, Progress, Role, RowResult
from trellis.user.v1 import import_service_pb2 as pb
from trellis.user.v1 import resources_pb2 as resources

DOMAIN = "trellis.user"
MAX_EXTERNAL_ID = 128  # of a row that may be wrong, no more is given back


def import_rows_from_proto(rows: Iterable[pb.ImportedUser], first: int) -> list[ImportRow]:
    """Return the rows with their numbers; one that is not well-formed carries its error."""
    return [_row(row, number) for number, row in enumerate(rows, first)]


def imported_rows_to_proto(imported: ImportedRows) -> pb.ImportUsersResponse:
    return pb.ImportUsersResponse(results=map(_result, imported.results))


def totals_to_proto(progress: Progress) -> pb.ImportTotals:
    created, updated, unchanged, failed = progress.outcomes
    return pb.ImportTotals(created=created, updated=updated, unchanged=unchanged, failed=failed)


def _row(row: pb.ImportedUser, number: int) -> ImportRow:
    try:
        if found := violations(row):
            raise invalid(found)
        if not row.display_name.strip():
            raise invalid_field("display_name", "must not be empty.", "required")
        attributes = attributes_from_proto(row.attributes) if row.HasField("attributes") else {}
    except InvalidArgument as error:
        return ImportRow(number, "", external_id=row.external_id[:MAX_EXTERNAL_ID], error=error)
    return ImportRow(
        number,
        normalized_email(row.email),
        row.display_name,
        Role(row.role or resources.ROLE_MEMBER),
        row.language_code,
        row.time_zone,
        attributes,
        row.external_id,
    )


def _result(result: RowResult) -> pb.ImportRowResult:
    message = pb.ImportRowResult(
        row=result.row,
        outcome=pb.ImportRowResult.Outcome.ValueType(result.outcome),
        external_id=result.external_id,
        user=result.user,
    )
    if result.error is not None:
        message.error.CopyFrom(status_of(result.error, DOMAIN))
    return message


ANSWERS: dict[type, Callable[[Any], Message]] = {
    ImportedRows: imported_rows_to_proto,
}
