"""The keys that access tokens are signed with, for `trellis key --signing`."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from cli.commands.output import Format, explain, listing
from cli.home import home

_COLUMNS = {"kid": "key", "state": "state", "create_time": "made", "sign_from_time": "signs from", "retire_time": "ends"}


def list_keys(output: Format) -> None:
    """Print the keys that are not retired, oldest first."""
    from trellis.auth.v1 import signing_key_service_pb2 as rpc

    listing(_rows(_asked("GetSigningKeys", rpc.GetSigningKeysRequest())), output, _COLUMNS)


def rotate(output: Format) -> None:
    """Make a new key, retire the others, and print all of them and what happens next.

    The new key is published at once and signs only when every service has had the time to learn it. The others verify until
    the last token they signed has expired.
    """
    from trellis.auth.v1 import signing_key_service_pb2 as rpc

    keys = _asked("RotateSigningKeys", rpc.RotateSigningKeysRequest(request_id=str(uuid.uuid4())))
    listing(_rows(keys), output, _COLUMNS)
    for line in next_steps(keys, datetime.now(UTC)):
        explain(line)


def next_steps(keys: Any, now: datetime) -> list[str]:
    """Return what happens after a rotation, in words."""
    *old, new = keys.keys
    begins = new.sign_from_time.ToDatetime(UTC)
    lines = [
        f"Now: {new.kid} is published.",
        f"{begins:%H:%M:%S} UTC (in {_minutes(begins - now)}): it signs every new token.",
    ]
    if ends := [key.retire_time.ToDatetime(UTC) for key in old if key.HasField("retire_time")]:
        last = max(ends)
        gone = "the other keys are" if len(old) > 1 else f"{old[0].kid} is"
        lines.append(f"{last:%H:%M:%S} UTC (in {_minutes(last - now)}): {gone} gone; the last token of it has expired.")
    return lines


def _minutes(wait: Any) -> str:
    seconds = max(0, round(wait.total_seconds()))
    return f"{seconds // 60} min {seconds % 60} s"


def _asked(method: str, request: Any) -> Any:
    from cli.operator import call
    from trellis.auth.v1.signing_key_service_pb2_grpc import SigningKeyServiceStub

    return call(home(), "auth", SigningKeyServiceStub, method, request)


def _rows(keys: Any) -> list[dict[str, str]]:
    return [
        {
            "kid": key.kid,
            "state": _state(key, keys.signing_kid),
            "create_time": key.create_time.ToJsonString(),
            "sign_from_time": key.sign_from_time.ToJsonString(),
            "retire_time": key.retire_time.ToJsonString() if key.HasField("retire_time") else "",
        }
        for key in keys.keys
    ]


def _state(key: Any, signing_kid: str) -> str:
    if key.kid == signing_kid:
        return "signs"
    return "verifies" if key.HasField("retire_time") else "published"
