"""Work that outlives a call (AIP-151): kept in a table, done step by step, visible while it runs.

`operation.py` says what one is, `ports.py` what handlers need, `store.py` keeps it, `runner.py` does it.
"""

from services.chassis.operations.operation import Operation, OperationCancelled, Progress
from services.chassis.operations.ports import ChangedOperations, Operations

__all__ = ["ChangedOperations", "Operation", "OperationCancelled", "Operations", "Progress"]
