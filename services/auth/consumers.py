"""Events → handlers: the mails that auth asks itself to send, once the asking has committed; organizations that go."""

from __future__ import annotations

from services.auth.handlers import OrganizationHandlers, SignUpHandlers
from services.chassis.bus.bus import Event
from services.chassis.consumers import Consumer
from services.chassis.times import time_of
from trellis.auth.v1 import events_pb2 as pb
from trellis.policies import EVENTS
from trellis.user.v1 import events_pb2 as user

VERIFICATION_REQUESTED = EVENTS[pb.VerificationRequested.DESCRIPTOR.full_name][0]
SIGN_UP_REPEATED = EVENTS[pb.SignUpRepeated.DESCRIPTOR.full_name][0]
ORGANIZATION_DELETED = EVENTS[user.OrganizationDeleted.DESCRIPTOR.full_name][0]
ORGANIZATION_UNDELETED = EVENTS[user.OrganizationUndeleted.DESCRIPTOR.full_name][0]


def consumer(handlers: SignUpHandlers) -> Consumer:
    """Return what the auth service listens to."""

    async def verification_requested(event: Event) -> None:
        message = pb.VerificationRequested.FromString(event.data)
        await handlers.send_verification(message.sign_up.removeprefix("signUps/"), event.id)

    async def sign_up_repeated(event: Event) -> None:
        await handlers.send_sign_up_repeated(pb.SignUpRepeated.FromString(event.data).user, event.id)

    topics = {VERIFICATION_REQUESTED: verification_requested, SIGN_UP_REPEATED: sign_up_repeated}
    return Consumer("auth.mail", topics)


def organizations(handlers: OrganizationHandlers) -> Consumer:
    """Return what keeps the API keys of deleted organizations shut out."""

    async def organization_deleted(event: Event) -> None:
        message = user.OrganizationDeleted.FromString(event.data)
        await handlers.close_organization(message.organization, time_of(message.delete_time))

    async def organization_undeleted(event: Event) -> None:
        await handlers.reopen_organization(user.OrganizationUndeleted.FromString(event.data).organization)

    topics = {ORGANIZATION_DELETED: organization_deleted, ORGANIZATION_UNDELETED: organization_undeleted}
    return Consumer("auth.organizations", topics)
