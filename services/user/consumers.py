"""Other services' events → handlers."""

from __future__ import annotations

from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from services.user import convert
from services.user.handlers import LifecycleHandlers, UserHandlers
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as pb

ACCOUNT_CREATED = EVENTS[auth_events.AccountCreated.DESCRIPTOR.full_name][0]
RESTORE_REQUESTED = EVENTS[auth_events.RestoreRequested.DESCRIPTOR.full_name][0]
USER_DEACTIVATED = EVENTS[pb.UserDeactivated.DESCRIPTOR.full_name][0]
USER_DELETED = EVENTS[pb.UserDeleted.DESCRIPTOR.full_name][0]


def consumer(handlers: UserHandlers) -> Consumer:
    """Return what the user service listens to: accounts become users."""

    async def account_created(event: Event) -> None:
        await handlers.create_user(convert.user_from_account(auth_events.AccountCreated.FromString(event.data)))

    return Consumer("user.accounts", {ACCOUNT_CREATED: account_created})


def mails(handlers: LifecycleHandlers) -> Consumer:
    """Return what has mails sent that bring accounts back: the change itself, and every later sign-in."""

    async def restorable(event: Event) -> None:
        await handlers.send_restore_link(event.subject, event.id)

    return Consumer("user.mail", dict.fromkeys((RESTORE_REQUESTED, USER_DEACTIVATED, USER_DELETED), restorable))
