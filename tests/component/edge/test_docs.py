"""The documentation at the edge: served without a token, and complete without anybody else's server."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from compiler import buf, reader
from tests.component.edge.test_edge import verify
from tests.fakes.edge import Edge, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTRACT = reader.read(buf.image(source_info=False))
PAGE = ["/docs", "/docs/favicon.png", "/docs/page.css", "/docs/start.js", "/docs/swagger-ui-5.35.0.css"]
PAGE += ["/docs/swagger-ui-5.35.0.js", "/openapi.json"]
BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), "")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""The browser's own calls home find nothing."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    async with running(CONTRACT, tmp_path_factory.mktemp("docs")) as edge:
        yield edge


async def got(live: Edge, path: str) -> tuple[int, dict[str, str], bytes]:
    found: tuple[int, dict[str, str], bytes] = await asyncio.to_thread(verify.send, live.base, "GET", path, {}, None)
    return found


async def test_the_document_is_the_derived_one(live: Edge) -> None:
    status, headers, body = await got(live, "/openapi.json")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body == (buf.ROOT / "gen/openapi/trellis.json").read_bytes()


@pytest.mark.parametrize("path", PAGE)
async def test_the_page_and_its_parts_are_served_to_anybody(live: Edge, path: str) -> None:
    status, headers, body = await got(live, path)
    assert (status, headers["x-content-type-options"]) == (200, "nosniff")
    assert headers["cache-control"] == ("public, max-age=31536000, immutable" if "5.35.0" in path else "public, max-age=300")
    assert len(body) == int(headers["content-length"])


async def test_the_page_may_load_nothing_from_elsewhere(live: Edge) -> None:
    _, headers, body = await got(live, "/docs")
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy.pop("default-src") == "'none'"
    assert {source for sources in policy.values() for source in sources.split()} == {"'self'", "'none'", "data:"}
    assert re.findall(rb"(?:src|href)=\"(?!/)", body) == []


async def test_other_files_are_not_served(live: Edge) -> None:
    for path in ("/docs/", "/docs/README.md", "/docs/../frame.yaml", "/docs/swagger-ui-5.35.0/LICENSE"):
        assert (path, (await got(live, path))[0]) == (path, 404)


@pytest.mark.skipif(not BROWSER, reason="no browser: apt-get install chromium")
async def test_a_browser_shows_an_operation_and_asks_no_other_host(live: Edge, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    own = [f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", "--virtual-time-budget=20000", "--dump-dom"]
    page = f"{live.base}/docs#/UserService/UserService_UpdateUser"
    command = [BROWSER, *QUIET, NOWHERE, "--enable-logging=stderr", *own, page]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=True)
    assert "Changes the fields of the caller" in done.stdout
    assert "x-trellis" not in done.stdout
    assert "ETAG_MISMATCH" in done.stdout  # the operation is open: its answers are shown
    assert "Content Security Policy" not in done.stderr
    assert asked(log, live.base) == sorted(live.base + path for path in PAGE)


def asked(log: Path, base: str) -> list[str]:
    """What the page asked for, and the page itself. The browser's own requests have no initiator."""
    events: list[dict[str, Any]] = json.loads(log.read_text())["events"]
    requests = [event["params"] for event in events if "url" in event.get("params", {}) and "initiator" in event["params"]]
    return sorted({r["url"].partition("#")[0] for r in requests if r["initiator"] == base or r["url"].startswith(base)})
