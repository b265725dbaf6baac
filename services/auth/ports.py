"""What the handlers need from the outside world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from services.auth.domain import Account, Cause, Session, SigningKey, SignUp
from services.chassis.lists import ListQuery, Rows
from services.chassis.transaction import Transaction


class Accounts(Protocol):
    """Reads accounts, one statement each."""

    async def get(self, user: str) -> Account:
        """Raises AccountNotFound."""
        ...

    async def find_by_email(self, email: str) -> Account | None:
        """Return the account of a normalized address."""
        ...


class SignUps(Protocol):
    """Reads sign-ups, one statement each."""

    async def find(self, sign_up: str) -> SignUp | None:
        """Return a sign-up by its id."""
        ...

    async def find_newest(self, email: str, at: datetime) -> SignUp | None:
        """Return the newest unused, unexpired sign-up of an address."""
        ...


class Sessions(Protocol):
    """Reads sessions, one statement each."""

    async def find(self, name: str) -> Session | None:
        """Return a session by its name."""
        ...

    async def list(self, user: str, at: datetime, query: ListQuery, *, show_ended: bool) -> Rows[Session]:
        """Return a page of a user's sessions."""
        ...


class ChangedAccounts(Protocol):
    """Accounts inside a transaction."""

    async def add(self, account: Account) -> bool:
        """Write a new account; False if its address has one."""
        ...

    async def set_last_organization(self, user: str, organization: str) -> None:
        """Remember where the person works."""
        ...

    async def set_password_hash(self, user: str, password_hash: str) -> None:
        """Write a hash of newer parameters."""
        ...


class ChangedSignUps(Protocol):
    """Sign-ups inside a transaction."""

    async def add(self, sign_up: SignUp) -> None:
        """Write a new sign-up."""
        ...

    async def lock(self, sign_up: str) -> SignUp | None:
        """Lock the sign-ups of its address and return it."""
        ...

    async def use_up(self, email: str, at: datetime) -> None:
        """Make every link of an address useless."""
        ...


class ChangedSessions(Protocol):
    """Sessions inside a transaction."""

    async def add(self, session: Session) -> None:
        """Write a new session."""
        ...

    async def lock(self, name: str) -> Session | None:
        """Lock and return a session."""
        ...

    async def rotate(self, name: str, generation: int, at: datetime) -> Session | None:
        """Take the session from `generation` to the next, if it is alive and there; return it as it is then."""
        ...

    async def end(self, name: str, at: datetime, cause: Cause) -> None:
        """Write that the session ended."""
        ...

    async def set_organization(self, name: str, organization: str) -> None:
        """Write which organization the session's tokens name."""
        ...


class AuthTransaction(Transaction, Protocol):
    """One unit of work. Leaving it without commit changes nothing."""

    @property
    def accounts(self) -> ChangedAccounts: ...
    @property
    def sign_ups(self) -> ChangedSignUps: ...
    @property
    def sessions(self) -> ChangedSessions: ...


class Passwords(Protocol):
    """Hashes passwords, slowly on purpose, a few at a time. Raises ResourceExhausted when too many wait."""

    async def hash(self, password: str) -> str:
        """Return an encoded hash."""
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare; without a hash it takes the same time and is False."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        ...


class Memberships(Protocol):
    """What user knows of memberships, as of now."""

    async def permissions(self, organization: str, user: str) -> tuple[str, ...]:
        """Return what the user may do there. Raises NotAMember, MembershipUnavailable."""
        ...


class SigningKeys(Protocol):
    """The keys that sign access tokens."""

    async def all(self) -> list[SigningKey]:
        """Return every key that is not retired, oldest first."""
        ...

    async def add(self, key: SigningKey) -> None:
        """Write a new key."""
        ...

    async def add_first(self, key: SigningKey) -> None:
        """Write `key` unless there is one: several processes may try at once."""
        ...

    async def retire_before(self, kid: str, at: datetime) -> None:
        """Retire, as of `at`, every key that is older than `kid`."""
        ...


Begin = Callable[[], AuthTransaction]
Now = Callable[[], datetime]
NewId = Callable[[str], str]
