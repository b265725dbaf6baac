"""Mails that anybody may have sent to anybody: few in an hour reach one address.

What is over the limit is not sent, and nobody is told: the answer to whoever asked is the same for every address. Who owns
the address has the other mails of this hour, whoever asked for them.
"""

from __future__ import annotations

import structlog

from services.chassis.keys import Keyring
from services.chassis.limits import TokenBucket
from services.chassis.mail import Mail, Mailer

log = structlog.get_logger()
HOUR_S = 3600.0


class SparingMailer:
    """Sends through another mailer, at most so many mails an hour to one address; open while Valkey is away."""

    def __init__(self, mailer: Mailer, buckets: TokenBucket, keyring: Keyring, per_hour: int) -> None:
        self._mailer, self._buckets, self._keyring, self._per_hour = mailer, buckets, keyring, per_hour

    async def send(self, mail: Mail) -> None:
        """Send, or leave it. Raises OSError if it cannot be sent now; it is not counted then."""
        if not await self._take(mail.to, 1):
            log.warning("mail_left_out", mail=mail.id)
            return
        try:
            await self._mailer.send(mail)
        except OSError:
            await self._take(mail.to, -1)
            raise

    async def forget(self, to: str) -> None:
        await self._mailer.forget(to)

    async def _take(self, to: str, cost: int) -> bool:
        key = f"mail:{self._keyring.mac('mail-limit', to.encode()).hex()}"
        rate = self._per_hour / HOUR_S
        return (await self._buckets.take(key, capacity=self._per_hour, refill_per_s=rate, cost=cost)).allowed
