"""Update masks: which fields change."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.chassis import masks
from services.chassis.errors import InvalidArgument
from trellis.user.v1 import resources_pb2 as pb

WRITABLE = ("display_name", "time_zone")
ADA = pb.User(name="users/usr_1", email="ada@example.com", display_name="Ada", etag='"1"')


@pytest.mark.parametrize(
    ("paths", "values"),
    [
        ([], {"display_name": "Ada"}),
        (["display_name"], {"display_name": "Ada"}),
        (["time_zone"], {"time_zone": ""}),
        (["time_zone", "display_name"], {"time_zone": "", "display_name": "Ada"}),
        (["*"], {"display_name": "Ada", "time_zone": ""}),
    ],
)
def test_a_mask_names_what_changes(paths: list[str], values: dict[str, str]) -> None:
    assert masks.values(ADA, FieldMask(paths=paths), WRITABLE) == values


@pytest.mark.parametrize("path", ["email", "name", "etag", "nothing", "", "display_name.x", "displayName", "__class__"])
def test_what_cannot_be_written_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        masks.values(ADA, FieldMask(paths=["display_name", path]), WRITABLE)

    [violation] = refusal.value.fields
    assert violation.field == "update_mask"
    assert violation.description == f"{path} cannot be changed; display_name, time_zone can."


def test_nothing_to_change_is_refused() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        masks.values(pb.User(name="users/usr_1"), FieldMask(), WRITABLE)

    assert refusal.value.fields[0].field == "update_mask"
