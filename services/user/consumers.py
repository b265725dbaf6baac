"""Events → handlers: accounts that auth announces, and the mails that user asks itself to send."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Sequence
from typing import Any

from services.chassis.audit.messages import call_of
from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from services.user import convert
from services.user.handlers import (
    AuditHandlers,
    InvitationHandlers,
    LifecycleHandlers,
    PersonalDataHandlers,
    UserHandlers,
)
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as pb

ACCOUNT_CREATED = EVENTS[auth_events.AccountCreated.DESCRIPTOR.full_name][0]
INVITATION_CREATED = EVENTS[pb.InvitationCreated.DESCRIPTOR.full_name][0]
INVITATION_RESENT = EVENTS[pb.InvitationResent.DESCRIPTOR.full_name][0]
RESTORE_REQUESTED = EVENTS[auth_events.RestoreRequested.DESCRIPTOR.full_name][0]
USER_DEACTIVATED = EVENTS[pb.UserDeactivated.DESCRIPTOR.full_name][0]
USER_DELETED = EVENTS[pb.UserDeleted.DESCRIPTOR.full_name][0]
COLLECTED, ERASED = "PersonalDataCollected", "PersonalDataErased"
"""What every service that keeps something of people declares, each in its own package."""
CALL_AUDITED = "CallAudited"
"""What every service declares whose audited calls are kept."""


def consumer(handlers: UserHandlers) -> Consumer:
    """Return what the user service listens to: accounts become users."""

    async def account_created(event: Event) -> None:
        await handlers.create_user(convert.user_from_account(auth_events.AccountCreated.FromString(event.data)))

    return Consumer("user.accounts", {ACCOUNT_CREATED: account_created})


def mail(handlers: InvitationHandlers) -> Consumer:
    """Return what makes the user service write mails, once the asking has committed."""

    async def invitation_created(event: Event) -> None:
        await handlers.send_invitation(pb.InvitationCreated.FromString(event.data).invitation, event.id)

    async def invitation_resent(event: Event) -> None:
        await handlers.send_invitation(pb.InvitationResent.FromString(event.data).invitation, event.id)

    topics = {INVITATION_CREATED: invitation_created, INVITATION_RESENT: invitation_resent}
    return Consumer("user.mail", topics)


def mails(handlers: LifecycleHandlers) -> Consumer:
    """Return what has mails sent that bring accounts back: the change itself, and every later sign-in."""

    async def restorable(event: Event) -> None:
        await handlers.send_restore_link(event.subject, event.id)

    return Consumer("user.restore-mail", dict.fromkeys((RESTORE_REQUESTED, USER_DEACTIVATED, USER_DELETED), restorable))


def participants() -> Collection[str]:
    """Return the services that answer exports and erasures: those whose contract declares the answers."""
    return sorted({_package(name)[0] for name in EVENTS if name.endswith(f".{ERASED}")})


def answers(handlers: PersonalDataHandlers) -> Consumer:
    """Return what takes in the answers of every service that takes part, by what the contract declares."""

    async def collected(event: Event) -> None:
        message = _message(event)
        await handlers.take_answer(message.operation, _service(event), message.document.encode(), event.time)

    async def erased(event: Event) -> None:
        message = _message(event)
        report = convert.report_of(message).to_json()
        await handlers.take_answer(message.operation, _service(event), report, event.time)

    takes = {COLLECTED: collected, ERASED: erased}
    topics = {topic: takes[kind] for kind in takes for name, (topic, _) in EVENTS.items() if name.endswith(f".{kind}")}
    return Consumer("user.personal-data", topics)


def audit(handlers: AuditHandlers) -> Consumer:
    """Return what keeps the audited calls of every service, by what the contract declares."""

    async def calls_audited(events: Sequence[Event]) -> None:
        messages = [_message(event) for event in events]
        await handlers.append([call_of(message.call, message.organization) for message in messages])

    async def call_audited(event: Event) -> None:
        await calls_audited([event])

    topics = [topic for name, (topic, _) in EVENTS.items() if name.endswith(f".{CALL_AUDITED}")]
    return Consumer("user.audit", dict.fromkeys(topics, call_audited), calls_audited)


def _service(event: Event) -> str:
    return event.source.removeprefix("services/")


def _message(event: Event) -> Any:
    """Return the event's payload; all answers have the same fields, whichever service declares them."""
    name = next(name for name, (topic, _) in EVENTS.items() if topic == event.topic)
    service, version = _package(name)
    module = importlib.import_module(f"trellis.{service}.{version}.events_pb2")
    return getattr(module, name.rpartition(".")[2]).FromString(event.data)


def _package(name: str) -> tuple[str, str]:
    """`trellis.auth.v1.PersonalDataErased` → `auth`, `v1`."""
    _, service, version, _ = name.split(".")
    return service, version
