"""Use cases of access: whether somebody may do something, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.auth.domain import Grant, Question, below
from services.auth.handlers.grants import Grants
from services.auth.ports import Now
from services.chassis.errors import PermissionDenied
from services.chassis.principal import Principal

ASK_ABOUT_OTHERS = "access.check"


@dataclass(frozen=True, slots=True)
class AccessHandlers:
    """What callers can learn of permissions."""

    grants: Grants
    now: Now

    async def check_access(self, question: Question, caller: Principal) -> Grant | None:
        """Return what permits it, None if nothing does. Raises PermissionDenied, MembershipUnavailable."""
        return (await self.batch_check_access([question], caller))[0]

    async def batch_check_access(self, questions: Sequence[Question], caller: Principal) -> list[Grant | None]:
        """Return what permits each. Raises PermissionDenied, MembershipUnavailable."""
        return [await self._answer(_of_the_caller(question, caller), caller) for question in questions]

    async def resolve_access(self, question: Question) -> Grant | None:
        """Return what permits it, None if nothing does. Raises MembershipUnavailable."""
        if not question.subject.startswith("users/") and not below(question.subject, question.organization):
            return None
        access = await self.grants.recent(question.organization, question.subject)
        return access.find(question.permission, question.resource, self.now())

    async def _answer(self, question: Question, caller: Principal) -> Grant | None:
        """Nobody learns about another organization than the one their token names."""
        return await self.resolve_access(question) if question.organization == caller.organization else None


def _of_the_caller(question: Question, caller: Principal) -> Question:
    """Return the question with its subject. Raises PermissionDenied for another's, whether or not it exists."""
    subject = question.subject or caller.subject
    if subject in (caller.subject, "users/me"):
        return Question(caller.subject, question.permission, question.resource)
    if ASK_ABOUT_OTHERS not in caller.permissions:
        raise PermissionDenied(f"Asking about others needs the permission {ASK_ABOUT_OTHERS}.", permission=ASK_ABOUT_OTHERS)
    return question
