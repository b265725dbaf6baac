"""Work that outlives a call, as its owner sees it."""

from __future__ import annotations

from services.chassis.errors import FailedPrecondition, NotFound


class OperationNotFound(NotFound):
    """The caller began no such operation, or it ended too long ago."""

    reason = "OPERATION_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", operation=name)


class OperationNotCancellable(FailedPrecondition):
    """The operation cannot be undone half-way."""

    reason = "OPERATION_NOT_CANCELLABLE"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} cannot be cancelled; it runs to its end.", operation=name)
