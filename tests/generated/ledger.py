"""What is stored, as numbers: whether anything at all was written, or anything of somebody's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import asyncpg
import redis

from tests.e2e.platform import SERVICES, Platform

Checksums = dict[str, tuple[int, int]]
"""Rows and checksum of each table; of the outbox, which is emptied all the time, how many events were ever announced.

Audit logs are left out, and what is announced for them: there, refusals are written too, moments later.
"""

_TABLES = """
    SELECT relname::text, EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'last_used_time')
    FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_SKIPPED = {"alembic_version", "outbox", "announced", "audit_entries", "audit_chains"}
_ROWS = "SELECT '{table}', count(*), coalesce(sum(hashtextextended({words}, 0)), 0)::text FROM {rows} t"
_OTHERS = {"inbox": "(SELECT * FROM inbox WHERE subscription <> 'user.audit')"}
_WORDS = {False: "t::text", True: "(to_jsonb(t) - 'last_used_time')::text"}
"""What of a row is looked at. When a key was last used is noted beside the call, also beside one that is refused."""
_ANNOUNCED = "SELECT 'outbox', 0::bigint, count(*)::text FROM announced WHERE topic NOT LIKE '%.call_audited'"
_COUNT_EVENTS = """
CREATE TABLE IF NOT EXISTS announced (topic text NOT NULL);
CREATE OR REPLACE FUNCTION count_event() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO announced VALUES (NEW.topic); RETURN NULL; END';
CREATE OR REPLACE TRIGGER count_event AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION count_event();
"""
_WRITERS = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"


_RUNNING = "SELECT EXISTS (SELECT FROM operations WHERE end_time IS NULL)"


class Ledger:
    """The databases of a platform and its bus. One event loop of its own, so that plain tests can ask."""

    def __init__(self, platform: Platform) -> None:
        self._loop = asyncio.new_event_loop()
        self._databases = {name: self._run(asyncpg.connect(platform.postgres_url(name))) for name in SERVICES}
        for database in self._databases.values():
            self._run(database.execute(_COUNT_EVENTS))
        self._tables = {
            name: {row[0]: _WORDS[row[1]] for row in self._run(database.fetch(_TABLES)) if row[0] not in _SKIPPED}
            for name, database in self._databases.items()
        }
        self._valkey: Any = redis.Redis.from_url(platform.valkey_url)
        self._known: tuple[str, Checksums] = ("", {})

    def close(self) -> None:
        """Leave the databases."""
        for database in self._databases.values():
            self._run(database.close())
        self._valkey.close()
        self._loop.close()

    def checksums(self) -> Checksums:
        """Return what is stored. Costs one question where nothing was written since: PostgreSQL counts its writers."""
        writers = str(self._run(self._databases["auth"].fetchval(_WRITERS)))
        if writers != self._known[0]:
            self._known = writers, self._sum("")
        return self._known[1]

    def checksums_of(self, names: Iterable[str]) -> Checksums:
        """Return what is stored in rows that say one of the names. Events are left out: they are nobody's row."""
        ids = ",".join(f"%{name.rpartition('/')[2]}%" for name in names)
        where = f" WHERE t::text LIKE ANY ('{{{ids}}}')"  # a pattern of all names takes 10 ms a table to be compiled
        return {table: sums for table, sums in self._sum(where).items() if not table.endswith(".outbox")}

    def settle(self, within_s: float = 20) -> None:
        """Wait until every announced event is published and has taken effect everywhere."""
        self._until(
            lambda: self._is_published() and self._is_consumed() and self._is_published(), "events are left", within_s
        )

    def forget_limits(self) -> None:
        """Let every caller call again as often as at first."""
        for key in self._valkey.scan_iter("trellis:limit:*"):
            self._valkey.delete(key)

    def row(self, service: str, statement: str) -> Any:
        """Return the first row of a statement."""
        return self._run(self._databases[service].fetchrow(statement))

    def _sum(self, where: str) -> Checksums:
        return {
            f"{service}.{row[0]}": (row[1], int(row[2]))
            for service, tables in self._tables.items()
            for row in self._run(self._databases[service].fetch(_question(tables, where)))
        }

    def _is_published(self) -> bool:
        return not any(
            self._run(database.fetchval("SELECT EXISTS (SELECT FROM outbox)")) for database in self._databases.values()
        ) and not self._run(self._databases["user"].fetchval(_RUNNING))

    def _is_consumed(self) -> bool:
        return all(map(self._is_read, self._valkey.scan_iter("trellis:events:*", _type="stream")))

    def _is_read(self, stream: bytes) -> bool:
        """Look for the newest first: a stream that grows meanwhile is not read."""
        newest = self._valkey.xinfo_stream(stream)["last-generated-id"]
        groups = self._valkey.xinfo_groups(stream)
        return all(group["pending"] == 0 and group["last-delivered-id"] == newest for group in groups)

    def _until(self, holds: Callable[[], bool], complaint: str, within_s: float) -> None:
        end_s = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < end_s, f"{complaint} after {within_s:.0f} s"
            time.sleep(0.002)

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)


def changed(before: Checksums, after: Checksums) -> dict[str, str]:
    """Return the tables that differ, and by how many rows."""
    return {table: f"{after[table][0] - before[table][0]:+d} rows" for table in after if before.get(table) != after[table]}


def grown(before: Checksums, after: Checksums) -> dict[str, int]:
    """Return how many rows each table gained, and how many events were announced."""
    rows = {table: after[table][0] - before[table][0] for table in after if after[table][0] != before[table][0]}
    events = {table: after[table][1] - before[table][1] for table in after if table.endswith(".outbox")}
    return rows | {table: count for table, count in events.items() if count}


def _question(tables: dict[str, str], where: str) -> str:
    sources = {table: _OTHERS.get(table, f'"{table}"') for table in tables}
    parts = [_ROWS.format(table=table, words=words, rows=sources[table]) + where for table, words in tables.items()]
    return " UNION ALL ".join([*parts, _ANNOUNCED])
