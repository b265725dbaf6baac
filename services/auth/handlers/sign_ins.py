"""Sessions and their tokens: signing in, refreshing, switching the organization, signing out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NoReturn

from services.auth.domain import (
    Account,
    AccountState,
    Cause,
    CredentialsInvalid,
    EmailNotVerified,
    MembershipUnavailable,
    NotAMember,
    Nothing,
    Permitted,
    Refresh,
    RefreshTokenInvalid,
    RefreshTokenReused,
    RestoreRequested,
    Session,
    SessionCreated,
    SessionEnded,
    TokenSet,
    normalized_email,
    normalized_password,
)
from services.auth.handlers.grants import Grants
from services.auth.handlers.tokens import Tokens
from services.auth.ports import Accounts, Begin, NewId, Now, Passwords, Sessions, SignUps
from services.chassis.principal import Principal


@dataclass(frozen=True, slots=True)
class SignIn:
    """What somebody types into the form, and on what."""

    email: str
    password: str
    organization: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class SignInHandlers:
    """What people with an account can do with their sessions."""

    accounts: Accounts
    sign_ups: SignUps
    sessions: Sessions
    grants: Grants
    passwords: Passwords
    tokens: Tokens
    begin: Begin
    now: Now
    new_id: NewId
    session_lifetime: timedelta
    grace: timedelta

    async def sign_in(self, form: SignIn) -> TokenSet:
        """Begin a session.

        Raises CredentialsInvalid, EmailNotVerified, AccountDeactivated, AccountDeleted, NotAMember, MembershipUnavailable.
        """
        at = self.now()
        account = await self._authenticated(normalized_email(form.email), normalized_password(form.password))
        if account.state is not AccountState.ACTIVE:
            await self._offer_restoring(account)
        organization, permitted = await self._organization(account, form.organization)
        session = self._new_session(account.user, organization, form.user_agent)
        issued = self.tokens.issue(await self.tokens.signing_key(), session, permitted, at=at)
        stronger_hash = await self._stronger_hash(account, form.password)
        async with self.begin() as tx:
            locked = await tx.accounts.lock(account.user)
            if locked is None or locked.password_version != account.password_version:
                raise CredentialsInvalid  # the password changed while it was compared
            locked.must_be_active()  # it went out of use meanwhile: its sessions have ended, no other begins
            await tx.sessions.add(session)
            if form.organization:
                await tx.accounts.set_last_organization(account.user, organization)
            if stronger_hash is not None:
                await tx.accounts.set_password_hash(account.user, stronger_hash)
            tx.outbox.add(SessionCreated(session.name, session.create_time))
            await tx.commit(issued)
        return issued

    async def refresh_token(self, token: str) -> TokenSet:
        """Turn a refresh token into the next token set, with the permissions of now.

        Raises RefreshTokenInvalid, RefreshTokenReused, NotAMember, MembershipUnavailable.
        """
        name, generation = self.tokens.read_refresh(token)
        session = await self.sessions.find(name)
        if session is None:
            raise RefreshTokenInvalid
        match session.judge(generation, self.now(), self.grace):
            case Refresh.CURRENT | Refresh.GRACE:
                return await self._successor(session, generation)
            case Refresh.REUSED:
                await self._end(name, Cause.REUSED)
                raise RefreshTokenReused
            case Refresh.ENDED:
                raise RefreshTokenInvalid

    async def switch_organization(self, organization: str, caller: Principal) -> TokenSet:
        """Let the session work in another organization. Raises SessionEnded, NotAMember, MembershipUnavailable."""
        at = self.now()
        self._alive(await self.sessions.find(caller.session))
        permitted = await self.grants.permitted(organization, caller.subject)
        key = await self.tokens.signing_key()
        async with self.begin() as tx:
            session = self._alive(await tx.sessions.lock(caller.session))
            await tx.sessions.set_organization(session.name, organization)
            await tx.accounts.set_last_organization(session.user, organization)
            switched = replace(session, organization=organization)
            issued = self.tokens.issue(key, switched, permitted, at=at, refresh=False)
            await tx.commit(issued)
        return issued

    async def sign_out(self, caller: Principal) -> None:
        """End the session of the token that asks. Ending an ended one changes nothing."""
        async with self.begin() as tx:
            session = await tx.sessions.lock(caller.session)
            if session is not None and session.alive(self.now()):
                _, event = session.end(self.now(), Cause.SIGNED_OUT)
                await tx.sessions.end(session.name, event.revoke_time, event.cause)
                tx.outbox.add(event)
            await tx.commit(Nothing("SignOut"))

    async def _offer_restoring(self, account: Account) -> NoReturn:
        """Have the owner sent the link that brings the account back. Raises AccountDeactivated, AccountDeleted."""
        async with self.begin() as tx:
            tx.outbox.add(RestoreRequested(account.user))
            await tx.commit()
        account.must_be_active()
        raise CredentialsInvalid  # no other state has an account

    def _alive(self, session: Session | None) -> Session:
        """Raises SessionEnded."""
        if session is None or not session.alive(self.now()):
            raise SessionEnded
        return session

    async def _authenticated(self, email: str, password: str) -> Account:
        """Return the account whose password this is. The same is read and hashed, whoever asks and whatever is there."""
        account = await self.accounts.find_by_email(email)
        sign_up = await self.sign_ups.find_newest(email, at=self.now())
        known = account or sign_up
        if not await self.passwords.verify(known.password_hash if known else None, password):
            raise CredentialsInvalid
        if account is None:
            raise EmailNotVerified
        return account

    async def _organization(self, account: Account, wanted: str) -> tuple[str, Permitted]:
        """Return the organization the tokens name. The one asked for must be had; the last one is a convenience."""
        if wanted:
            return wanted, await self.grants.permitted(wanted, account.user)
        if not account.last_organization:
            return "", Permitted()
        try:
            permitted = await self.grants.permitted(account.last_organization, account.user)
        except (NotAMember, MembershipUnavailable):
            return "", Permitted()
        return account.last_organization, permitted

    def _new_session(self, user: str, organization: str, user_agent: str) -> Session:
        now = self.now()
        name = f"{user}/sessions/{self.new_id('ses')}"
        return Session(name, user, organization, user_agent, now, now, now + self.session_lifetime)

    async def _stronger_hash(self, account: Account, password: str) -> str | None:
        """Return a hash of today's parameters where the account's is weaker."""
        if not self.passwords.outdated(account.password_hash):
            return None
        return await self.passwords.hash(normalized_password(password))

    async def _successor(self, session: Session, generation: int) -> TokenSet:
        """Rotate, or answer a repetition with what the first got. The organization is asked first: nothing is used up."""
        at = self.now()
        permitted = await self._permitted(session)
        key = await self.tokens.signing_key()
        async with self.begin() as tx:
            rotated = await tx.sessions.rotate(session.name, generation, at=self.now())
            if rotated is None:
                rotated = await tx.sessions.lock(session.name)
                if rotated is None or rotated.judge(generation, self.now(), self.grace) is not Refresh.GRACE:
                    raise RefreshTokenInvalid
            issued = self.tokens.issue(key, replace(rotated, organization=session.organization), permitted, at=at)
            await tx.commit(issued)
        return issued

    async def _permitted(self, session: Session) -> Permitted:
        """Return what the user may do in the session's organization; a session whose user left it goes on without one."""
        if not session.organization:
            return Permitted()
        try:
            return await self.grants.permitted(session.organization, session.user)
        except NotAMember:
            async with self.begin() as tx:
                await tx.sessions.set_organization(session.name, "")
                await tx.commit()
            raise

    async def _end(self, name: str, cause: Cause) -> None:
        async with self.begin() as tx:
            session = await tx.sessions.lock(name)
            if session is not None and session.alive(self.now()):
                _, event = session.end(self.now(), cause)
                await tx.sessions.end(name, event.revoke_time, event.cause)
                tx.outbox.add(event)
            await tx.commit()
