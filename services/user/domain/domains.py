"""Domains that organizations claim, prove by DNS and capture newcomers with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Self

from services.chassis.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from services.user.domain.organizations import Organization

CHALLENGE = "_trellis-challenge"
PUBLIC_MAIL = frozenset(
    [
        "126.com",
        "163.com",
        "aol.com",
        "fastmail.com",
        "freenet.de",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hey.com",
        "hotmail.co.uk",
        "hotmail.com",
        "hotmail.fr",
        "icloud.com",
        "laposte.net",
        "libero.it",
        "live.com",
        "mac.com",
        "mail.com",
        "mail.ru",
        "mailbox.org",
        "me.com",
        "msn.com",
        "naver.com",
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "posteo.de",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "rediffmail.com",
        "rocketmail.com",
        "seznam.cz",
        "sina.com",
        "t-online.de",
        "tuta.com",
        "tutanota.com",
        "web.de",
        "wp.pl",
        "yahoo.co.jp",
        "yahoo.co.uk",
        "yahoo.com",
        "yahoo.de",
        "yahoo.fr",
        "yandex.com",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
    ]
)
"""Where people of no organization have their addresses."""


class DomainState(IntEnum):
    """Whether a domain is proven; the numbers are the contract's."""

    UNVERIFIED = 1
    VERIFIED = 2


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain that an organization claims or owns."""

    organization: str
    hostname: str
    """Lower case, ASCII."""
    challenge: str
    """What the record is to hold. Unguessable, so that nobody puts it there beforehand; no secret: DNS is public."""
    create_time: datetime
    update_time: datetime
    capture: bool = False
    state: DomainState = DomainState.UNVERIFIED
    verify_time: datetime | None = None
    check_time: datetime | None = None
    """When the record was last looked for."""
    seen_time: datetime | None = None
    """When it was last found."""
    version: int = 1

    @property
    def name(self) -> str:
        """`organizations/{organization}/domains/{domain}`."""
        return f"{self.organization}/domains/{self.hostname}"

    @property
    def record_name(self) -> str:
        """The name of the TXT record."""
        return f"{CHALLENGE}.{self.hostname}"

    @property
    def record_value(self) -> str:
        """The value of the TXT record."""
        return f"trellis-verification={self.challenge}"

    @property
    def captures(self) -> bool:
        """Whether newcomers become members."""
        return self.capture and self.state is DomainState.VERIFIED

    def change(self, values: dict[str, bool], at: datetime) -> tuple[Self, DomainUpdated]:
        """Return the domain with the values changed, and what to announce."""
        changed = replace(self, **values, update_time=at, version=self.version + 1)  # type: ignore[arg-type]
        return changed, DomainUpdated(self.name, self.organization, tuple(sorted(values)), at)

    def verify(self, texts: Collection[str], at: datetime) -> tuple[Self, DomainVerified | None]:
        """Return the domain as proven by the record's values, and what to announce if it was not before.

        Raises DomainNotVerified.
        """
        if self.record_value not in texts:
            raise DomainNotVerified(self.record_name)
        if self.state is DomainState.VERIFIED:
            return self._seen(at), None
        proven = replace(
            self._seen(at), state=DomainState.VERIFIED, verify_time=at, update_time=at, version=self.version + 1
        )
        return proven, DomainVerified(self.name, self.organization, at)

    def check(self, texts: Collection[str] | None, at: datetime, patience: timedelta) -> tuple[Self, DomainLost | None]:
        """Return a verified domain after its record was looked for again; `texts` is None where DNS did not answer.

        Only an answer without the record counts against it, and only once it was gone for `patience`.
        """
        if texts is not None and self.record_value in texts:
            return self._seen(at), None
        checked = replace(self, check_time=at)
        if texts is None or at - (self.seen_time or self.create_time) < patience:
            return checked, None
        return checked.lose(at)

    def lose(self, at: datetime) -> tuple[Self, DomainLost]:
        """Return the domain as claimed only."""
        lost = replace(self, state=DomainState.UNVERIFIED, verify_time=None, update_time=at, version=self.version + 1)
        return lost, DomainLost(self.name, self.organization, at)

    def _seen(self, at: datetime) -> Self:
        return replace(self, check_time=at, seen_time=at)


def claim(domain: Domain, organization: Organization, registered: str | None) -> tuple[Domain, DomainCreated]:
    """Return a new claim; `registered` is the part of the domain that somebody registered.

    Raises OrganizationDeleted, DomainNotClaimable.
    """
    organization.must_be_active()
    if registered is None or registered in PUBLIC_MAIL:
        raise DomainNotClaimable(domain.hostname)
    return domain, DomainCreated(domain.name, organization.name, domain.create_time)


@dataclass(frozen=True, slots=True)
class DomainCreated:
    """An organization claimed a domain."""

    domain: str
    organization: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class DomainVerified:
    """An organization proved to own a domain."""

    domain: str
    organization: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class DomainUpdated:
    """A setting of a domain changed."""

    domain: str
    organization: str
    fields: tuple[str, ...]
    update_time: datetime


@dataclass(frozen=True, slots=True)
class DomainLost:
    """An organization owns a domain no longer."""

    domain: str
    organization: str
    update_time: datetime


@dataclass(frozen=True, slots=True)
class DomainDeleted:
    """An organization gave a domain up."""

    domain: str
    organization: str
    delete_time: datetime


class DomainNotFound(NotFound):
    """There is no such domain."""

    reason = "DOMAIN_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} does not exist.", domain=name)


class DomainExists(AlreadyExists):
    """The organization claimed the domain before."""

    reason = "DOMAIN_EXISTS"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} exists already.", domain=name)


class DomainNotClaimable(InvalidArgument):
    """The domain belongs to many."""

    reason = "DOMAIN_NOT_CLAIMABLE"

    def __init__(self, hostname: str) -> None:
        super().__init__(f"{hostname} belongs to many; claim a domain of your own.", domain=hostname)


class DomainNotVerified(FailedPrecondition):
    """The record is not there."""

    reason = "DOMAIN_NOT_VERIFIED"

    def __init__(self, record: str) -> None:
        super().__init__(f"The TXT record {record} does not hold the value that proves the domain.", record=record)


class DomainLookupFailed(Unavailable):
    """DNS does not answer."""

    reason = "DOMAIN_LOOKUP_FAILED"

    def __init__(self, record: str) -> None:
        message = f"The name servers of {record} do not answer; try again later."
        super().__init__(message, retry_after_s=30, record=record)


class DomainLimitReached(ResourceExhausted):
    """The organization has as many domains as it may have."""

    reason = "DOMAIN_LIMIT_REACHED"

    def __init__(self, organization: str, limit: int) -> None:
        message = f"{organization} has {limit} domains, which is the most; delete some first."
        super().__init__(message, organization=organization, limit=str(limit))
