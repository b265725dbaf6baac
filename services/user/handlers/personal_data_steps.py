"""The steps of exports and erasures: wait until every service has answered, then do user's own part, all at once.

A service that is down delays and is never skipped: it is asked again every few minutes, and meanwhile the operation says
who is waited for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from joserfc import jws

from services.chassis.addresses import normalized_email
from services.chassis.keys import Keyring
from services.chassis.mail import Mailer
from services.chassis.operations import Operation, Progress
from services.chassis.personal_data import ErasureReport, kept_everywhere
from services.chassis.personal_data.sealed import open_sealed, public_jwk
from services.user.domain import (
    EXPORT_KEPT,
    TOMBSTONE,
    ErasureCertificate,
    MembershipDeleted,
    PersonalDataErasureRequested,
    PersonalDataExport,
    PersonalDataRequested,
    UserErased,
    certificate_claims,
    certificate_name,
    export_name,
    missing,
)
from services.user.handlers.personal_data import answer_key, certificate_key
from services.user.ports import Now, UserTransaction

ASK_AGAIN_S = 300.0
AT_ONCE = 1000
"""Records erased in one step, of the kinds of which there may be many."""
OWN = "user"
TYPE = "erasure-certificate+jwt"
ISSUER = "trellis.user"


@dataclass(frozen=True, slots=True)
class ExportSteps:
    """Collects what every service keeps of a person into one document."""

    now: Now
    keyring: Keyring
    participants: Collection[str]
    """The other services that take part, from the contract."""

    async def __call__(self, tx: UserTransaction, operation: Operation) -> None:
        """Do the next step."""
        user = await tx.users.get(operation.target)
        user.must_be_active()
        answers = await tx.answers.of(operation.name)
        if waiting_for := missing(self.participants, answers):
            if _ask_again(operation, self.now().timestamp()):
                key = public_jwk(answer_key(self.keyring, operation.name))
                tx.outbox.add(PersonalDataRequested(user.name, operation.name, key, self.now()))
            await _wait(tx, operation, "collecting", waiting_for, self.participants, self.now)
            return
        parts = {service: self._opened(operation, data) for service, data in answers.items()}
        parts[OWN] = await tx.personal_data.collect(user.name)
        export = self._export(operation, parts)
        await tx.exports.add(export)
        await tx.answers.remove(operation.name)
        await tx.operations.succeed(_whole(operation, self.participants), export)

    def _opened(self, operation: Operation, sealed: bytes) -> list[dict[str, object]]:
        records: list[dict[str, object]] = json.loads(open_sealed(answer_key(self.keyring, operation.name), sealed.decode()))
        return records

    def _export(self, operation: Operation, parts: dict[str, list[dict[str, object]]]) -> PersonalDataExport:
        now = self.now()
        services = [{"service": service, "records": parts[service]} for service in sorted(parts)]
        whole = {"user": operation.target, "export_time": now.isoformat(), "services": services}
        document = json.dumps(whole, indent=1, ensure_ascii=False).encode()
        return PersonalDataExport(
            export_name(operation.target, operation.name), operation.target, document, now, now + EXPORT_KEPT
        )


@dataclass(frozen=True, slots=True)
class EraseSteps:
    """Erases what every service keeps of a person, user's part last, and certifies it."""

    now: Now
    keyring: Keyring
    mailer: Mailer
    participants: Collection[str]
    """The other services that take part, from the contract."""

    async def __call__(self, tx: UserTransaction, operation: Operation) -> None:
        """Do the next step."""
        answers = await tx.answers.of(operation.name)
        if waiting_for := missing(self.participants, answers):
            if _ask_again(operation, self.now().timestamp()):
                tx.outbox.add(PersonalDataErasureRequested(operation.target, operation.name, self.now()))
            await _wait(tx, operation, "erasing", waiting_for, self.participants, self.now)
            return
        erased: dict[str, int] = operation.checkpoint.get("erased", {})
        if some := await tx.personal_data.erase_some(operation.target, AT_ONCE):
            total = len(self.participants) + 1
            erased = dict(Counter(erased) + Counter(some))
            await tx.operations.save(operation.got_on(Progress("erasing", total - 1, total), self.now(), erased=erased))
            return
        reports = {service: ErasureReport.from_json(data) for service, data in answers.items()}
        reports[OWN] = await self._erased(tx, operation.target, erased)
        certificate = self._certificate(operation, reports)
        await tx.certificates.add(certificate)
        await tx.answers.remove(operation.name)
        tx.outbox.add(UserErased(operation.target, operation.name, self.now()))
        await tx.operations.succeed(_whole(operation, self.participants), certificate, forever=True)

    async def _erased(self, tx: UserTransaction, name: str, before: Mapping[str, int]) -> ErasureReport:
        """Leave nothing but the name. Mails go first: done again after a crash, there are none."""
        now = self.now()
        user = await tx.users.get(name)
        if user.email:
            await self.mailer.forget(user.email)
        imported = await tx.imports.provisioned(normalized_email(user.email)) if user.email else []
        for each in [*await tx.memberships.of_user(name), *imported]:
            tx.outbox.add(MembershipDeleted(each.name, each.organization, each.user, now))
        return ErasureReport(await tx.personal_data.erase(name, before), (*kept_everywhere(now), TOMBSTONE))

    def _certificate(self, operation: Operation, reports: dict[str, ErasureReport]) -> ErasureCertificate:
        now = self.now()
        claims = certificate_claims(ISSUER, operation.name, operation.target, operation.create_time, now, reports)
        key = certificate_key(self.keyring)
        header = {"alg": "ES256", "typ": TYPE, "kid": key.kid}
        signed = jws.serialize_compact(header, json.dumps(claims, separators=(",", ":")), key, algorithms=["ES256"])
        return ErasureCertificate(certificate_name(operation.name), operation.target, signed, now)


def _whole(operation: Operation, participants: Collection[str]) -> Operation:
    """Return the operation with every part done: one a service, user's own too."""
    total = len(participants) + 1
    return replace(operation, progress=Progress("done", total, total))


def _ask_again(operation: Operation, now_s: float) -> bool:
    """Say whether the question was put so long ago that it is put again."""
    return now_s - float(operation.checkpoint.get("asked_s", 0.0)) >= ASK_AGAIN_S


async def _wait(
    tx: UserTransaction,
    operation: Operation,
    stage: str,
    waiting_for: tuple[str, ...],
    participants: Collection[str],
    now: Now,
) -> None:
    """Say how far it is; an answer wakes the operation, or the time to ask again does."""
    at = now()
    asked_s = at.timestamp() if _ask_again(operation, at.timestamp()) else operation.checkpoint["asked_s"]
    total = len(participants) + 1
    progress = Progress(stage, total - 1 - len(waiting_for), total, waiting_for)
    await tx.operations.save(operation.got_on(progress, at, after_s=ASK_AGAIN_S, asked_s=asked_s))
