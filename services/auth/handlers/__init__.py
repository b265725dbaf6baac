"""Use cases, one method per RPC, in the contract's order: load, decide, save, announce, commit."""

from services.auth.handlers.accounts import AccountHandlers
from services.auth.handlers.keys import KeyHandlers
from services.auth.handlers.sessions import SessionHandlers
from services.auth.handlers.sign_ins import SignInHandlers
from services.auth.handlers.sign_ups import SignUpHandlers

__all__ = ["AccountHandlers", "KeyHandlers", "SessionHandlers", "SignInHandlers", "SignUpHandlers"]
