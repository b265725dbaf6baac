"""`trellis.user.v1.ImportService`."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from services.chassis import principal
from services.chassis.errors import invalid_field
from services.chassis.keys import Keyring
from services.chassis.rpc.repeats import Pieces
from services.user import convert
from services.user.domain import Progress, ResumeTokenInvalid
from services.user.handlers import ImportHandlers
from services.user.handlers.resume_tokens import ResumeTokens
from trellis.user.v1 import import_service_pb2 as rpc
from trellis.user.v1 import import_service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]

METHOD = "/trellis.user.v1.ImportService/ImportUsers"


@dataclass(slots=True)
class Run:
    """One call: an import from where it stands to where the client ends or the connection breaks."""

    parent: str
    tokens: ResumeTokens
    pieces: Pieces
    progress: Progress

    def open_rows(self, request: rpc.ImportUsersRequest) -> rpc.ImportUsersRequest:
        """Return what of a message is not done yet. Raises InvalidArgument for a gap, or for another organization."""
        if request.parent != self.parent:
            raise invalid_field("parent", "must be what the first message says.", "import.parent")
        expected = self.progress.rows + 1
        first = request.first_row or expected
        if first > expected:
            raise invalid_field("first_row", f"must not be greater than {expected}, the row that comes next.", "import.gap")
        rows, rehearsed = request.rows[expected - first :], self.pieces.validate_only
        return rpc.ImportUsersRequest(parent=self.parent, validate_only=rehearsed, first_row=expected, rows=rows)

    def answer(self, results: rpc.ImportUsersResponse, *, complete: bool = False) -> rpc.ImportUsersResponse:
        """Count the results, and return them with how far the import is now."""
        self.progress = self.progress.after(result.outcome for result in results.results)
        results.import_id = self.progress.import_id
        results.resume_token = self.tokens.token(self.progress)
        results.next_row = self.progress.rows + 1
        results.totals.CopyFrom(convert.totals_to_proto(self.progress))
        results.complete = complete
        return results


class ImportServicer(base.ImportServiceServicer):
    """`trellis.user.v1.ImportService`."""

    def __init__(self, handlers: ImportHandlers, keyring: Keyring) -> None:
        self._handlers, self._keyring = handlers, keyring

    async def ImportUsers(
        self, requests: AsyncIterator[rpc.ImportUsersRequest], context: Context
    ) -> AsyncIterator[rpc.ImportUsersResponse]:
        run: Run | None = None
        async for request in requests:
            run = run or self._begin(request)
            yield run.answer(await self._taken(run, run.open_rows(request)))
        if run is None:
            raise invalid_field("parent", "must be said in a first message.", "required")
        yield run.answer(rpc.ImportUsersResponse(), complete=True)

    def _begin(self, request: rpc.ImportUsersRequest) -> Run:
        caller = principal.current().subject
        tokens = ResumeTokens(self._keyring, caller, request.parent, request.validate_only)
        if request.resume_token:
            progress = tokens.read(request.resume_token)
            if request.request_id.lower() not in ("", progress.import_id):
                raise ResumeTokenInvalid
        else:
            progress = Progress(request.request_id.lower() or str(uuid.uuid4()))
        pieces = Pieces(self._keyring, METHOD, caller, progress.import_id, request.validate_only)
        return Run(request.parent, tokens, pieces, progress)

    async def _taken(self, run: Run, request: rpc.ImportUsersRequest) -> rpc.ImportUsersResponse:
        if not request.rows:
            return rpc.ImportUsersResponse()

        async def work() -> rpc.ImportUsersResponse:
            rows = convert.import_rows_from_proto(request.rows, request.first_row)
            imported = await self._handlers.import_users(run.parent, rows, principal.current())
            return convert.imported_rows_to_proto(imported)

        piece = f"{request.first_row}+{len(request.rows)}"  # cut otherwise, the same rows are other pieces, and UNCHANGED
        return await run.pieces.once(piece, request, rpc.ImportUsersResponse, work)
