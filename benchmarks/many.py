"""What many people cost: taking them in, and listing them."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg
import grpc

from benchmarks.platform import Platform
from benchmarks.report import Result
from cli.importing import Importer
from trellis.user.v1 import import_service_pb2 as pb
from trellis.user.v1 import service_pb2 as rpc
from trellis.user.v1.service_pb2_grpc import UserServiceStub

IMPORTED = 100_000
IMPORT_ROUNDS = 2
LISTED = 1_000_000
NEAR, DEEP = 10, 900_000
PAGE = 100
LIST_ROUNDS = 5
PAGES = 40
USERS = ("name", "email", "display_name", "create_time", "update_time", "version", "state", "provisioned_by")
MEMBERSHIPS = ("organization", "user", "role", "create_time", "update_time", "version")
PROVISIONED, MEMBER = 5, 3


def import_users(running: Platform) -> Result:
    """Rows a second through the RPC, against COPY of the same rows into the same tables, with the same indices."""
    sys.stderr.write("import_users …\n")
    _, person = running.sign_in()
    organization, token = _organization(running, person)
    ours, theirs = [], []
    for number in range(IMPORT_ROUNDS):
        theirs.append(IMPORTED / asyncio.run(_copied(running, organization, number)))
        ours.append(IMPORTED / _imported(running, organization, token, number))  # second: the tables are larger for it
    mine, other = statistics.median(ours), statistics.median(theirs)
    detail = f"{mine:.0f} against {other:.0f} rows/s, {IMPORTED} rows"
    return Result("import_users", round(mine / other, 2), "of its rows/s", "≥ 0.25", IMPORT_ROUNDS, detail)


def list_depth(running: Platform) -> Result:
    """A page of 100 users of an organization of a million: deep down, against at the top."""
    sys.stderr.write("list_depth …\n")
    _, person = running.sign_in()
    organization, token = _organization(running, person)
    running.sql(_filled(organization))
    near, deep = asyncio.run(_listed(running, organization, token))
    detail = f"{deep * 1000:.1f} against {near * 1000:.1f} ms, users {DEEP} and {NEAR} of {LISTED}"
    return Result("list_depth", round(deep / near, 2), "of its time", "≤ 1.3", LIST_ROUNDS, detail)


def _organization(running: Platform, person: str) -> tuple[str, str]:
    """Return a new organization of somebody's, and their token for it."""
    organization = str(running.post("/v1/organizations", {"displayName": "Bench"}, person)["name"])
    switched = running.post("/v1/auth:switchOrganization", {"organization": organization}, person)
    return organization, str(switched["accessToken"])


def _imported(running: Platform, organization: str, token: str, number: int) -> float:
    """Return how long the import took, from the first message to the last answer."""
    rows = [pb.ImportedUser(email=f"i{number}-{n}@example.com", display_name=f"Imported {n}") for n in range(IMPORTED)]
    with grpc.insecure_channel(f"127.0.0.1:{running.home.ports['user_a']}") as channel:
        importer = Importer(channel, lambda: token, organization, rows, lambda _: None)
        began_s = time.perf_counter()
        totals = importer.run()
        passed_s = time.perf_counter() - began_s
    if totals.created != IMPORTED:
        raise RuntimeError(f"not all were imported: {totals}")
    return passed_s


async def _copied(running: Platform, organization: str, number: int) -> float:
    at, names = datetime.now(UTC), [f"users/copied-{number}-{n:06}" for n in range(IMPORTED)]
    users = [
        (name, f"c{number}-{n}@example.com", f"Imported {n}", at, at, 1, PROVISIONED, organization)
        for n, name in enumerate(names)
    ]
    memberships = [(organization, name, MEMBER, at, at, 1) for name in names]
    connection = await asyncpg.connect(running.user_database_url)
    try:
        began_s = time.perf_counter()
        async with connection.transaction():
            await connection.copy_records_to_table("users", records=users, columns=USERS)
            await connection.copy_records_to_table("memberships", records=memberships, columns=MEMBERSHIPS)
        return time.perf_counter() - began_s
    finally:
        await connection.close()


def _filled(organization: str) -> str:
    return (
        f"INSERT INTO users ({', '.join(USERS)}) SELECT 'users/bench' || lpad(n::text, 8, '0'), n || '@list.example', "
        f"'Listed ' || n, now(), now(), 1, {PROVISIONED}, '{organization}' FROM generate_series(1, {LISTED}) n;"
        f'INSERT INTO memberships (organization, "user", role, create_time, update_time, version) '
        f"SELECT '{organization}', 'users/bench' || lpad(n::text, 8, '0'), {MEMBER}, now(), now(), 1 "
        f"FROM generate_series(1, {LISTED}) n;"
        "ANALYZE users; ANALYZE memberships;"
    )


async def _listed(running: Platform, organization: str, token: str) -> tuple[float, float]:
    """Return the seconds of a page near the top and of one deep down: medians of alternating rounds."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{running.home.ports['user_a']}") as channel:
        stub, metadata = UserServiceStub(channel), (("authorization", f"Bearer {token}"),)

        async def page(token: str, size: int = PAGE) -> rpc.ListUsersResponse:
            request = rpc.ListUsersRequest(parent=organization, page_size=size, page_token=token)
            return await stub.ListUsers(request, metadata=metadata)

        near, deep = "", ""
        at = 0
        while at < DEEP:
            size = min(1000, NEAR - at if at < NEAR else DEEP - at)
            deep, at = (await page(deep, size)).next_page_token, at + size
            near = deep if at == NEAR else near

        async def seconds(token: str) -> float:
            began_s = time.perf_counter()
            for _ in range(PAGES):
                await page(token)
            return (time.perf_counter() - began_s) / PAGES

        rounds = [(await seconds(near), await seconds(deep)) for _ in range(LIST_ROUNDS)]
    return _medians(rounds)


def _medians(rounds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    first, second = zip(*rounds, strict=True)
    return statistics.median(first), statistics.median(second)
