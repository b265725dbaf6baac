"""Mail: one file a mail in development, SMTP elsewhere."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from services.chassis.mail import Mail, Mailer, MailNotSent, OutboxMailer, SmtpMailer, mailer
from tests.conftest import Time
from tests.fakes.ports import free_port

WELCOME = Mail("ml_1", "ada@example.com", "Welcome, Ädä", "Open the link:\nhttps://example.com/verify?t=" + "x" * 90 + "\n")
SENDER = "Trellis <no-reply@trellis.example>"


class Postbox:
    """Takes what an SMTP server is given."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.recipients += envelope.rcpt_tos
        self.mails.append(message_from_bytes(envelope.content, EmailMessage, policy=policy.default))
        return self.answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=True)


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def smtp_port(postbox: Postbox) -> Iterator[int]:
    """A real SMTP server in a thread of its own."""
    controller = Controller(
        postbox, hostname="127.0.0.1", port=free_port(), authenticator=postbox.authenticate, auth_require_tls=False
    )
    controller.start()
    yield controller.port
    controller.stop()


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_a_mail_becomes_a_file_only_its_owner_reads(tmp_path: Path, time: Time) -> None:
    await OutboxMailer(tmp_path / "outbox", time).send(WELCOME)

    [file] = (tmp_path / "outbox").iterdir()
    assert file.name == "20260101T120000.000000-ml_1.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {
        "id": "ml_1",
        "to": "ada@example.com",
        "subject": WELCOME.subject,
        "text": WELCOME.text,
        "time": "2026-01-01T12:00:00+00:00",
    }


async def test_the_same_mail_is_one_file(tmp_path: Path, time: Time) -> None:
    outbox = OutboxMailer(tmp_path, time)

    await outbox.send(WELCOME)
    time.move(minutes=1)
    await outbox.send(WELCOME)

    assert files(tmp_path) == ["20260101T120000.000000-ml_1.json"]


async def test_mails_lie_in_the_order_of_time(tmp_path: Path, time: Time) -> None:
    outbox = OutboxMailer(tmp_path, time)

    for number in (3, 1, 2):
        await outbox.send(Mail(f"ml_{number}", "ada@example.com", "", ""))
        time.move(milliseconds=1)

    assert [name[-9:-5] for name in files(tmp_path)] == ["ml_3", "ml_1", "ml_2"]


async def test_mails_to_an_address_are_forgotten_and_nobody_elses(tmp_path: Path, time: Time) -> None:
    mailer = OutboxMailer(tmp_path / "mail", time)
    await mailer.forget("ada@example.com")
    for number, to in enumerate(("ada@example.com", "bob@example.com", "ada@example.com")):
        await mailer.send(Mail(f"evt_{number}", to, "Hello", "Text"))

    await mailer.forget("ada@example.com")

    assert [path.name.rpartition("-")[2] for path in (tmp_path / "mail").iterdir()] == ["evt_1.json"]


async def test_a_mail_arrives_by_smtp(postbox: Postbox, smtp_port: int) -> None:
    await SmtpMailer(f"smtp://127.0.0.1:{smtp_port}", SENDER).send(WELCOME)

    [mail] = postbox.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, WELCOME.to, WELCOME.subject)
    assert mail.get_content().splitlines() == WELCOME.text.splitlines()
    assert postbox.recipients == [WELCOME.to]


async def test_the_same_mail_has_the_same_message_id(postbox: Postbox, smtp_port: int) -> None:
    for _ in range(2):
        await SmtpMailer(f"smtp://127.0.0.1:{smtp_port}", SENDER).send(WELCOME)

    assert [mail["Message-ID"] for mail in postbox.mails] == ["<ml_1@trellis.example>"] * 2


async def test_the_url_carries_name_and_password(postbox: Postbox, smtp_port: int) -> None:
    await SmtpMailer(f"smtp://us%40er:p%3Ass@127.0.0.1:{smtp_port}", SENDER).send(WELCOME)

    assert postbox.logins == [(b"us@er", b"p:ss")]


async def test_a_server_that_is_away_takes_no_mail() -> None:
    with pytest.raises(MailNotSent, match="SMTPConnectError"):
        await SmtpMailer(f"smtp://127.0.0.1:{free_port()}", SENDER).send(WELCOME)


async def test_a_server_that_refuses_is_named_by_its_code(postbox: Postbox, smtp_port: int) -> None:
    postbox.answer = "451 Try again later"

    with pytest.raises(MailNotSent, match=r"^SMTPDataError 451$"):
        await SmtpMailer(f"smtp://127.0.0.1:{smtp_port}", SENDER).send(WELCOME)


async def test_a_server_without_starttls_gets_no_password(postbox: Postbox, smtp_port: int) -> None:
    with pytest.raises(MailNotSent):
        await SmtpMailer(f"smtp://user:secret@127.0.0.1:{smtp_port}?starttls", SENDER).send(WELCOME)

    assert (postbox.logins, postbox.mails) == ([], [])


@pytest.mark.parametrize("subject", ["a\nBcc: all@example.com", "a\r\nX: y"])
async def test_a_subject_adds_no_header(smtp_port: int, postbox: Postbox, subject: str) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        await SmtpMailer(f"smtp://127.0.0.1:{smtp_port}", SENDER).send(Mail("ml_1", "ada@example.com", subject, ""))

    assert postbox.mails == []


@pytest.mark.parametrize(
    ("url", "kind"), [("outbox:/tmp/mail", OutboxMailer), ("smtp://host", SmtpMailer), ("smtps://host", SmtpMailer)]
)
def test_a_url_names_its_adapter(url: str, kind: type[Mailer], time: Time) -> None:
    assert isinstance(mailer(url, SENDER, time), kind)
