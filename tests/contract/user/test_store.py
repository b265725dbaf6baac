"""The promises of user's ports, held by the fake that unit tests use and by PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.chassis import repeat
from services.chassis.errors import InvalidArgument, RequestIdReused
from services.chassis.lists import ListQuery
from services.user.convert import user_to_proto
from services.user.domain import (
    Membership,
    MembershipExists,
    MembershipNotFound,
    Organization,
    OrganizationNotFound,
    Role,
    User,
    UserNotFound,
    UserState,
    UserUpdated,
)
from tests.conftest import NOON
from tests.fakes.user import Ports
from trellis.user.v1 import resources_pb2 as pb

ADA, BOB, EVE = "users/usr_ada", "users/usr_bob", "users/usr_eve"
ACME, HIDDEN = "organizations/org_acme", "organizations/org_hidden"


def user(name: str, display_name: str, minutes: int = 0) -> User:
    at = NOON + timedelta(minutes=minutes)
    return User(name, f"{name.removeprefix('users/usr_')}@example.com", display_name, at, at, "en", "Europe/Berlin")


def organization(name: str, display_name: str, minutes: int = 0) -> Organization:
    at = NOON + timedelta(minutes=minutes)
    return Organization(name, display_name, at, at)


def membership(where: str, who: str, role: Role, minutes: int = 0) -> Membership:
    at = NOON + timedelta(minutes=minutes)
    return Membership(where, who, role, at, at)


async def fill(ports: Ports) -> None:
    """Ada owns ACME, Bob is a member of it, Eve owns HIDDEN."""
    async with ports.begin() as tx:
        for minutes, (name, display_name) in enumerate([(ADA, "Ada"), (BOB, "Bob"), (EVE, "Eve")]):
            await tx.users.add(user(name, display_name, minutes))
        await tx.organizations.add(organization(ACME, "Acme"))
        await tx.organizations.add(organization(HIDDEN, "Hidden"))
        await tx.memberships.add(membership(ACME, ADA, Role.OWNER))
        await tx.memberships.add(membership(ACME, BOB, Role.MEMBER, 1))
        await tx.memberships.add(membership(HIDDEN, EVE, Role.OWNER))
        await tx.commit()


async def test_what_was_committed_is_read_back_whole(ports: Ports) -> None:
    await fill(ports)

    assert await ports.users.get(ADA) == user(ADA, "Ada")
    assert await ports.organizations.get(ACME) == organization(ACME, "Acme")
    assert await ports.memberships.get(f"{ACME}/memberships/usr_bob") == membership(ACME, BOB, Role.MEMBER, 1)


async def test_leaving_without_commit_changes_nothing(ports: Ports) -> None:
    await fill(ports)

    async with ports.begin() as tx:
        await tx.users.save(replace(user(ADA, "Ada"), display_name="Countess"))
        await tx.memberships.remove(f"{ACME}/memberships/usr_bob")
        tx.outbox.add(UserUpdated(ADA, ("display_name",), NOON))

    assert (await ports.users.get(ADA)).display_name == "Ada"
    assert (await ports.memberships.get(f"{ACME}/memberships/usr_bob")).role is Role.MEMBER


async def test_an_error_inside_changes_nothing(ports: Ports) -> None:
    await fill(ports)

    async def rename_and_fail() -> None:
        async with ports.begin() as tx:
            await tx.users.save(replace(user(ADA, "Ada"), display_name="Countess"))
            await tx.memberships.add(membership(ACME, BOB, Role.ADMIN))

    with pytest.raises(MembershipExists):
        await rename_and_fail()

    assert (await ports.users.get(ADA)).display_name == "Ada"


async def test_a_transaction_reads_its_own_writes(ports: Ports) -> None:
    await fill(ports)

    async with ports.begin() as tx:
        await tx.memberships.save(replace(membership(ACME, BOB, Role.OWNER, 1), version=2))

        assert await tx.memberships.role_of(ACME, BOB) is Role.OWNER
        assert await tx.memberships.count_other_owners(ACME, ADA) == 1

    assert (await ports.memberships.get(f"{ACME}/memberships/usr_bob")).role is Role.MEMBER


async def test_people_have_met_in_the_organization_or_in_any_other_with_the_caller(ports: Ports) -> None:
    await fill(ports)

    async with ports.begin() as tx:
        asked = [(ACME, BOB, EVE), (HIDDEN, BOB, ADA), (HIDDEN, BOB, EVE), (ACME, EVE, ADA), (ACME, "users/usr_nobody", ADA)]
        found = [await tx.memberships.have_met(*each) for each in asked]

    assert found == [True, True, False, False, False]


async def test_validate_only_keeps_nothing(ports: Ports) -> None:
    await fill(ports)
    repeat.current.set(repeat.Request(b"k" * 32, b"f" * 32, validate_only=True))

    async with ports.begin() as tx:
        changed = replace(await tx.users.get(ADA), display_name="Countess")
        await tx.users.save(changed)
        await tx.commit(changed)

    assert (await ports.users.get(ADA)).display_name == "Ada"
    repeat.current.set(repeat.Request(b"k" * 32, b"f" * 32))
    async with ports.begin() as tx:  # the identity is still free
        await tx.commit(await tx.users.get(ADA))


async def test_a_repeated_request_is_answered_as_the_first_time(ports: Ports) -> None:
    await fill(ports)
    repeat.current.set(repeat.Request(b"k" * 32, b"f" * 32))
    async with ports.begin() as tx:
        await tx.commit(await tx.users.get(ADA))

    with pytest.raises(repeat.AlreadyDone) as done:
        async with ports.begin():
            pass

    assert pb.User.FromString(done.value.answer) == user_to_proto(user(ADA, "Ada"))


async def test_a_request_id_with_another_body_is_refused(ports: Ports) -> None:
    await fill(ports)
    repeat.current.set(repeat.Request(b"k" * 32, b"f" * 32))
    async with ports.begin() as tx:
        await tx.commit(await tx.users.get(ADA))
    repeat.current.set(repeat.Request(b"k" * 32, b"g" * 32))

    with pytest.raises(RequestIdReused):
        async with ports.begin():
            pass


async def test_an_event_takes_effect_once(ports: Ports) -> None:
    repeat.current.set(repeat.Delivery("user.accounts", ("evt_1",)))
    async with ports.begin() as tx:
        await tx.users.add(user(ADA, "Ada"))
        await tx.commit()

    with pytest.raises(repeat.AlreadyDone):
        async with ports.begin():
            pass


async def test_two_changes_of_one_user_happen_one_after_the_other(ports: Ports) -> None:
    await fill(ports)

    async def rename() -> None:
        async with ports.begin() as tx:
            found = await tx.users.get(ADA)
            changed, event = found.change({"display_name": found.display_name + "!"}, NOON)
            await tx.users.save(changed)
            tx.outbox.add(event)
            await tx.commit(changed)

    await asyncio.gather(*(rename() for _ in range(5)))

    renamed = await ports.users.get(ADA)
    assert (renamed.display_name, renamed.version) == ("Ada!!!!!", 6)


async def test_a_user_that_is_there_stays_as_it_is(ports: Ports) -> None:
    await fill(ports)

    async with ports.begin() as tx:
        await tx.users.add(user(ADA, "Somebody else", 9))
        await tx.commit()

    assert await ports.users.get(ADA) == user(ADA, "Ada")


async def test_what_is_not_there_is_said_by_name(ports: Ports) -> None:
    with pytest.raises(UserNotFound, match=r"^users/usr_ada does not exist\.$"):
        await ports.users.get(ADA)
    with pytest.raises(OrganizationNotFound, match=r"^organizations/org_acme does not exist\.$"):
        await ports.organizations.get(ACME)
    with pytest.raises(MembershipNotFound, match=r"^organizations/org_acme/memberships/usr_ada does not exist\.$"):
        await ports.memberships.get(f"{ACME}/memberships/usr_ada")
    async with ports.begin() as tx:
        with pytest.raises(UserNotFound):
            await tx.users.get(ADA)
        with pytest.raises(OrganizationNotFound):
            await tx.organizations.get(ACME)
        with pytest.raises(MembershipNotFound):
            await tx.memberships.role_of(ACME, ADA)


async def test_nobody_unknown_becomes_a_member(ports: Ports) -> None:
    await fill(ports)

    with pytest.raises(UserNotFound, match=r"^users/usr_nobody does not exist\.$"):
        async with ports.begin() as tx:
            await tx.memberships.add(membership(ACME, "users/usr_nobody", Role.MEMBER))


async def test_a_removed_membership_is_gone(ports: Ports) -> None:
    await fill(ports)

    async with ports.begin() as tx:
        await tx.memberships.remove(f"{ACME}/memberships/usr_bob")
        await tx.commit()

    with pytest.raises(MembershipNotFound):
        await ports.memberships.get(f"{ACME}/memberships/usr_bob")


async def test_only_the_caller_and_members_are_visible(ports: Ports) -> None:
    await fill(ports)

    found = await ports.users.find_visible([ADA, BOB, EVE, "users/usr_nobody"], BOB, ACME)
    alone = await ports.users.find_visible([ADA, BOB, EVE], EVE, "")

    assert sorted(each.name for each in found) == [ADA, BOB]
    assert [each.name for each in alone] == [EVE]


async def test_only_owners_get_a_token_for_a_deleted_organization(ports: Ports) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        deleted, _ = (await tx.organizations.get(ACME)).delete(NOON, timedelta(days=30))
        await tx.organizations.save(deleted)
        await tx.commit()

    assert (await ports.memberships.resolve(ACME, ADA)).role is Role.OWNER
    with pytest.raises(MembershipNotFound):
        await ports.memberships.resolve(ACME, BOB)


async def test_nobody_gets_a_token_with_an_account_that_is_out_of_use(ports: Ports) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        await tx.users.save((await tx.users.get(BOB)).deactivate(NOON)[0])
        await tx.commit()

    assert (await ports.users.get(BOB)).state is UserState.DEACTIVATED
    with pytest.raises(MembershipNotFound):
        await ports.memberships.resolve(ACME, BOB)


async def test_owners_count_while_their_accounts_are_active(ports: Ports) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        await tx.memberships.add(membership(HIDDEN, BOB, Role.OWNER))
        assert (await tx.memberships.last_owned_by(EVE), await tx.memberships.last_owned_by(ADA)) == ([], [ACME])
        assert await tx.memberships.count_other_owners(HIDDEN, EVE) == 1
        await tx.users.save((await tx.users.get(BOB)).deactivate(NOON)[0])
        assert await tx.memberships.last_owned_by(EVE) == [HIDDEN]
        assert await tx.memberships.count_other_owners(HIDDEN, EVE) == 0


async def test_a_deleted_organization_needs_no_owner(ports: Ports) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        await tx.organizations.save(organization(ACME, "Acme").delete(NOON, timedelta(days=30))[0])
        assert await tx.memberships.last_owned_by(ADA) == []


async def test_an_owner_who_leaves_and_one_who_resigns_at_once_leave_one(ports: Ports) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        await tx.memberships.add(membership(HIDDEN, BOB, Role.OWNER))
        await tx.commit()

    async def leave() -> bool:
        async with ports.begin() as tx:
            await tx.organizations.lock_owned_by(EVE)
            user = await tx.users.get(EVE)
            if await tx.memberships.last_owned_by(EVE):
                return False
            await tx.users.save(user.deactivate(NOON)[0])
            await tx.commit()
        return True

    async def resign() -> bool:
        async with ports.begin() as tx:
            await tx.organizations.get(HIDDEN)
            if await tx.memberships.count_other_owners(HIDDEN, BOB) == 0:
                return False
            await tx.memberships.remove(f"{HIDDEN}/memberships/usr_bob")
            await tx.commit()
        return True

    assert sorted(await asyncio.gather(leave(), resign())) == [False, True]


async def test_what_is_due_is_purged_with_its_memberships(ports: Ports) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        await tx.organizations.save(organization(ACME, "Acme").delete(NOON, timedelta(days=30))[0])
        await tx.commit()

    due = NOON + timedelta(days=30)
    async with ports.begin() as tx:
        assert await tx.organizations.lock_due(due - timedelta(seconds=1)) is None
        found = await tx.organizations.lock_due(due)
        assert found is not None
        assert found.name == ACME
        assert [await tx.organizations.empty(ACME, 1) for _ in range(3)] == [1, 1, 0]
        await tx.organizations.remove(ACME)
        await tx.commit()

    with pytest.raises(OrganizationNotFound):
        await ports.organizations.get(ACME)
    with pytest.raises(MembershipNotFound):
        await ports.memberships.get(f"{ACME}/memberships/usr_ada")
    assert (await ports.organizations.get(HIDDEN)).name == HIDDEN


async def test_every_member_gets_a_token_for_an_active_organization(ports: Ports) -> None:
    await fill(ports)

    assert (await ports.memberships.resolve(ACME, BOB)).role is Role.MEMBER
    with pytest.raises(MembershipNotFound):
        await ports.memberships.resolve(ACME, EVE)


async def test_organizations_are_listed_to_their_members(ports: Ports) -> None:
    await fill(ports)

    rows = await ports.organizations.list(ADA, ListQuery(), show_deleted=False)

    assert ([each.name for each in rows.items], rows.next) == ([ACME], None)


async def test_deleted_organizations_are_listed_if_asked_for(ports: Ports) -> None:
    await fill(ports)
    async with ports.begin() as tx:
        deleted, _ = (await tx.organizations.get(ACME)).delete(NOON, timedelta(days=30))
        await tx.organizations.save(deleted)
        await tx.commit()

    assert (await ports.organizations.list(ADA, ListQuery(), show_deleted=False)).items == []
    assert (await ports.organizations.list(ADA, ListQuery(), show_deleted=True)).items == [deleted]
    only_deleted = ListQuery(filter="state = STATE_DELETED")
    assert (await ports.organizations.list(ADA, only_deleted, show_deleted=True)).items == [deleted]
    assert (await ports.organizations.list(ADA, ListQuery(filter="state = STATE_ACTIVE"), show_deleted=True)).items == []


CROWD = [
    ("users/usr_01", "Zoë", 3, Role.OWNER),
    ("users/usr_02", "Ada", 1, Role.MEMBER),
    ("users/usr_03", "Ada", 2, Role.ADMIN),
    ("users/usr_04", "ada_50%", 2, Role.MEMBER),
    ("users/usr_05", "Bob", 2, Role.MEMBER),
    ("users/usr_06", 'O\'Neil "Nick" \\', 1, Role.ADMIN),
    ("users/usr_07", "Bob", 3, Role.OWNER),
]


async def gather_crowd(ports: Ports) -> None:
    async with ports.begin() as tx:
        await tx.organizations.add(organization(ACME, "Acme"))
        for name, display_name, minutes, role in CROWD:
            await tx.users.add(user(name, display_name, minutes))
            await tx.memberships.add(membership(ACME, name, role, minutes))
        await tx.commit()


ORDERS = {
    "": "01 02 03 04 05 06 07",
    "display_name": "02 03 05 07 06 01 04",
    "display_name desc": "04 01 06 07 05 03 02",
    "create_time, display_name": "02 06 03 05 04 07 01",
    "create_time desc, display_name": "07 01 03 05 04 02 06",
    "create_time desc, display_name desc": "01 07 04 05 03 06 02",
    "create_time asc, display_name desc": "06 02 04 05 03 01 07",
    "display_name asc, create_time desc": "03 02 07 05 06 01 04",
}


@pytest.mark.parametrize("order_by", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_have_no_gap_and_no_repeat(ports: Ports, order_by: str, size: int) -> None:
    await gather_crowd(ports)

    seen: list[str] = []
    query = ListQuery(order_by=order_by, size=size)
    while True:
        rows = await ports.users.list(ACME, query, show_deleted=False)
        seen += [each.name.removeprefix("users/usr_") for each in rows.items]
        if rows.next is None:
            break
        assert len(rows.items) == size
        query = replace(query, after=rows.next)

    assert seen == ORDERS[order_by].split()


async def test_rows_that_come_and_go_between_pages_hide_nothing(ports: Ports) -> None:
    await gather_crowd(ports)
    first = await ports.memberships.list(ACME, ListQuery(size=3))

    async with ports.begin() as tx:
        await tx.memberships.remove(f"{ACME}/memberships/usr_03")
        await tx.users.add(user("users/usr_00", "Early"))
        await tx.memberships.add(membership(ACME, "users/usr_00", Role.MEMBER))
        await tx.commit()
    second = await ports.memberships.list(ACME, ListQuery(size=9, after=first.next))

    assert [each.user[-2:] for each in first.items] == ["01", "02", "03"]
    assert [each.user[-2:] for each in second.items] == ["04", "05", "06", "07"]


FILTERS = {
    'display_name: "ADA"': "02 03 04",
    'display_name = "Ada"': "02 03",
    'display_name != "Ada"': "01 04 05 06 07",
    'display_name: "50%"': "04",
    'display_name: "a_"': "04",
    r"""display_name = 'O\'Neil "Nick" \\'""": "06",
    'display_name: "zoë"': "01",
    'create_time > "2026-01-01T12:02:00Z"': "01 07",
    'create_time <= "2026-01-01T13:01:00+01:00"': "02 06",
    'create_time = "2026-01-01T12:02:00Z" AND NOT display_name = Bob': "03 04",
    'display_name = Bob OR display_name = Ada AND create_time < "2026-01-01T12:03:00Z"': "02 03 05",
    "email: usr": "",
    'email = "01@example.com"': "01",
    "language_code = en AND -(display_name: a OR display_name: b)": "01 06",
}


@pytest.mark.parametrize("text", FILTERS)
async def test_a_filter_finds_what_it_says(ports: Ports, text: str) -> None:
    await gather_crowd(ports)

    rows = await ports.users.list(ACME, ListQuery(filter=text), show_deleted=False)

    assert [each.name.removeprefix("users/usr_") for each in rows.items] == FILTERS[text].split()


@pytest.mark.parametrize(
    ("text", "found"),
    [("role = ROLE_OWNER", "01 07"), ("role != ROLE_MEMBER", "01 03 06 07"), ('user = "users/usr_05"', "05")],
)
async def test_memberships_are_filtered_by_role_and_user(ports: Ports, text: str, found: str) -> None:
    await gather_crowd(ports)

    rows = await ports.memberships.list(ACME, ListQuery(filter=text))

    assert [each.user.removeprefix("users/usr_") for each in rows.items] == found.split()


async def test_memberships_are_sorted_by_role(ports: Ports) -> None:
    await gather_crowd(ports)

    rows = await ports.memberships.list(ACME, ListQuery(order_by="role desc, create_time"))

    assert [each.user[-2:] for each in rows.items] == ["02", "04", "05", "06", "03", "01", "07"]


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        (ListQuery(order_by="language_code"), "order_by", "order_by.field"),
        (ListQuery(order_by="name; DROP TABLE users"), "order_by", "order_by.syntax"),
        (ListQuery(filter="password = x"), "filter", "filter.field"),
        (ListQuery(filter="display_name: Ada AND password = x"), "filter", "filter.field"),
        (ListQuery(filter="create_time > yesterday"), "filter", "filter.value"),
        (ListQuery(filter='create_time > "2026-01-01T12:00:00"'), "filter", "filter.value"),
        (ListQuery(filter='create_time: "2026"'), "filter", "filter.value"),
        (ListQuery(filter='display_name = "'), "filter", "filter.syntax"),
    ],
)
async def test_a_list_that_cannot_be_is_refused(ports: Ports, query: ListQuery, field: str, reason: str) -> None:
    await gather_crowd(ports)

    with pytest.raises(InvalidArgument) as refused:
        await ports.users.list(ACME, query, show_deleted=False)

    assert [(each.field, each.reason) for each in refused.value.fields] == [(field, reason)]


@pytest.mark.parametrize("text", ["role = OWNER", "role: ROLE_OWNER", "role = 1"])
async def test_a_role_is_filtered_by_its_name_only(ports: Ports, text: str) -> None:
    await gather_crowd(ports)

    with pytest.raises(InvalidArgument) as refused:
        await ports.memberships.list(ACME, ListQuery(filter=text))

    assert [(each.field, each.reason) for each in refused.value.fields] == [("filter", "filter.value")]
