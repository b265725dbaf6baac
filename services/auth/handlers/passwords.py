"""Another password: by who knows the old one, or by who reads the mails of the address."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta

from services.auth.domain import (
    Account,
    Cause,
    Nothing,
    PasswordChanged,
    PasswordResetRequested,
    PasswordWrong,
    ResetInvalid,
    SessionEnded,
    normalized_email,
    normalized_password,
    refuse_common,
)
from services.auth.handlers.tokens import Tokens
from services.auth.ports import Accounts, AuthTransaction, Begin, NewId, Now, Passwords
from services.chassis import guesses
from services.chassis.mail import Mail, Mailer
from services.chassis.principal import Principal


@dataclass(frozen=True, slots=True)
class PasswordHandlers:
    """What people can do about their passwords."""

    accounts: Accounts
    passwords: Passwords
    tokens: Tokens
    mailer: Mailer
    sparing: Mailer
    """Sends what anybody may ask for."""
    begin: Begin
    now: Now
    new_id: NewId
    common_passwords: Container[str]
    link_lifetime: timedelta
    web_url: str

    async def change_password(self, current: str, new: str, caller: Principal) -> None:
        """Give the caller another password and end their other sessions.

        Raises PasswordWrong, PasswordTooCommon, SessionEnded, AccountNotFound.
        """
        account = await self.accounts.get(caller.subject)
        new = normalized_password(new)
        refuse_common(new, account.email, self.common_passwords)
        if not await self.passwords.verify(account.password_hash, normalized_password(current)):
            async with self.begin():  # a repeated request gets its first answer: its password was right then
                raise PasswordWrong("current_password")
        password_hash = await self.passwords.hash(new)
        async with self.begin() as tx:
            locked = await tx.accounts.lock(account.user)
            if locked is None or locked.password_version != account.password_version:
                raise PasswordWrong("current_password")
            session = await tx.sessions.lock(caller.session)
            if session is None or not session.alive(self.now()):
                raise SessionEnded
            await self._set(tx, account, password_hash, kept=session.name)
            await tx.commit(Nothing("ChangePassword"))

    async def request_password_reset(self, email: str) -> None:
        """Have a mail sent if the address has an account. What is done here is the same if it has none."""
        account = await self.accounts.find_by_email(normalized_email(email))
        async with self.begin() as tx:
            tx.outbox.add(PasswordResetRequested(self.new_id("rst"), account.user if account else ""))
            await tx.commit(Nothing("RequestPasswordReset"))

    async def reset_password(self, token: str, new: str) -> None:
        """Give the account of the link another password and end all its sessions. Raises ResetInvalid, PasswordTooCommon."""
        account = await self._account_of(token)
        new = normalized_password(new)
        refuse_common(new, account.email, self.common_passwords)
        password_hash = await self.passwords.hash(new)
        async with self.begin() as tx:
            locked = await tx.accounts.lock(account.user)
            if locked is None or not self.tokens.resets(token, locked):
                raise ResetInvalid
            await self._set(tx, locked, password_hash, kept="")
            await tx.commit(Nothing("ResetPassword"))
        guesses.proved(account.email)  # who reads its mails may sign in where they are, though strangers may not now

    async def send_password_reset(self, user: str, event_id: str) -> None:
        """Send the link that resets a password; to nobody, nothing."""
        account = await self.accounts.find(user)
        async with self.begin() as tx:
            if account is not None:
                await self.sparing.send(self._reset_mail(account, event_id))
            await tx.commit()

    async def send_password_changed(self, user: str, event_id: str) -> None:
        """Tell the owner of an account that its password changed."""
        account = await self.accounts.find(user)
        async with self.begin() as tx:
            if account is not None:
                await self.mailer.send(self._changed_mail(account, event_id))
            await tx.commit()

    async def _account_of(self, token: str) -> Account:
        """Return the account a reset token opens now. Raises ResetInvalid."""
        account = await self.accounts.find(self.tokens.reset_user(token))
        if account is not None and self.tokens.resets(token, account):
            return account
        async with self.begin():  # a repeated request gets its first answer: its link was good then
            raise ResetInvalid

    async def _set(self, tx: AuthTransaction, account: Account, password_hash: str, *, kept: str) -> None:
        now = self.now()
        await tx.accounts.set_password(account.user, password_hash)
        await tx.sessions.end_all(account.user, now, Cause.REVOKED, kept=kept)
        tx.outbox.add(PasswordChanged(account.user, kept, now))

    def _reset_mail(self, account: Account, event_id: str) -> Mail:
        token = self.tokens.reset(account, self.now() + self.link_lifetime)
        minutes = int(self.link_lifetime.total_seconds() // 60)
        text = (
            f"Hello {account.display_name},\n\n"
            f"to choose another password, follow this link within {minutes} minutes:\n\n"
            f"{self.web_url}/reset?token={token}\n\n"
            f"Token:\n{token}\n\n"
            f"If you did not ask for it, ignore this mail: nothing changes without the link.\n"
        )
        return Mail(event_id, account.email, "Choose another password", text)

    def _changed_mail(self, account: Account, event_id: str) -> Mail:
        text = (
            f"Hello {account.display_name},\n\n"
            "the password of your account was changed, and your other devices were signed out.\n\n"
            f"If it was not you, choose another one at once:\n\n{self.web_url}/forgot\n"
        )
        return Mail(event_id, account.email, "Your password was changed", text)
