"""Other services' events → handlers."""

from __future__ import annotations

from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from services.user import convert
from services.user.handlers import UserHandlers
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.policies import EVENTS

ACCOUNT_CREATED = EVENTS[auth_events.AccountCreated.DESCRIPTOR.full_name][0]


def consumer(handlers: UserHandlers) -> Consumer:
    """Return what the user service listens to: accounts become users."""

    async def account_created(event: Event) -> None:
        await handlers.create_user(convert.user_from_account(auth_events.AccountCreated.FromString(event.data)))

    return Consumer("user.accounts", {ACCOUNT_CREATED: account_created})
