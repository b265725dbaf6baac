"""Use cases, one method per RPC, in the contract's order: load, decide, save, announce, commit."""

from __future__ import annotations

from dataclasses import dataclass

from services.auth.handlers.accounts import AccountHandlers
from services.auth.handlers.keys import KeyHandlers
from services.auth.handlers.passwords import PasswordHandlers
from services.auth.handlers.sessions import SessionHandlers
from services.auth.handlers.sign_ins import SignInHandlers
from services.auth.handlers.sign_ups import SignUpHandlers


@dataclass(frozen=True, slots=True)
class Handlers:
    """Everything the auth service can do."""

    sign_ups: SignUpHandlers
    sign_ins: SignInHandlers
    sessions: SessionHandlers
    keys: KeyHandlers
    accounts: AccountHandlers
    passwords: PasswordHandlers


__all__ = ["AccountHandlers", "Handlers", "KeyHandlers", "PasswordHandlers", "SessionHandlers", "SignInHandlers", "SignUpHandlers"]
