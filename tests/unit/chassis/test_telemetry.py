"""What a log line tells, and what it keeps to itself."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.chassis import telemetry
from trellis.auth.v1 import service_pb2 as rpc


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """What is written to standard output."""
    captured = io.BytesIO()
    text = io.TextIOWrapper(captured)  # named: it would close what it wraps when it is collected
    monkeypatch.setattr(sys, "stdout", text)
    telemetry.start_logs("auth", "info")
    yield captured
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(output: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def fail(password: str) -> None:
    raise ValueError(f"cannot keep it\nDETAIL:  Failing row contains ({password}).")


def test_a_traceback_has_frames_but_no_variables_and_no_rows(output: io.BytesIO) -> None:
    try:
        fail("correct horse battery")
    except ValueError:
        structlog.get_logger().exception("bug", rpc="SignUp")

    [line] = lines(output)
    [stack] = line["exception"]
    assert (stack["exc_type"], stack["exc_value"]) == ("ValueError", "cannot keep it")
    assert [frame["name"] for frame in stack["frames"]][-1] == "fail"
    assert "correct horse battery" not in output.getvalue().decode()


def test_a_message_shows_that_personal_and_secret_fields_are_set_and_no_more(output: io.BytesIO) -> None:
    request = rpc.SignInRequest(
        email="ada@example.com", password="correct horse battery", organization="organizations/org_1"
    )

    structlog.get_logger().info("refused", request=request)

    [line] = lines(output)
    assert line["request"] == {
        "email": "[redacted]",
        "password": "[redacted]",
        "organization": "organizations/org_1",
    }
