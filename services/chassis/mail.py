"""Mail through a port: SMTP, and in development a directory one can read (`trellis mail`)."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from services.chassis.clock import Clock

SEND_S = 4.0  # mail is sent within a unit of work, which PostgreSQL ends after the statement timeout of 5 s


@dataclass(frozen=True, slots=True)
class Mail:
    """One plain-text mail."""

    id: str
    """The same id for the same mail, however often it is sent; becomes the Message-ID."""
    to: str
    subject: str
    text: str


class MailNotSent(OSError):
    """The server is away or refuses. Says how, never to whom: servers like to repeat addresses."""


class Mailer(Protocol):
    """Sends mail. Sending one again is allowed; receivers see the same Message-ID."""

    async def send(self, mail: Mail) -> None:
        """Raises OSError if it cannot be sent now."""
        ...

    async def forget(self, to: str) -> None:
        """Delete what is still here of the mails to an address; what was sent lies with its receiver."""
        ...


class OutboxMailer:
    """Writes each mail as one JSON file, readable by its owner alone; the same mail again replaces itself."""

    def __init__(self, directory: Path, now: Clock) -> None:
        self._directory, self._now = directory, now

    async def send(self, mail: Mail) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = next(self._directory.glob(f"*-{mail.id}.json"), None)
        now = self._now()
        target = known or self._directory / f"{now:%Y%m%dT%H%M%S.%f}-{mail.id}.json"
        draft = target.with_suffix(".draft")
        draft.touch(0o600)
        draft.write_text(json.dumps({**asdict(mail), "time": now.isoformat()}, indent=1))
        os.replace(draft, target)

    async def forget(self, to: str) -> None:
        for path in self._directory.glob("*.json"):
            if json.loads(path.read_text())["to"] == to:
                path.unlink(missing_ok=True)


class SmtpMailer:
    """Sends by SMTP: `smtp://user:password@host:587?starttls`, or `smtps://…` for TLS from the first byte."""

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = urlsplit(url), sender

    async def send(self, mail: Mail) -> None:
        from aiosmtplib import SMTPException, SMTPResponseException

        try:
            async with asyncio.timeout(SEND_S):
                await self._send(self._message(mail))
        except SMTPResponseException as error:
            raise MailNotSent(f"{type(error).__name__} {error.code}") from None
        except (SMTPException, TimeoutError) as error:
            raise MailNotSent(type(error).__name__) from None

    async def forget(self, to: str) -> None:
        """Nothing stays here."""

    async def _send(self, message: EmailMessage) -> None:
        import aiosmtplib

        url = self._url
        await aiosmtplib.send(
            message,
            hostname=url.hostname,
            port=url.port,
            username=unquote(url.username) if url.username else None,
            password=unquote(url.password) if url.password else None,
            use_tls=url.scheme == "smtps",
            start_tls="starttls" in url.query,
        )

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Message-ID"] = f"<{mail.id}@{self._sender.rpartition('@')[2]}>"
        message.set_content(mail.text)
        return message


def mailer(url: str, sender: str, now: Clock) -> Mailer:
    """Return the adapter a URL names: `outbox:/directory`, `smtp://…` or `smtps://…`."""
    if url.startswith("outbox:"):
        return OutboxMailer(Path(url.removeprefix("outbox:")), now)
    return SmtpMailer(url, sender)
