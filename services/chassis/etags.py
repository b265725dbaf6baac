"""Versions of resources as the API shows them (AIP-154)."""

from __future__ import annotations

from services.chassis.errors import Aborted


class EtagMismatch(Aborted):
    """The resource changed since the caller read it."""

    reason = "ETAG_MISMATCH"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} changed since it was read; read it again.", resource=name)


def etag_of(version: int) -> str:
    """Return the strong etag of a version."""
    return f'"{version:x}"'


def check(sent: str, version: int, name: str) -> None:
    """Let a change pass that was made on `version`, or on no version in particular. Raises EtagMismatch."""
    if sent and sent != etag_of(version):
        raise EtagMismatch(name)
