"""Importing people: rows become messages of a stream, answers a report, and a cut stream is taken up again."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cli.commands.output import Failed
from cli.edge import refused
from trellis.user.v1 import import_service_pb2 as rpc
from trellis.user.v1 import resources_pb2 as pb
from trellis.user.v1.import_service_pb2_grpc import ImportServiceStub

ROWS_A_MESSAGE = 500
AHEAD = 4  # messages on their way: enough that neither side waits, and little to send again
ATTEMPTS = 8
_PASSES = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
_TEXTS = ("email", "display_name", "language_code", "time_zone", "external_id")
_ATTRIBUTE = "attributes."

Token = Callable[[], str]
Answered = Callable[[rpc.ImportUsersResponse], None]


def read_rows(path: Path) -> list[rpc.ImportedUser]:
    """Return the rows of a .csv or .jsonl file. Raises Failed for a line that is neither."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".jsonl":
                return [_from_json(line, number) for number, line in enumerate(file, 1) if line.strip()]
            if path.suffix == ".csv":
                return [_from_csv(values, number) for number, values in enumerate(csv.DictReader(file), 2)]
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Failed(f"{path} is not UTF-8.") from None
    raise Failed(f"{path} is neither .csv nor .jsonl.")


def _from_json(line: str, number: int) -> rpc.ImportedUser:
    try:
        values = json.loads(line)
        return _row({**values, "role": _role(values.get("role", ""))})
    except (ValueError, TypeError, json_format.ParseError) as error:
        raise Failed(f"line {number} is no row: {str(error).splitlines()[0]}") from None


def _from_csv(values: dict[str | None, Any], number: int) -> rpc.ImportedUser:
    if None in values or None in values.values():
        raise Failed(f"line {number} has not as many cells as the first line.")
    given = {str(name): text for name, text in values.items() if text}
    attributes = {name.removeprefix(_ATTRIBUTE): _value(text) for name, text in given.items() if name.startswith(_ATTRIBUTE)}
    unknown = sorted({name for name in given if not name.startswith(_ATTRIBUTE)} - {*_TEXTS, "role"})
    if unknown:
        raise Failed(f"there is no column {unknown[0]}; there are {', '.join((*_TEXTS, 'role', _ATTRIBUTE + 'NAME'))}.")
    texts = {name: given[name] for name in _TEXTS if name in given}
    return _row({**texts, "role": _role(given.get("role", "")), **({"attributes": attributes} if attributes else {})})


def _row(values: dict[str, Any]) -> rpc.ImportedUser:
    return json_format.ParseDict(values, rpc.ImportedUser())


def _role(text: str) -> str:
    name = str(text).upper()
    name = name if name.startswith("ROLE_") or not name else f"ROLE_{name}"
    if name and name not in pb.Role.keys():  # noqa: SIM118 -- an enum, not a mapping
        raise Failed(f"there is no role {text}; there are member and admin.")
    return name or "ROLE_UNSPECIFIED"


def _value(text: str) -> Any:
    """Return a cell as JSON says it, or as the text it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(slots=True)
class Importer:
    """Imports rows through one channel, however often the stream is cut."""

    channel: grpc.Channel
    token: Token
    organization: str
    rows: Sequence[rpc.ImportedUser]
    answered: Answered
    validate_only: bool = False
    resume_token: str = ""
    next_row: int = 1
    attempts: int = ATTEMPTS

    def run(self) -> rpc.ImportTotals:
        """Return the totals. Raises Failed with what the platform said, if it says so or is away for too long."""
        failures = 0
        while True:
            before = self.next_row
            try:
                return self._stream()
            except grpc.RpcError as error:
                failures = 1 if self.next_row > before else failures + 1
                if not _may_pass(error) or failures >= self.attempts:
                    refused(error)
                time.sleep(min(2.0, 0.1 * 2**failures))

    def _stream(self) -> rpc.ImportTotals:
        ahead = threading.Semaphore(AHEAD)
        metadata = (("authorization", f"Bearer {self.token()}"),)
        answers = ImportServiceStub(self.channel).ImportUsers(self._messages(ahead), metadata=metadata)
        for answer in answers:
            self.resume_token, self.next_row = answer.resume_token, answer.next_row
            self.answered(answer)
            ahead.release()
            if answer.complete:
                return answer.totals
        raise Failed("the stream ended without its last answer; go on with --resume.")

    def _messages(self, ahead: threading.Semaphore) -> Iterator[rpc.ImportUsersRequest]:
        first = self.next_row
        yield self._message(rpc.ImportUsersRequest(resume_token=self.resume_token, validate_only=self.validate_only), first)
        for number in range(first + ROWS_A_MESSAGE, len(self.rows) + 1, ROWS_A_MESSAGE):
            ahead.acquire()
            yield self._message(rpc.ImportUsersRequest(), number)

    def _message(self, message: rpc.ImportUsersRequest, first: int) -> rpc.ImportUsersRequest:
        message.parent = self.organization
        message.rows.extend(self.rows[first - 1 : first - 1 + ROWS_A_MESSAGE])
        return message


def _may_pass(error: Any) -> bool:
    """Whether the stream was cut rather than refused: what the platform refuses comes with details."""
    return error.code() in _PASSES or rpc_status.from_call(error) is None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each row, beside the file; and while the import is not over, how to go on with it."""

    path: Path
    """The file with the rows."""

    @property
    def results(self) -> Path:
        """One line of JSON for each row."""
        return self.path.with_name(self.path.name + ".report.jsonl")

    @property
    def state(self) -> Path:
        """The resume token of an import that is not over."""
        return self.path.with_name(self.path.name + ".resume.json")

    def begin(self) -> None:
        """Begin anew."""
        self.results.write_text("")
        self.state.unlink(missing_ok=True)

    def resume(self) -> dict[str, Any]:
        """Return the state, with the report cut to what it is about. Raises Failed if there is none."""
        try:
            state: dict[str, Any] = json.loads(self.state.read_text())
        except (OSError, ValueError):
            raise Failed(f"there is nothing to resume: {self.state} is not there; begin without --resume.") from None
        with self.results.open("r+b") as results:
            results.truncate(state["report_bytes"])
        return state

    def add(self, answer: rpc.ImportUsersResponse, organization: str) -> None:
        """Write the results of an answer, then how to go on after them."""
        with self.results.open("a") as results:
            results.writelines(json.dumps(_line(result), ensure_ascii=False) + "\n" for result in answer.results)
            results.flush()
            size = results.tell()
        if answer.complete:
            return self.state.unlink(missing_ok=True)
        state = {"organization": organization, "resume_token": answer.resume_token, "next_row": answer.next_row}
        partly = self.state.with_suffix(".part")
        partly.write_text(json.dumps({**state, "report_bytes": size}))
        partly.replace(self.state)


def _line(result: rpc.ImportRowResult) -> dict[str, Any]:
    outcome = rpc.ImportRowResult.Outcome.Name(result.outcome).removeprefix("OUTCOME_")
    line: dict[str, Any] = {"row": result.row, "outcome": outcome}
    line |= {name: getattr(result, name) for name in ("external_id", "user") if getattr(result, name)}
    if result.HasField("error"):
        line["message"] = result.error.message
    for detail in result.error.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            line["reason"] = info.reason
        elif detail.Unpack(bad):
            line["fields"] = {each.field: each.description for each in bad.field_violations}
    return line
