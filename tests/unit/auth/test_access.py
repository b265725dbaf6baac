"""What a subject may do: the evaluation against a naive model, and how much of it a token carries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.auth.domain import Access, Grant, Membership, Permitted, RoleBinding, access_of
from services.auth.domain.access import MOST_BYTES, MOST_RESOURCES
from services.auth.wiring import CATALOGUE
from services.chassis.principal import Principal
from services.chassis.rpc.auth import _granted
from tests.conftest import NOON

ORG, ADA = "organizations/org_1", "users/usr_ada"
TEAMS = (f"{ORG}/teams/team_1", f"{ORG}/teams/team_2")
PATHS = (
    ORG,
    f"{ORG}/a/1",
    f"{ORG}/a/1/b/1",
    f"{ORG}/a/1/b/2",
    f"{ORG}/a/10",
    f"{ORG}/a/2",
    f"{ORG}/ab/1",
    "organizations/org_10",
)
PERMISSIONS = ("p.one", "p.two", "p.three")
MEMBER = Membership(f"{ORG}/memberships/usr_ada", "roles/member", frozenset({"p.one"}), TEAMS)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that can be said about one subject."""

    membership: Membership | None
    bound: list[tuple[RoleBinding, frozenset[str]]]
    at: datetime

    @property
    def access(self) -> Access:
        """What is to be tested."""
        return access_of(ORG, self.membership, self.bound)

    def naive(self, permission: str, resource: str) -> bool:
        """Walk from the resource upwards, and look at every binding at every step."""
        parts = resource.split("/")
        while len(parts) >= 2:
            here = "/".join(parts)
            if here == ORG and self.membership and permission in self.membership.permissions:
                return True
            for binding, permissions in self.bound:
                expired = binding.expire_time is not None and binding.expire_time <= self.at
                if binding.resource == here and permission in permissions and not expired:
                    return True
            del parts[-2:]
        return False


times = st.sampled_from([NOON + timedelta(minutes=minutes) for minutes in range(4)])
permission_sets = st.frozensets(st.sampled_from(PERMISSIONS))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    membership = draw(st.none() | st.builds(Membership, st.just("m"), st.just("roles/x"), permission_sets, st.just(TEAMS)))
    bound = [
        (
            RoleBinding(
                name=f"{ORG}/roleBindings/rbd_{number}",
                role=f"{ORG}/roles/rol_{number}",
                subject=draw(st.sampled_from((ADA, *TEAMS))),
                resource=draw(st.sampled_from(PATHS[:-1])),
                expire_time=draw(st.none() | times),
                creator=ADA,
                create_time=NOON,
            ),
            draw(permission_sets),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    return World(membership, bound, draw(times))


@given(worlds(), st.sampled_from(PERMISSIONS), st.sampled_from(PATHS))
def test_it_is_permitted_if_something_at_or_above_the_resource_permits_it(
    world: World, permission: str, resource: str
) -> None:
    found = world.access.find(permission, resource, world.at)

    assert (found is not None) == world.naive(permission, resource)
    assert (permission in world.access.permissions(resource, world.at)) == world.naive(permission, resource)


@given(worlds(), st.sampled_from(PERMISSIONS), st.sampled_from(PATHS))
def test_a_token_permits_the_same_as_long_as_it_lives(world: World, permission: str, resource: str) -> None:
    permitted = world.access.permitted(world.at)
    grants = {name: frozenset(permissions) for name, permissions in permitted.grants.items()}
    principal = Principal(ADA, ORG, frozenset(permitted.permissions), grants=grants)

    everywhere = permission in principal.permissions and resource != "organizations/org_10"

    assert (everywhere or _granted(principal, permission, iter([resource]))) == world.naive(permission, resource)


@given(worlds())
def test_a_token_ends_before_anything_in_it_does(world: World) -> None:
    until = world.access.permitted(world.at).until

    expiring = [b.expire_time for b, _ in world.bound if b.expire_time is not None and world.at < b.expire_time]
    assert until == min(expiring, default=None)


@given(worlds(), permission_sets)
def test_scopes_only_take_away(world: World, scopes: frozenset[str]) -> None:
    whole = world.access.permitted(world.at)
    narrow = whole.within(scopes)

    assert set(narrow.permissions) == set(whole.permissions) & scopes
    assert narrow.until == whole.until
    for resource, permissions in whole.grants.items():
        assert set(narrow.grants.get(resource, ())) == set(permissions) & scopes
    assert all(narrow.grants.values())


def test_the_membership_explains_before_a_binding_does() -> None:
    binding = RoleBinding(f"{ORG}/roleBindings/rbd_1", "roles/admin", TEAMS[0], ORG, None, ADA, NOON)
    access = access_of(ORG, MEMBER, [(binding, frozenset({"p.one", "p.two"}))])

    assert access.find("p.one", ORG, NOON) == Grant("roles/member", frozenset({"p.one"}), ORG, MEMBER.name)
    assert access.find("p.two", ORG, NOON) == Grant(
        "roles/admin", frozenset({"p.one", "p.two"}), ORG, binding.name, team=TEAMS[0]
    )


def test_a_token_says_nothing_twice() -> None:
    grants = (
        Grant("roles/x", frozenset({"p.one"}), ORG, "m"),
        Grant("roles/x", frozenset({"p.one"}), PATHS[1], "b1"),
        Grant("roles/x", frozenset({"p.one", "p.two"}), PATHS[5], "b2"),
    )

    assert Access(ORG, grants).permitted(NOON) == Permitted(("p.one",), {PATHS[5]: ("p.two",)})


def test_a_token_has_room_for_fifty_resources_nearest_first() -> None:
    deep = Grant("roles/x", frozenset({"p"}), f"{ORG}/a/0/b/0", "b")
    flat = [replace(deep, resource=f"{ORG}/a/{number:03}") for number in range(60)]

    grants = Access(ORG, (deep, *flat)).permitted(NOON).grants

    assert list(grants) == [f"{ORG}/a/{number:03}" for number in range(MOST_RESOURCES)]


def test_a_token_stays_short_enough_for_a_header() -> None:
    everything = CATALOGUE.names
    long = [Grant("roles/x", everything, f"{ORG}/{'a' * 40}/{number:060}", "b") for number in range(50)]

    permitted = Access(ORG, tuple(long)).permitted(NOON)

    assert sum(len(str({resource: permissions})) for resource, permissions in permitted.grants.items()) <= MOST_BYTES
