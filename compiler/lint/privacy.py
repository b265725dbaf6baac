"""Rules about data classes: a field whose name sounds personal or secret says which it is."""

from __future__ import annotations

from collections.abc import Iterator

from compiler.lint.finding import Problem, Rule, rule
from compiler.model import Contract, Field, Message

PERSONAL = frozenset(
    {
        "email",
        "email_address",
        "phone",
        "phone_number",
        "display_name",
        "given_name",
        "family_name",
        "full_name",
        "nickname",
        "birth_date",
        "birthday",
        "gender",
        "user_agent",
        "ip",
        "ip_address",
        "address",
        "postal_address",
        "street",
        "language_code",
        "time_zone",
        "avatar_uri",
        "location",
    }
)
"""Names of fields that tell something about a person."""
ALSO_OF_ORGANIZATIONS = frozenset({"display_name", "language_code", "time_zone", "address", "postal_address"})
"""Those that what an organization owns may have, too, without being about a person."""
SECRET = frozenset(
    {
        "password",
        "passcode",
        "secret",
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "api_key",
        "private_key",
        "recovery_code",
        "one_time_code",
        "otp",
        "verification_token",
        "session_token",
        "signing_key",
    }
)
"""Names of fields that open something."""
_OPTIONS = "trellis.policy."
"""The options hold names of fields, never their values."""


@rule("data-class")
def classified(contract: Contract) -> Iterator[Problem]:
    """Logs, exports and erasure follow the data class, so it must not be forgotten."""
    for message in contract.messages.values():
        for field in message.fields if not message.name.startswith(_OPTIONS) else ():
            wanted = _class_by_name(message, field)
            if wanted and field.data_class != wanted:
                yield _at(message, field, f"add (trellis.policy.v1.data_class) = DATA_CLASS_{wanted}")


@rule("event-secret")
def event_secret(contract: Contract) -> Iterator[Problem]:
    """Events are stored and replayed: nothing in them opens anything."""
    for message in contract.messages.values():
        below = contract.walk(message) if message.event else ()
        for path, _, field in below:
            if field.data_class == "SECRET":
                yield field.place, f"{message.name}.{path}", "keep secrets out of events; let the consumer ask"


@rule("secret-in-url")
def secret_in_url(contract: Contract) -> Iterator[Problem]:
    """URLs are logged on every way: secrets and personal data travel in bodies."""
    for rpc in contract.rpcs:
        for binding in rpc.bindings:
            for path, _, field in contract.walk(contract.request(rpc)):
                in_body = binding.body == "*" or path.split(".")[0] == binding.body
                if field.data_class and (not in_body or path in {v.field for v in binding.variables}):
                    yield field.place, f"{rpc.input}.{path}", f"send it in the body of {binding.template}"


def _class_by_name(message: Message, field: Field) -> str:
    if field.type not in ("string", "bytes") or field.reference:  # the name of a resource opens nothing
        return ""
    if field.name in SECRET:
        return "SECRET"
    if field.name in ALSO_OF_ORGANIZATIONS and _owned_by_organization(message):
        return ""
    return "PERSONAL" if field.name in PERSONAL else ""


def _owned_by_organization(message: Message) -> bool:
    return message.resource is not None and message.resource.patterns[0].startswith("organizations/")


def _at(message: Message, field: Field, cure: str) -> Problem:
    return field.place, f"{message.name}.{field.name}", cure


RULES: tuple[Rule, ...] = (classified, event_secret, secret_in_url)
