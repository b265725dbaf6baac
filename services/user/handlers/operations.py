"""Use cases of operations: whoever began one, and nobody else, sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from services.chassis.lists import ListQuery, Rows
from services.chassis.operations import Operation, OperationCancelled, Operations
from services.chassis.principal import Principal
from services.user.domain import OperationNotCancellable, OperationNotFound
from services.user.ports import Begin, Now

LOOK_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class OperationHandlers:
    """What callers can do with their operations."""

    operations: Operations
    begin: Begin
    now: Now
    pause: Callable[[float], Awaitable[None]]
    """Lets so many seconds pass."""

    async def get_operation(self, name: str, caller: Principal) -> Operation:
        """Raises OperationNotFound."""
        return _own(name, await self.operations.find(name), caller)

    async def list_operations(self, caller: Principal, query: ListQuery) -> Rows[Operation]:
        """Return a page of the caller's operations."""
        return await self.operations.list(caller.subject, query)

    async def cancel_operation(self, name: str, caller: Principal) -> Operation:
        """End an operation; one that is done stays as it is. Raises OperationNotFound, OperationNotCancellable."""
        async with self.begin() as tx:
            operation = _own(name, await tx.operations.lock(name), caller)
            if not operation.done:
                if not operation.cancellable:
                    raise OperationNotCancellable(name)
                operation = await tx.operations.fail(operation, OperationCancelled(name))
            await tx.commit(operation)
        return operation

    async def wait_operation(self, name: str, caller: Principal, at_most: timedelta) -> Operation:
        """Return an operation once it is done, or as it is when the time is over. Raises OperationNotFound."""
        end = self.now() + at_most
        while not (operation := await self.get_operation(name, caller)).done and self.now() < end:
            await self.pause(LOOK_AGAIN_S)
        return operation


def _own(name: str, operation: Operation | None, caller: Principal) -> Operation:
    if operation is None or operation.owner != caller.subject:
        raise OperationNotFound(name)
    return operation
