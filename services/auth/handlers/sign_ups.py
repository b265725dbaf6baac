"""From a wish for an account to the account: signing up, the mail, verifying."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta

from services.auth import domain
from services.auth.domain import (
    Account,
    AccountNotFound,
    Nothing,
    PasswordWrong,
    SignUpRepeated,
    VerificationInvalid,
    VerificationRequested,
    normalized_email,
    normalized_password,
    refuse_common,
)
from services.auth.handlers.tokens import Tokens
from services.auth.ports import Accounts, Begin, NewId, Now, Passwords, SignUps
from services.chassis import guesses
from services.chassis.mail import Mail, Mailer

BATCH = 500
"""Sign-ups deleted in one transaction."""


@dataclass(frozen=True, slots=True)
class SignUp:
    """What somebody types into the form."""

    email: str
    password: str
    display_name: str


@dataclass(frozen=True, slots=True)
class SignUpHandlers:
    """What people without an account can do. Every answer is the same whether or not the address has an account."""

    accounts: Accounts
    sign_ups: SignUps
    passwords: Passwords
    tokens: Tokens
    mailer: Mailer
    begin: Begin
    now: Now
    new_id: NewId
    common_passwords: Container[str]
    link_lifetime: timedelta
    web_url: str
    kept: timedelta = timedelta(days=7)
    """How long a sign-up is kept after its link expired."""

    async def sign_up(self, form: SignUp) -> None:
        """Keep the wish and have a mail sent. Raises PasswordTooCommon."""
        email, password = normalized_email(form.email), normalized_password(form.password)
        refuse_common(password, email, self.common_passwords)
        password_hash = await self.passwords.hash(password)
        account = await self.accounts.find_by_email(email)
        now = self.now()
        async with self.begin() as tx:
            if account is None:
                sign_up = domain.SignUp(
                    self.new_id("sup"), email, form.display_name, password_hash, now, now + self.link_lifetime
                )
                await tx.sign_ups.add(sign_up)
                tx.outbox.add(VerificationRequested(sign_up.id))
            else:
                tx.outbox.add(SignUpRepeated(account.user))
            await tx.commit(Nothing("SignUp"))

    async def verify_email(self, token: str, password: str) -> Account:
        """Make the account that the link stands for. Raises VerificationInvalid, PasswordWrong."""
        sign_up_id = self.tokens.read_verification(token)
        knows = await self._knows_password_of(sign_up_id, password)
        now = self.now()
        async with self.begin() as tx:
            sign_up = await tx.sign_ups.lock(sign_up_id)
            if sign_up is None:
                raise VerificationInvalid
            account, event = sign_up.verify(f"users/{self.new_id('usr')}", at=now)
            if not knows:
                raise PasswordWrong("password")
            if not await tx.accounts.add(account):
                raise VerificationInvalid
            await tx.sign_ups.use_up(account.email, at=now)
            tx.outbox.add(event)
            await tx.commit(account)
        guesses.proved(account.email)  # strangers may have guessed at an account before there was one
        return account

    async def resend_verification(self, email: str) -> None:
        """Have another mail sent if there is something to verify. What is done here is the same if there is not."""
        sign_up = await self.sign_ups.find_newest(normalized_email(email), at=self.now())
        async with self.begin() as tx:
            tx.outbox.add(VerificationRequested(sign_up.id if sign_up else self.new_id("sup")))
            await tx.commit(Nothing("ResendVerification"))

    async def forget_sign_ups(self) -> bool:
        """Delete sign-ups whose link is long over, and with them what strangers typed. True if there may be more."""
        async with self.begin() as tx:
            forgotten = await tx.sign_ups.forget(self.now() - self.kept, BATCH)
            await tx.commit()
        return forgotten == BATCH

    async def send_verification(self, sign_up_id: str, event_id: str) -> None:
        """Send the link of a sign-up; to one that is over, nothing."""
        sign_up = await self.sign_ups.find(sign_up_id)
        async with self.begin() as tx:
            if sign_up is not None and sign_up.used_time is None and self.now() < sign_up.expire_time:
                await self.mailer.send(self._verification_mail(sign_up, event_id))
            await tx.commit()

    async def send_sign_up_repeated(self, user: str, event_id: str) -> None:
        """Tell the owner of an account that somebody signed up with its address; of an account that is gone, nobody."""
        async with self.begin() as tx:
            with contextlib.suppress(AccountNotFound):
                await self.mailer.send(_repeated_mail(await self.accounts.get(user), event_id))
            await tx.commit()

    async def _knows_password_of(self, sign_up_id: str, password: str) -> bool:
        """Return whether this is the password of a sign-up: else a stranger may have signed up with somebody's address, and
        would share the account. Sudhodanan and Paverd, "Pre-hijacked accounts", USENIX Security 2022."""
        sign_up = await self.sign_ups.find(sign_up_id)
        return sign_up is not None and await self.passwords.verify(sign_up.password_hash, normalized_password(password))

    def _verification_mail(self, sign_up: domain.SignUp, event_id: str) -> Mail:
        # Nothing that the person typed: a mail to an unproven address is not to carry a stranger's words.
        link = self.tokens.verifications.text(f"{self.web_url}/verify", sign_up.id)
        text = (
            f"Hello,\n\n"
            f"please confirm that this address is yours, with the password you chose:\n\n{link}\n"
            f"If you did not sign up, ignore this mail: without the link there is no account.\n"
        )
        return Mail(event_id, sign_up.email, "Confirm your address", text)


def _repeated_mail(account: Account, event_id: str) -> Mail:
    text = (
        f"Hello {account.display_name},\n\n"
        "somebody signed up with this address, which already has an account. If it was you, sign in instead.\n"
        "If not, you need to do nothing.\n"
    )
    return Mail(event_id, account.email, "You already have an account", text)
