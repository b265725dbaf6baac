"""The command line's promises to scripts: exit codes, nothing but the answer on standard output, one shape of status."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.client import Person, mails_to, sign_up
from tests.e2e.platform import ENGINES, SERVICES, Platform, eventually, free_base
from tests.e2e.system import System, alive

OK, FAILED, USAGE, NOT_READY = range(4)


@pytest.fixture
def stopped() -> Iterator[Platform]:
    """A home in which nothing runs, and in which nothing runs afterwards."""
    with tempfile.TemporaryDirectory(prefix="trellis-e2e-", ignore_cleanup_errors=True) as home:
        os.chmod(home, 0o755)
        platform = Platform(Path(home, "home"), free_base())
        yield platform
        platform.cli("down")
        assert processes(platform) == set()


def processes(platform: Platform) -> set[int]:
    """Return what lives and belongs to a home."""
    return System(platform.path).processes()


# Status


def test_status_says_all_in_one_shape(platform: Platform) -> None:
    done = platform.cli("status", "-o", "json")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (OK, "")
    assert found == {"healthy": True, "endpoints": endpoints(platform), "processes": found["processes"]}
    assert [process["name"] for process in found["processes"]] == [*ENGINES, *SERVICES]
    assert [shape(process) for process in found["processes"]] == [SHAPE] * 5
    assert all(process["state"] == "ready" and alive(process["pid"]) for process in found["processes"])


SHAPE = {"name": str, "pid": int, "state": str, "restarts": int}


def shape(process: dict[str, Any]) -> dict[str, type]:
    """Return the types of the values."""
    return {name: type(value) for name, value in process.items()}


def endpoints(platform: Platform) -> dict[str, str]:
    """Return where a platform answers."""
    return {
        "rest": platform.rest,
        "grpc": platform.target,
        "envoy_admin": f"http://127.0.0.1:{platform.home.ports['envoy_admin']}",
        "mail": str(platform.mail),
    }


@pytest.mark.parametrize("words", [["status"], ["status", "-o", "json"], ["restart"]])
def test_what_does_not_run_is_not_ready(words: list[str], stopped: Platform) -> None:
    done = stopped.cli(*words)
    assert (done.returncode, done.stdout) == (NOT_READY, "")
    assert "trellis up" in done.stderr


def test_stopping_what_does_not_run_is_no_failure(stopped: Platform) -> None:
    assert stopped.cli("down").returncode == OK


# Life


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_the_terminal_leaves_no_process(number: signal.Signals, stopped: Platform) -> None:
    supervisor = stopped.foreground()
    assert len(processes(stopped)) > len(ENGINES + SERVICES)
    supervisor.send_signal(number)
    assert supervisor.wait(30) == OK
    assert processes(stopped) == set()


def test_people_are_still_there_after_a_stop(stopped: Platform) -> None:
    stopped.up()
    person = sign_up(stopped.rest, stopped.mail, "Stayed")
    organization = person.new_organization("Stayed Ltd.")
    stopped.down()
    assert processes(stopped) == set()
    stopped.up()
    assert person.refresh().status == 200
    assert person.rest.ok("GET", f"/v1/{organization}")["displayName"] == "Stayed Ltd."


def test_more_workers_serve_as_one(stopped: Platform) -> None:
    stopped.up("--workers", "2")
    person = sign_up(stopped.rest, stopped.mail, "Two")
    organization = person.new_organization("Two Ltd.")
    assert {person.rest.get(f"/v1/{organization}").status for _ in range(40)} == {200}
    table = json.loads((stopped.path / "run" / "services.json").read_text())
    assert sorted((row["name"], row["state"]) for row in table) == [(s, "ready") for s in SERVICES for _ in range(2)]
    assert len({row["pid"] for row in table}) == 4
    done = stopped.cli("restart")
    assert done.returncode == OK, done.stderr
    eventually(lambda: not any(alive(row["pid"]) for row in table), within_s=60)
    assert person.refresh().status == 200


# Calls


def test_a_call_prints_its_answer_and_nothing_else(platform: Platform, ada: Person) -> None:
    done = platform.cli("call", "UserService.GetUser", "-d", '{"name": "users/me"}', "--token", ada.token)
    assert (done.returncode, done.stderr) == (OK, "")
    assert json.loads(done.stdout)["name"] == ada.name


def test_a_call_takes_its_request_from_standard_input(platform: Platform, ada: Person) -> None:
    done = platform.cli("call", "UserService.GetUser", "-d", "-", "--token", ada.token, stdin='{"name": "users/me"}')
    assert json.loads(done.stdout)["name"] == ada.name


def test_a_refused_call_fails_and_says_why(platform: Platform) -> None:
    done = platform.cli("call", "UserService.GetUser", "-d", '{"name": "users/me"}')
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "UNAUTHENTICATED" in done.stderr


def test_a_refused_call_shows_the_reason(platform: Platform, ada: Person) -> None:
    done = platform.cli("call", "UserService.GetUser", "-d", '{"name": "users/usr_none"}', "--token", ada.token)
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert "PERMISSION_DENIED" in done.stderr
    assert "USER_NOT_VISIBLE" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["call", "UserService.GetUsr"], "GetUser", id="a slip of the pen"),
        pytest.param(["call", "UserService.GetUser", "-d", "{"], "GetUserRequest", id="broken JSON"),
        pytest.param(["call", "UserService.GetUser", "-d", '{"nam": 1}'], "nam", id="an unknown field"),
        pytest.param(["call"], "Missing argument", id="no method"),
        pytest.param(["upp"], "upp", id="an unknown command"),
        pytest.param(["describe", "Organisation"], "Organization", id="an unknown message"),
    ],
)
def test_a_slip_is_named(words: list[str], said: str, platform: Platform) -> None:
    done = platform.cli(*words)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert said in done.stderr


def test_a_call_to_nobody_is_not_ready(stopped: Platform) -> None:
    done = stopped.cli("call", "JwksService.GetJwks")
    assert (done.returncode, done.stdout) == (NOT_READY, "")
    assert "trellis status" in done.stderr


def test_restarting_what_there_is_not_names_what_there_is(platform: Platform) -> None:
    done = platform.cli("restart", "usr")
    assert (done.returncode, done.stdout) == (FAILED, "")
    assert all(name in done.stderr for name in (*ENGINES, *SERVICES))


def test_the_mail_can_be_read(platform: Platform, ada: Person) -> None:
    found = json.loads(platform.cli("mail", "-o", "json").stdout)
    assert [mail for mail in found if mail["to"] == ada.email] == mails_to(platform.mail, ada.email)
    assert platform.cli("mail", "show", ada.email).stdout.startswith(f"To: {ada.email}\n")
    assert platform.cli("mail", "show", "nobody@example.com").returncode == FAILED


def test_every_rpc_is_listed(platform: Platform) -> None:
    from trellis.policies import POLICIES

    found = json.loads(platform.cli("methods", "-o", "json").stdout)
    assert len(found) == len(POLICIES)
