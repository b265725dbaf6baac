"""The made-up people of `trellis seed`: the same size and seed always give the same names, addresses and organizations."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

PASSWORD = "seeded people share one secret"  # noqa: S105 -- of people who do not exist, on a platform for trying out
_GIVEN = (
    *("Ada", "Alan", "Annie", "Barbara", "Charles", "Claude", "Dennis", "Donald", "Dorothy", "Edith", "Edsger", "Evelyn"),
    *("Fei-Fei", "Frances", "George", "Grace", "Hedy", "Ida", "Jean", "John", "Juliane", "Karen", "Katherine", "Ken"),
    *("Leslie", "Lin", "Lotfi", "Lynn", "Margaret", "Mary", "Niklaus", "Noor", "Radia", "Rózsa", "Sofja", "Sophie", "Tim"),
)
_FAMILY = (
    *("Allen", "Babbage", "Backus", "Bartik", "Clarke", "Conway", "Dijkstra", "Easley", "Fano", "Goldberg", "Hamilton"),
    *("Hopper", "Ivanova", "Jackson", "Johnson", "Kay", "Knuth", "Lamport", "Lamarr", "Liskov", "Lovelace", "McCarthy"),
    *("Noether", "Okafor", "Péter", "Perlman", "Quine", "Ritchie", "Shannon", "Spärck", "Thompson", "Turing", "Wirth"),
)
_KINDS = ("Analytics", "Atelier", "Bakery", "Bicycles", "Bookshop", "Clinic", "Engines", "Ferries", "Gardens", "Laboratory")
_ADMIN_EACH = 5


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    email: str
    display_name: str
    role: str
    """In their organization, as the contract names it."""


@dataclass(frozen=True, slots=True)
class Group:
    """One organization and who belongs to it; the first is its owner."""

    number: int
    display_name: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is planted."""

    name: str
    users: int
    organizations: int
    imports: bool = False
    """Whether all but the owners are imported, without accounts of their own."""

    def groups(self, seed: int) -> Iterator[Group]:
        """Yield the organizations, each with a share of the people that differs by one at most."""
        first = 0
        for number in range(self.organizations):
            last = self.users * (number + 1) // self.organizations
            yield _group(number, range(first, last), f"{self.name}{seed}.example")
            first = last


SIZES = {
    size.name: size
    for size in (Size("s", 20, 3), Size("m", 1_000, 50, imports=True), Size("l", 100_000, 2_000, imports=True))
}


def _group(number: int, people: range, domain: str) -> Group:
    chance = random.Random(f"{domain}/{number}")  # noqa: S311 -- to be the same each time, not to be secret
    display_name = f"{chance.choice(_FAMILY)} {chance.choice(_KINDS)} {number + 1}"
    return Group(number, display_name, tuple(_person(n, n - people.start, domain, chance) for n in people))


def _person(number: int, place: int, domain: str, chance: random.Random) -> Person:
    given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
    role = "ROLE_OWNER" if place == 0 else "ROLE_ADMIN" if place % _ADMIN_EACH == 0 else "ROLE_MEMBER"
    return Person(f"{_ascii(given)}.{_ascii(family)}.{number + 1}@{domain}", f"{given} {family}", role)


def _ascii(name: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalpha())
