"""What auth answers when somebody's data is exported or erased."""

from __future__ import annotations

import json
from dataclasses import dataclass

from services.auth.domain import AccountNotFound, Cause
from services.auth.ports import Accounts, AuthTransaction, Begin, Now
from services.chassis.mail import Mailer
from services.chassis.personal_data import (
    ErasureReport,
    PersonalDataCollected,
    PersonalDataErased,
    kept_everywhere,
)
from services.chassis.personal_data.sealed import seal


@dataclass(frozen=True, slots=True)
class PersonalDataHandlers:
    """Auth's part in what user asks all services for."""

    accounts: Accounts
    mailer: Mailer
    begin: Begin
    now: Now

    async def collect(self, user: str, operation: str, answer_key: str) -> None:
        """Answer with what is kept of a user, encrypted to the key that the question brought."""
        async with self.begin() as tx:
            records = await tx.personal_data.collect(user)
            document = seal(answer_key, json.dumps(records).encode())
            tx.outbox.add(PersonalDataCollected(user, operation, document, self.now()))
            await tx.commit()

    async def erase(self, user: str, operation: str) -> None:
        """Erase what is kept of a user and answer with what it was; asked again, with the same."""
        async with self.begin() as tx:
            report = await tx.reports.find(operation) or await self._erased(tx, user, operation)
            tx.outbox.add(PersonalDataErased(user, operation, report, self.now()))
            await tx.commit()

    async def _erased(self, tx: AuthTransaction, user: str, operation: str) -> ErasureReport:
        now = self.now()
        for session in await tx.sessions.lock_alive(user, now):
            _, event = session.end(now, Cause.ACCOUNT_INACTIVE)
            tx.outbox.add(event)  # the session's row goes, its tokens have to go too
        await self._forget_mails(user)
        report = ErasureReport(await tx.personal_data.erase(user), kept_everywhere(now))
        await tx.reports.add(operation, user, report, now)
        return report

    async def _forget_mails(self, user: str) -> None:
        try:
            account = await self.accounts.get(user)
        except AccountNotFound:
            return
        await self.mailer.forget(account.email)
