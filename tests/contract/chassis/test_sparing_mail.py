"""Mails that anybody may have sent, counted in a real Valkey."""

from __future__ import annotations

from typing import Any

import pytest

from services.chassis.keys import Keyring
from services.chassis.limits import TokenBucket
from services.chassis.mail import Mail, MailNotSent
from services.chassis.sparing_mail import SparingMailer
from tests.contract.chassis.mortal import MortalValkey


class Sent:
    """A mailer that may be away."""

    def __init__(self) -> None:
        self.to: list[str] = []
        self.away = False

    async def send(self, mail: Mail) -> None:
        if self.away:
            raise MailNotSent
        self.to.append(mail.to)

    async def forget(self, to: str) -> None:
        self.to = [each for each in self.to if each != to]


def mail(to: str = "ada@example.com") -> Mail:
    return Mail("evt_1", to, "Hello", "Text")


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def sparing(client: Any, sent: Sent, keyring: Keyring) -> SparingMailer:
    return SparingMailer(sent, TokenBucket(client, on_failure="open"), keyring, 3)


async def test_few_mails_reach_one_address_and_others_get_theirs(sparing: SparingMailer, sent: Sent) -> None:
    for _ in range(5):
        await sparing.send(mail())
    await sparing.send(mail("bob@example.com"))

    assert sent.to == ["ada@example.com"] * 3 + ["bob@example.com"]


async def test_what_could_not_be_sent_is_not_counted(sparing: SparingMailer, sent: Sent) -> None:
    sent.away = True
    for _ in range(9):
        with pytest.raises(MailNotSent):
            await sparing.send(mail())
    sent.away = False
    for _ in range(4):
        await sparing.send(mail())

    assert len(sent.to) == 3


async def test_no_address_is_kept(sparing: SparingMailer, client: Any) -> None:
    await sparing.send(mail())

    assert [key for key in await client.keys("*") if b"ada" in key] == []


async def test_it_forgets_what_the_mailer_forgets(sparing: SparingMailer, sent: Sent) -> None:
    await sparing.send(mail())
    await sparing.forget("ada@example.com")

    assert sent.to == []


async def test_without_valkey_mails_are_sent(mortal: MortalValkey, mortal_client: Any, sent: Sent, keyring: Keyring) -> None:
    sparing = SparingMailer(sent, TokenBucket(mortal_client, on_failure="open"), keyring, 3)
    mortal.kill()
    for _ in range(5):
        await sparing.send(mail())
    mortal.start()

    assert len(sent.to) == 5
