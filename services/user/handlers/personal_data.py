"""Use cases of personal data: begin an export or an erasure, take in what services answer, hand out what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from joserfc.jwk import ECKey

from services.chassis.keys import Keyring
from services.chassis.operations import Operation, Operations
from services.chassis.personal_data.sealed import public_jwk
from services.chassis.principal import Principal
from services.chassis.tokens import public_set
from services.user.domain import (
    ERASE,
    EXPORT,
    FRESH,
    ErasureCertificate,
    ErasureCertificateNotFound,
    ErasureRunning,
    FreshSignInRequired,
    PersonalDataErasureRequested,
    PersonalDataExport,
    PersonalDataExportNotFound,
    PersonalDataRequested,
    User,
    UserNotVisible,
    UserState,
    operation_of,
)
from services.user.handlers.lifecycle import leaving, own
from services.user.handlers.users import ME, lock_caller
from services.user.ports import Accounts, Begin, Certificates, Exports, NewId, Now, UserTransaction


def answer_key(keyring: Keyring, operation: str) -> ECKey:
    """Return the key that answers to an operation are encrypted to."""
    return keyring.ec_key(f"answers:{operation}", "ECDH-ES")


def certificate_key(keyring: Keyring) -> ECKey:
    """Return the key that signs certificates."""
    return keyring.ec_key("erasure-certificates", "ES256")


@dataclass(frozen=True, slots=True)
class PersonalDataHandlers:
    """What people can do with what is kept of them."""

    operations: Operations
    exports: Exports
    certificates: Certificates
    accounts: Accounts
    begin: Begin
    now: Now
    new_id: NewId
    keyring: Keyring

    async def export_personal_data(self, name: str, caller: Principal) -> Operation:
        """Begin to collect, unless it is under way. Raises UserNotVisible, UserNotActive."""
        name = own(name, caller)
        async with self.begin() as tx:
            (await lock_caller(tx, self.accounts, name, self.now)).must_be_active()
            operation = await tx.operations.find_running(EXPORT, name)
            if operation is None:
                operation = self._new(EXPORT, name, cancellable=True)
                key = public_jwk(answer_key(self.keyring, operation.name))
                await tx.operations.add(operation)
                tx.outbox.add(PersonalDataRequested(name, operation.name, key, self.now()))
            await tx.commit(operation)
        return operation

    async def get_personal_data_export(self, name: str, caller: Principal) -> PersonalDataExport:
        """Return an export of the caller. Raises UserNotVisible, PersonalDataExportNotFound."""
        user, _, rest = name.partition("/personalDataExports/")
        if user not in (ME, caller.subject):
            raise UserNotVisible(user)
        export = await self.exports.find(f"{caller.subject}/personalDataExports/{rest}", self.now())
        if export is None:
            raise PersonalDataExportNotFound(name)
        return export

    async def erase_personal_data(self, name: str, caller: Principal) -> Operation:
        """Begin to erase; again, answer with what was begun. Raises UserNotVisible, FreshSignInRequired, LastOwnerOf."""
        name = own(name, caller)
        async with self.begin() as tx:
            await tx.organizations.lock_owned_by(name)
            await lock_caller(tx, self.accounts, name, self.now)
            operation = await tx.operations.find_last(ERASE, name)
            if operation is None:
                if caller.auth_time_s < (self.now() - FRESH).timestamp():
                    raise FreshSignInRequired
                operation = await self._begin_erasing(tx, await leaving(tx, self.accounts, name, self.now))
            await tx.commit(operation)
        return operation

    async def get_erasure_certificate(self, name: str) -> ErasureCertificate:
        """Raises ErasureCertificateNotFound, ErasureRunning."""
        certificate = await self.certificates.find(name)
        if certificate is not None:
            return certificate
        operation = await self.operations.find(operation_of(name))
        if operation is None or operation.verb != ERASE:
            raise ErasureCertificateNotFound(name)
        raise ErasureRunning(operation.progress.waiting_for)

    async def get_erasure_keys(self) -> bytes:
        """Return the keys that certificates are verified with, as a JSON Web Key Set."""
        return public_set([certificate_key(self.keyring)])

    async def purge_users(self) -> bool:
        """Begin to erase one deleted user whose time has come; say whether there was one."""
        async with self.begin() as tx:
            user = await tx.users.lock_due(self.now())
            if user is not None:
                await self._begin_erasing(tx, user)
            await tx.commit()
        return user is not None

    async def take_answer(self, operation: str, service: str, data: bytes, at: datetime) -> None:
        """Keep what a service answered, and have the operation go on. An operation that is over needs none."""
        async with self.begin() as tx:
            waiting = await tx.operations.lock(operation)
            if waiting is not None and not waiting.done:
                await tx.answers.add(operation, service, data, at)
                await tx.operations.save(waiting.got_on(waiting.progress, at))
            await tx.commit()

    async def forget(self) -> bool:
        """Delete exports whose time is over."""
        async with self.begin() as tx:
            await tx.exports.forget(self.now())
            await tx.commit()
        return False

    async def _begin_erasing(self, tx: UserTransaction, user: User) -> Operation:
        operation = self._new(ERASE, user.name, cancellable=False)
        if user.state is not UserState.ERASED:
            await tx.users.save(user.erase(self.now()))
        await tx.operations.add(operation)
        tx.outbox.add(PersonalDataErasureRequested(user.name, operation.name, self.now()))
        return operation

    def _new(self, verb: str, user: str, *, cancellable: bool) -> Operation:
        now = self.now()
        name = f"operations/{self.new_id('op')}"
        return Operation(
            name, verb, user, user, now, now, now, cancellable=cancellable, checkpoint={"asked_s": now.timestamp()}
        )
