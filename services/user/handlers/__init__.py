"""Use cases, one method per RPC, in the contract's order: load, decide, save, announce, commit."""

from services.user.handlers.memberships import MembershipHandlers
from services.user.handlers.organizations import OrganizationHandlers
from services.user.handlers.users import UserHandlers

__all__ = ["MembershipHandlers", "OrganizationHandlers", "UserHandlers"]
