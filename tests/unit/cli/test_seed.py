"""Who `trellis seed` plants, how their mail finds them, and what progress says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cli import seed
from cli.commands.output import Failed
from cli.people import PASSWORD, SIZES, Group, Size
from cli.progress import left_in_words, progress
from cli.seed import Outbox
from services.chassis.passwords import BreachedPasswords


@pytest.mark.parametrize("size", SIZES.values(), ids=lambda size: size.name)
def test_a_size_has_as_many_as_it_says_and_each_once(size: Size) -> None:
    groups = list(size.groups(1))
    people = [person for group in groups for person in group.people]

    assert (len(groups), len(people)) == (size.organizations, size.users)
    assert len({person.email for person in people}) == size.users
    assert len({group.display_name for group in groups}) == size.organizations
    assert {len(group.people) for group in groups} <= {
        size.users // size.organizations,
        size.users // size.organizations + 1,
    }


def test_the_same_seed_gives_the_same_people_and_another_gives_others() -> None:
    small = SIZES["s"]

    assert list(small.groups(1)) == list(small.groups(1))
    assert not set(addresses(small.groups(1))) & set(addresses(small.groups(2)))
    assert next(iter(small.groups(1))).people[0].email == "feifei.ritchie.1@s1.example"


def addresses(groups: Iterable[Group]) -> list[str]:
    return [person.email for group in groups for person in group.people]


def test_every_group_has_one_owner_and_some_administrators() -> None:
    for group in SIZES["s"].groups(1):
        roles = Counter(person.role for person in group.people)
        assert group.people[0].role == "ROLE_OWNER"
        assert (roles["ROLE_OWNER"], roles["ROLE_ADMIN"]) == (1, 1)


def test_addresses_are_plain_ascii_under_a_domain_that_nobody_can_own() -> None:
    for email in addresses(SIZES["m"].groups(3)):
        name, _, domain = email.partition("@")
        assert name.isascii()
        assert name.replace(".", "").isalnum()
        assert domain == "m3.example"


def test_the_shared_password_would_be_accepted() -> None:
    common = BreachedPasswords(Path(seed.__file__).parents[1] / "services" / "auth" / "breached_passwords.bin")

    assert len(PASSWORD) >= 15
    assert PASSWORD not in common


# Mail


def write(directory: Path, name: str, to: str, text: str) -> None:
    draft = directory / f"{name}.draft"
    draft.write_text(json.dumps({"id": name, "to": to, "text": text}))
    draft.rename(directory / f"{name}.json")


@asynccontextmanager
async def watched(outbox: Outbox) -> AsyncIterator[None]:
    watching = asyncio.create_task(outbox.watch())
    await asyncio.sleep(0)  # lets it see what is there already
    try:
        yield
    finally:
        watching.cancel()


async def test_a_mail_finds_who_expects_it_and_old_ones_are_left_alone(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    write(tmp_path, "m0", "ada@s1.example", "from another day")
    async with watched(outbox):
        with outbox.expecting("ada@s1.example") as mail:
            write(tmp_path, "m1", "bob@s1.example", "for somebody else")
            write(tmp_path, "m2", "ada@s1.example", "for Ada")
            path, text = await outbox.received(mail)

    assert (path.name, text) == ("m2.json", "for Ada")
    assert outbox.expected == {}


async def test_a_mail_that_does_not_come_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed, "MAIL_WITHIN_S", 0.01)
    outbox = Outbox(tmp_path)

    with outbox.expecting("ada@s1.example") as mail, pytest.raises(Failed, match=str(tmp_path)):
        await outbox.received(mail)


# Progress


@pytest.mark.parametrize(
    ("worked", "left", "passed_s", "words"),
    [
        (0, 10, 1.0, "no rate yet"),
        (30, 970, 1.0, "30.0 a second, 0:00:32 left"),
        (2, 7_998, 1.0, "2.0 a second, 1:06:39 left"),
        (10, 0, 2.0, "5.0 a second, 0:00:00 left"),
    ],
)
def test_progress_says_rate_and_time_left(worked: int, left: int, passed_s: float, words: str) -> None:
    assert left_in_words(worked, left, passed_s) == words


def test_progress_leaves_standard_output_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.progress._LINE_EACH_S", 0.0)

    with progress("planting", 2, "users") as advance:
        advance(1, True)
        advance(1, True)

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1].startswith("planting: 2 of 2 users, ")


def test_what_was_there_already_says_nothing_about_the_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.progress._LINE_EACH_S", 0.0)

    with progress("planting", 1_000, "users") as advance:
        advance(900, False)

    assert capsys.readouterr().err == "planting: 900 of 1000 users, no rate yet\n"
