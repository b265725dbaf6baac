"""Which tables of auth hold what of a person."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from services.auth.store.tables import accounts, api_keys, role_bindings, sessions, sign_ups
from services.chassis.personal_data.holdings import PERSON, Holding, HoldingStatements
from trellis.auth.v1 import api_key_service_pb2 as api_key_pb2
from trellis.auth.v1 import personal_data_pb2 as records
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import role_binding_service_pb2 as role_bindings_pb2

_address = select(accounts.c.email).where(accounts.c.user == bindparam(PERSON)).scalar_subquery()

HOLDINGS = (
    Holding(records.SignUpRecord, sign_ups, sign_ups.c.email == _address),
    Holding(role_bindings_pb2.RoleBinding, role_bindings, role_bindings.c.subject == bindparam(PERSON)),
    Holding(
        api_key_pb2.ApiKey,
        api_keys,
        api_keys.c.subject == bindparam(PERSON),
        shown={"secret": api_keys.c.hint},  # all that is left of it
    ),
    Holding(pb.Session, sessions, sessions.c.user == bindparam(PERSON)),
    Holding(records.AccountRecord, accounts, accounts.c.user == bindparam(PERSON)),  # last: the others are found by it
)
"""In the order in which they are erased."""
NOT_OF_A_PERSON = {
    "signing_keys": "Keys of the platform.",
    "roles": "Of the organization.",
    "service_accounts": "Of the organization: programs, not people.",
    "api_key_secrets": "Hashes, which go with their key.",
    "purged_organizations": "Names of organizations.",
    "deleted_organizations": "Names of organizations.",
    "erasures": "Counts, kinds and reasons.",
    "outbox": "On its way to the bus; kept as `events`.",
    "inbox": "Ids of events.",
    "answers": "Encrypted, for a day; kept as `first answers`.",
}
"""The other tables, and why nothing in them is erased."""
STATEMENTS = tuple(HoldingStatements(holding) for holding in HOLDINGS)
