"""Imports through the edge: resumed after kill -9, wrong rows among right ones, and the command line."""

from __future__ import annotations

import json
import os
import signal
import uuid
from pathlib import Path

import grpc
import pytest

from cli.importing import Importer
from tests.e2e.client import Person, sign_up
from tests.e2e.platform import Platform
from trellis.user.v1 import import_service_pb2 as rpc
from trellis.user.v1.import_service_pb2_grpc import ImportServiceStub

PEOPLE = 5_000
CREATED, FAILED = rpc.ImportRowResult.OUTCOME_CREATED, rpc.ImportRowResult.OUTCOME_FAILED


def people(count: int) -> list[rpc.ImportedUser]:
    mark = uuid.uuid4().hex[:8]
    return [rpc.ImportedUser(email=f"p{n}@{mark}.example", display_name=f"P {n}") for n in range(1, count + 1)]


@pytest.fixture
def owner(platform: Platform) -> Person:
    """The owner of an organization with nobody else in it."""
    person = sign_up(platform.rest, platform.mail, "Olga")
    person.new_organization("Imports")
    return person


def members(platform: Platform, organization: str) -> tuple[int, int]:
    """How many provisioned members there are, and how many addresses they have."""
    found = platform.sql(
        "user",
        "SELECT count(*), count(DISTINCT u.email) FROM memberships m JOIN users u ON u.name = m.user "
        f"WHERE m.organization = '{organization}' AND u.state = 5",
    )
    count, addresses = found.replace("|", " ").split()
    return int(count), int(addresses)


def test_kill_9_in_the_middle_and_a_token_make_every_row_a_member_once(platform: Platform, owner: Person) -> None:
    rows, report, killed = people(PEOPLE), list[rpc.ImportRowResult](), list[int]()
    for wrong in (100, 2_500, 4_999):
        rows[wrong - 1].email = "no address"

    def answered(answer: rpc.ImportUsersResponse) -> None:
        report.extend(answer.results)
        if len(report) >= PEOPLE // 3 and not killed:
            killed.extend(pid for name, pid in platform.pids().items() if name.startswith("user"))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    with grpc.insecure_channel(platform.target) as channel:
        importer = Importer(channel, lambda: owner.token, owner.organization, rows, answered, attempts=20)
        totals = importer.run()

    assert killed
    assert totals == rpc.ImportTotals(created=PEOPLE - 3, failed=3)
    assert [result.row for result in report] == [*range(1, PEOPLE + 1)]
    assert [result.row for result in report if result.outcome == FAILED] == [100, 2_500, 4_999]
    assert members(platform, owner.organization) == (PEOPLE - 3, PEOPLE - 3)


def test_a_foreign_resume_token_is_refused(platform: Platform, owner: Person) -> None:
    other = sign_up(platform.rest, platform.mail, "Oscar")
    other.new_organization("Elsewhere")
    with grpc.insecure_channel(platform.target) as channel:
        stub = ImportServiceStub(channel)
        mine = rpc.ImportUsersRequest(parent=owner.organization, rows=people(1))
        token = next(iter(stub.ImportUsers(iter([mine]), metadata=owner.metadata))).resume_token
        foreign = rpc.ImportUsersRequest(parent=other.organization, rows=people(1), resume_token=token)
        with pytest.raises(grpc.RpcError) as refused:
            list(stub.ImportUsers(iter([foreign]), metadata=other.metadata))

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert members(platform, other.organization) == (0, 0)


def test_the_command_line_imports_a_file_and_says_what_became_of_it(
    platform: Platform, owner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Platform, "environment", {**platform.environment, "TRELLIS_TOKEN": owner.token})
    file = tmp_path / "staff.csv"
    lines = ["email,display_name,role,external_id", f"fay@{uuid.uuid4().hex}.example,Fay,admin,7", "gus,Gus,member,8"]
    file.write_text("\n".join(lines) + "\n")
    done = platform.cli("user", "import", str(file), "-o", "json")

    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["created"], answer["failed"]) == (1, 1)
    first, second = map(json.loads, (tmp_path / "staff.csv.report.jsonl").read_text().splitlines())
    assert (first["row"], first["outcome"], first["external_id"]) == (1, "CREATED", "7")
    assert (second["outcome"], second["reason"], [*second["fields"]]) == ("FAILED", "REQUEST_INVALID", ["email"])
    assert not (tmp_path / "staff.csv.resume.json").exists()
