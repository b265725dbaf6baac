"""Service accounts and API keys for tests: made in one line."""

from __future__ import annotations

from typing import Any

from tests.component.auth.acme import ACME, ADA, Acme
from tests.fakes.auth_process import Metadata, bearer
from trellis.auth.v1 import api_key_service_pb2 as keys
from trellis.auth.v1 import service_account_service_pb2 as accounts

SCOPES = ("users.list",)


async def make_account(acme: Acme, by: str = ADA, **values: Any) -> accounts.ServiceAccount:
    """Make a service account of ACME."""
    wanted = {"display_name": "Robot", "role": "roles/member", **values}
    account = accounts.ServiceAccount(**wanted)
    request = accounts.CreateServiceAccountRequest(parent=ACME, service_account=account)
    return await acme.service.service_accounts.CreateServiceAccount(request, metadata=await acme.token(by))


async def make_key(
    acme: Acme, by: str = ADA, *, subject: str = "", scopes: tuple[str, ...] = SCOPES, **values: Any
) -> keys.ApiKey:
    """Make an API key of ACME."""
    key = keys.ApiKey(display_name="Nightly", subject=subject, scopes=scopes, **values)
    request = keys.CreateApiKeyRequest(parent=ACME, api_key=key)
    return await acme.service.api_keys.CreateApiKey(request, metadata=await acme.token(by))


async def opens(acme: Acme, secret: str) -> bool:
    """Whether the edge would let a call with the secret through."""
    try:
        await acme.service.parts.key_exchange.exchange(secret, "192.0.2.1")
    except Exception as error:
        if getattr(error, "reason", "") != "API_KEY_INVALID":
            raise
        return False
    return True


async def with_key(acme: Acme, secret: str) -> Metadata:
    """Return the metadata of a call with an API key, as the edge makes it."""
    return bearer((await acme.service.parts.key_exchange.exchange(secret, "192.0.2.1")).access_token)
