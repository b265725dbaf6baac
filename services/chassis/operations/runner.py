"""Does what operations are about, step by step.

A step is one unit of work: it holds the operation's row, changes what it changes, and writes how far the operation is, all
in one transaction. So a step that was killed has not happened, the next runner does it again, and nothing is done twice.
What leaves the service in a step leaves as an event of the same transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from services.chassis.errors import ServiceError
from services.chassis.operations.operation import Operation
from services.chassis.operations.ports import ChangedOperations
from services.chassis.transaction import Transaction

log = structlog.get_logger()
FORGOTTEN_AT_ONCE = 100


class OperationTransaction(Transaction, Protocol):
    """A unit of work that knows operations."""

    @property
    def operations(self) -> ChangedOperations: ...


Step = Callable[[Any, Operation], Awaitable[None]]
"""What one verb does: the next step of an operation that the transaction holds, which it saves.

A ServiceError ends the operation with it. Anything else is tried again later, for as long as it takes.
"""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs the operations of a service; one at a time, and in one process if it leads."""

    begin: Callable[[], OperationTransaction]
    now: Callable[[], datetime]
    steps: Mapping[str, Step]
    """By verb."""

    async def run_next(self) -> bool:
        """Do one step of the operation that is due longest; say whether there was one."""
        async with self.begin() as tx:
            operation = await tx.operations.take(self.now())
            if operation is None:
                return False
            try:
                await self.steps[operation.verb](tx, operation)
                await tx.commit()
            except Exception as error:  # whatever it is, the operation goes on or says why it cannot
                failed: Exception = error
            else:
                return True
        await self._failed(operation, failed)
        return True

    async def forget_expired(self) -> bool:
        """Delete some of the operations that nobody can ask for any more; say whether there may be more."""
        async with self.begin() as tx:
            count = await tx.operations.forget(self.now(), FORGOTTEN_AT_ONCE)
            await tx.commit()
        return count == FORGOTTEN_AT_ONCE

    async def _failed(self, operation: Operation, error: Exception) -> None:
        """Note that a step failed, unless the operation has got on since."""
        async with self.begin() as tx:
            current = await tx.operations.lock(operation.name)
            if current is None or current.version != operation.version:
                return
            if isinstance(error, ServiceError):
                await tx.operations.fail(current, error)
            else:
                log.warning("operation_stumbled", operation=operation.name, verb=operation.verb, exc_info=error)
                await tx.operations.save(current.stumbled(self.now()))
            await tx.commit()
