"""What user stores of domains, in memory and in PostgreSQL; and what happens when several things happen at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.chassis.lists import ListQuery
from services.chassis.principal import Principal
from services.user.domain import (
    Domain,
    DomainExists,
    DomainNotFound,
    DomainState,
    Membership,
    Organization,
    Role,
    User,
)
from services.user.handlers.domains import CreateDomain, UpdateDomain
from services.user.handlers.invitations import CreateInvitation
from tests.conftest import NOON, Time
from tests.fakes.user import Ports
from tests.fakes.user_process import Parts

ACME, HIDDEN = "organizations/org_acme", "organizations/org_hidden"
ADA, NEW = "users/usr_ada", "users/usr_new"
OWNER = Principal(ADA, ACME)
NEWCOMER = User(NEW, "new@example.com", "New", NOON, NOON)


def domain(hostname: str, where: str = ACME, *, verified: bool = False, capture: bool = False, minutes: int = 0) -> Domain:
    at = NOON + timedelta(minutes=minutes)
    claimed = Domain(where, hostname, f"dom_{minutes}", at, at, capture)
    return claimed.verify([claimed.record_value], at)[0] if verified else claimed


@pytest.fixture
async def filled(ports: Ports) -> Ports:
    """Ada owns ACME and HIDDEN."""
    async with ports.begin() as tx:
        await tx.users.add(User(ADA, "ada@example.org", "Ada", NOON, NOON))
        for where in (ACME, HIDDEN):
            await tx.organizations.add(Organization(where, "Acme", NOON, NOON))
            await tx.memberships.add(Membership(where, ADA, Role.OWNER, NOON, NOON))
        await tx.commit()
    return ports


async def keep(ports: Ports, *domains: Domain) -> None:
    async with ports.begin() as tx:
        for each in domains:
            await tx.domains.add(each)
        await tx.commit()


async def test_what_was_committed_is_read_back_whole(filled: Ports) -> None:
    claimed, owned = domain("example.com"), domain("example.org", verified=True, capture=True, minutes=3)
    await keep(filled, claimed, owned)

    assert await filled.domains.get(claimed.name) == claimed
    assert await filled.domains.get(owned.name) == owned


async def test_what_is_not_there_is_said_by_name(filled: Ports) -> None:
    await keep(filled, domain("example.com"))
    missing = r"^organizations/org_hidden/domains/example\.com does not exist\.$"

    with pytest.raises(DomainNotFound, match=missing):
        await filled.domains.get(f"{HIDDEN}/domains/example.com")
    async with filled.begin() as tx:
        with pytest.raises(DomainNotFound, match=missing):
            await tx.domains.get(f"{HIDDEN}/domains/example.com")


async def test_one_organization_claims_a_domain_once_and_several_claim_it(filled: Ports) -> None:
    await keep(filled, domain("example.com"), domain("example.com", HIDDEN))

    with pytest.raises(DomainExists):
        await keep(filled, domain("example.com"))


async def test_a_change_is_saved_and_a_removed_one_is_gone(filled: Ports) -> None:
    claimed = domain("example.com")
    await keep(filled, claimed)
    changed, _ = claimed.change({"capture": True}, NOON)

    async with filled.begin() as tx:
        await tx.domains.save(changed)
        await tx.commit()
    assert await filled.domains.get(claimed.name) == changed

    async with filled.begin() as tx:
        await tx.domains.remove(claimed.name)
        await tx.commit()
    with pytest.raises(DomainNotFound):
        await filled.domains.get(claimed.name)


async def test_only_a_verified_one_that_captures_captures(filled: Ports) -> None:
    capturing = domain("example.com", verified=True, capture=True)
    await keep(
        filled,
        capturing,
        domain("example.com", HIDDEN, capture=True),
        domain("example.org", verified=True),
        domain("example.net", capture=True),
    )

    async with filled.begin() as tx:
        found = [await tx.domains.find_capturing(f"example.{end}") for end in ("com", "org", "net", "info")]
        claims = await tx.domains.lock_claims("example.com")
        count = await tx.domains.count(ACME)
        proved = [await tx.domains.is_verified(ACME, f"example.{end}") for end in ("com", "org", "net", "info")]
        foreign = await tx.domains.is_verified(HIDDEN, "example.com")

    assert (proved, foreign) == ([True, True, False, False], False)
    assert found == [capturing, None, None, None]
    assert ([each.organization for each in claims], count) == ([ACME, HIDDEN], 3)


async def test_the_longest_unchecked_are_due_first(filled: Ports) -> None:
    await keep(
        filled,
        domain("a.example", verified=True, minutes=2),
        domain("b.example", verified=True, minutes=1),
        domain("c.example", verified=True, minutes=3),
        domain("d.example"),
    )

    due = await filled.domains.find_due(NOON + timedelta(minutes=3), 9)
    first = await filled.domains.find_due(NOON + timedelta(minutes=9), 1)

    assert [each.hostname for each in due] == ["b.example", "a.example"]
    assert [each.hostname for each in first] == ["b.example"]


FILTERS = {
    "": "a b c",
    "state = STATE_VERIFIED": "b c",
    "capture = true": "c",
    "capture = false AND state = STATE_UNVERIFIED": "a",
    'create_time >= "2026-01-01T12:02:00Z"': "b c",
}


@pytest.mark.parametrize("wanted", FILTERS)
async def test_domains_are_listed_by_name(filled: Ports, wanted: str) -> None:
    await keep(
        filled,
        domain("c.example", verified=True, capture=True, minutes=2),
        domain("a.example", minutes=1),
        domain("b.example", verified=True, minutes=3),
        domain("d.example", HIDDEN),
    )

    rows = await filled.domains.list(ACME, ListQuery(filter=wanted))

    assert " ".join(each.hostname[0] for each in rows.items) == FILTERS[wanted]


@pytest.fixture
def parts(filled: Ports, time: Time) -> Parts:
    parts = Parts(filled, time)
    parts.accounts.known[NEW] = NEWCOMER
    return parts


async def proven(parts: Parts, where: str = ACME, *, capture: bool = True) -> Domain:
    """Claim example.com and put the record into DNS beside those of others."""
    claimed = await parts.domains.create_domain(CreateDomain(where, "example.com", capture))
    parts.resolver.records.setdefault(claimed.record_name, []).append(claimed.record_value)
    return claimed


async def test_of_two_organizations_that_verify_at_once_one_owns_it(parts: Parts) -> None:
    claims = [await proven(parts, where) for where in (ACME, HIDDEN)]

    await asyncio.gather(*(parts.domains.verify_domain(claim.name) for claim in claims * 5))

    states = sorted([(await parts.ports.domains.get(claim.name)).state for claim in claims])
    assert states == [DomainState.UNVERIFIED, DomainState.VERIFIED]


async def test_a_newcomer_on_every_path_at_once_is_captured_once(parts: Parts) -> None:
    claim = await proven(parts)
    await parts.domains.verify_domain(claim.name)

    await asyncio.gather(
        *(parts.users.create_user(NEWCOMER) for _ in range(5)),
        *(parts.users.get_user("users/me", Principal(NEW)) for _ in range(5)),
    )

    rows = await parts.ports.memberships.list(ACME, ListQuery())
    assert [each for each in rows.items if each.user == NEW] == [Membership(ACME, NEW, Role.MEMBER, NOON, NOON)]


async def test_captured_and_invited_at_once_gives_the_invited_role(parts: Parts) -> None:
    claim = await proven(parts)
    await parts.domains.verify_domain(claim.name)
    invitation = await parts.invitations.create_invitation(CreateInvitation(ACME, NEWCOMER.email, Role.ADMIN), OWNER)
    token = parts.links.token(invitation.id)

    await asyncio.gather(
        *(parts.users.create_user(NEWCOMER) for _ in range(5)),
        *(parts.invitations.accept_invitation(token, Principal(NEW)) for _ in range(5)),
    )

    assert (await parts.ports.memberships.get(f"{ACME}/memberships/usr_new")).role is Role.ADMIN


async def test_capturing_that_ends_at_once_captures_or_not_and_breaks_nothing(parts: Parts) -> None:
    claim = await proven(parts)
    await parts.domains.verify_domain(claim.name)
    newcomers = [replace(NEWCOMER, name=f"users/usr_{n}", email=f"n{n}@example.com") for n in range(8)]

    await asyncio.gather(
        *(parts.users.create_user(newcomer) for newcomer in newcomers[:4]),
        parts.domains.update_domain(UpdateDomain(claim.name, {"capture": False}, "")),
        *(parts.users.create_user(newcomer) for newcomer in newcomers[4:]),
    )
    late = replace(NEWCOMER, email="late@example.com")
    await parts.users.create_user(late)

    rows = await parts.ports.memberships.list(ACME, ListQuery())
    assert {each.user for each in rows.items} <= {ADA, *(newcomer.name for newcomer in newcomers)}
    assert [(await parts.ports.users.get(newcomer.name)).email for newcomer in newcomers] == [
        newcomer.email for newcomer in newcomers
    ]


async def test_a_domain_that_is_taken_while_its_settings_change_stays_taken(filled: Ports, time: Time) -> None:
    parts = Parts(filled, time)
    mine, theirs = domain("example.com"), domain("example.com", HIDDEN, verified=True)
    parts.resolver.records[mine.record_name] = [mine.record_value, theirs.record_value]
    await keep(filled, mine, theirs)
    loser, winner = theirs.name, mine.name
    for _ in range(5):
        changes = [UpdateDomain(loser, {"capture": number % 2 == 0}, "") for number in range(4)]
        await asyncio.gather(parts.domains.verify_domain(winner), *map(parts.domains.update_domain, changes))

        assert (await filled.domains.get(winner)).state is DomainState.VERIFIED
        assert (await filled.domains.get(loser)).state is DomainState.UNVERIFIED
        loser, winner = winner, loser
