"""Tokens with which an import goes on.

Nothing is stored: a token says how far the import is, and a MAC that it was given here.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from services.chassis.keys import Keyring
from services.chassis.links import mac_text, same_text
from services.user.domain import Progress, ResumeTokenInvalid


@dataclass(frozen=True, slots=True)
class ResumeTokens:
    """Makes and reads the tokens of one caller, for one organization."""

    keyring: Keyring
    caller: str
    organization: str
    validate_only: bool

    def token(self, progress: Progress) -> str:
        """Return the token of an import that is as far as `progress`: always the same one."""
        document = json.dumps([progress.import_id, progress.rows, *progress.outcomes], separators=(",", ":"))
        payload = base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")
        return f"{payload}.{self._mac(payload)}"

    def read(self, token: str) -> Progress:
        """Return how far the import is. Raises ResumeTokenInvalid."""
        payload, _, mac = token.partition(".")
        if not same_text(mac, self._mac(payload)):
            raise ResumeTokenInvalid
        import_id, rows, created, updated, unchanged, failed = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return Progress(import_id, rows, (created, updated, unchanged, failed))

    def _mac(self, payload: str) -> str:
        kind = "rehearsal" if self.validate_only else "import"
        return mac_text(self.keyring, "resume-import", kind, self.caller, self.organization, payload)
