"""Events → handlers: accounts that auth announces, and the mails that user asks itself to send."""

from __future__ import annotations

from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from services.user import convert
from services.user.handlers import InvitationHandlers, UserHandlers
from trellis.auth.v1 import events_pb2 as auth_events
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as pb

ACCOUNT_CREATED = EVENTS[auth_events.AccountCreated.DESCRIPTOR.full_name][0]
INVITATION_CREATED = EVENTS[pb.InvitationCreated.DESCRIPTOR.full_name][0]
INVITATION_RESENT = EVENTS[pb.InvitationResent.DESCRIPTOR.full_name][0]


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
