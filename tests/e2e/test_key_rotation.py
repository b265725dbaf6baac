"""Keys rotate while people work; `kill -9` in the middle leaves the old keys or the new ones, never none and never two."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from typing import Any

from cli.home import ROOT
from tests.e2e.client import Person, Rest
from tests.e2e.platform import Platform, eventually, successor

ME = "/v1/users/me"


def keys(platform: Platform) -> list[dict[str, Any]]:
    """Return what `trellis key list --signing` says."""
    done = platform.cli("key", "list", "--signing", "-o", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def published(platform: Platform) -> set[str]:
    """Return the keys of the key set."""
    return {key["kid"] for key in Rest(platform.rest).get("/.well-known/jwks.json").json["keys"]}


def test_the_operator_rotates_and_is_told_what_happens_next(platform: Platform, ada: Person) -> None:
    [first] = keys(platform)
    assert first["state"] == "signs"

    done = platform.cli("key", "rotate", "--signing")

    assert done.returncode == 0, done.stderr
    old, new = keys(platform)
    assert (old["kid"], old["state"], new["state"]) == (first["kid"], "signs", "published")
    assert f"Now: {new['kid']} is published." in done.stderr
    assert f"{old['kid']} is gone" in done.stderr
    eventually(lambda: published(platform) == {old["kid"], new["kid"]})
    assert ada.rest.get(ME).status == 200


def test_rotating_under_load_refuses_nobody(platform: Platform, ada: Person) -> None:
    verdicts: Counter[int] = Counter()
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            verdicts[ada.rest.get(ME).status] += 1

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(5):
        assert platform.cli("key", "rotate", "--signing").returncode == 0
        assert ada.refresh().status == 200
    done.set()
    for worker in workers:
        worker.join()

    assert set(verdicts) == {200}
    assert [key["state"] for key in keys(platform)].count("signs") == 1


def test_killed_in_the_middle_it_happened_or_it_did_not(platform: Platform, ada: Person) -> None:
    """Auth dies a little later each time, with a rotation under way."""
    for wait_s in (0.0, 0.005, 0.015, 0.05):
        before = {key["kid"] for key in keys(platform)}
        old = platform.pids()["auth"]
        rotating = subprocess.Popen(
            [sys.executable, "-c", _ROTATE, str(wait_s), str(old)],
            cwd=ROOT,
            env=platform.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        rotating.wait(30)
        eventually(lambda old=old: successor(platform.home, "auth", old), within_s=30)  # type: ignore[misc]

        after = keys(platform)
        assert len({key["kid"] for key in after} - before) in (0, 1)
        assert [key["state"] for key in after].count("signs") == 1
        assert [key["retire_time"] for key in after].count("") == 1
        eventually(lambda: ada.refresh().status == 200)  # the edge sees it a moment later than we do
        assert ada.rest.get(ME).status == 200


_ROTATE = f"""
import os, sys, threading, time
from cli.commands.signing_keys import rotate
from cli.commands.output import Format
def kill():
    time.sleep(float(sys.argv[1]))
    os.kill(int(sys.argv[2]), {int(signal.SIGKILL)})
import grpc, trellis.auth.v1.signing_key_service_pb2_grpc, cli.operator, joserfc.jwk, services.chassis.tokens
threading.Thread(target=kill).start()
rotate(Format.JSON)
"""
