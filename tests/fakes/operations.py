"""Operations in memory, with the promises of `tests/contract/user/test_operations.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.chassis.errors import ServiceError
from services.chassis.lists import ListQuery, Rows
from services.chassis.operations import Operation
from services.chassis.operations.operation import KEPT
from services.chassis.operations.store import packed, status_bytes
from services.user import convert
from tests.fakes import lists

Found = Callable[[], dict[str, Operation]]


@dataclass(frozen=True, slots=True)
class FakeOperations:
    """Operations of committed tables, or of those of a transaction."""

    found: Found
    now: Callable[[], datetime]

    async def find(self, name: str) -> Operation | None:
        return self.found().get(name)

    lock = find

    async def add(self, operation: Operation) -> None:
        self.found()[operation.name] = operation

    save = add

    async def take(self, at: datetime) -> Operation | None:
        due = [each for each in self.found().values() if not each.done and each.next_time <= at]
        return min(due, key=lambda each: each.next_time, default=None)

    async def find_running(self, verb: str, target: str) -> Operation | None:
        return next((each for each in self._same(verb, target) if not each.done), None)

    async def find_last(self, verb: str, target: str) -> Operation | None:
        return max(self._same(verb, target), key=lambda each: each.name, default=None)

    async def succeed(self, operation: Operation, answer: Any, *, forever: bool = False) -> Operation:
        response = packed(convert.answer_to_proto(answer))
        ended = operation.ended(self.now(), response=response, kept=None if forever else KEPT)
        await self.save(ended)
        return ended

    async def fail(self, operation: Operation, error: ServiceError) -> Operation:
        ended = operation.ended(self.now(), error=status_bytes(error, "trellis.user"))
        await self.save(ended)
        return ended

    async def forget(self, at: datetime, limit: int) -> int:
        gone = [each.name for each in self.found().values() if each.expire_time and each.expire_time <= at][:limit]
        for name in gone:
            del self.found()[name]
        return len(gone)

    def _same(self, verb: str, target: str) -> list[Operation]:
        return [each for each in self.found().values() if (each.verb, each.target) == (verb, target)]

    async def list(self, owner: str, query: ListQuery) -> Rows[Operation]:
        fields, sortable = ("verb", "target", "done", "create_time", "update_time"), ("create_time", "update_time")
        own = [each for each in self.found().values() if each.owner == owner]
        return lists.page(
            own,
            query,
            key="name",
            fields=fields,
            sortable=sortable,
            default_order="create_time desc",
            enums={"done": {"true": True, "false": False}},
        )
