"""The whole OpenAPI document."""

from __future__ import annotations

from typing import Any

from compiler.answers import takes_api_keys
from compiler.model import Contract
from compiler.openapi.failures import HEADERS
from compiler.openapi.operations import Operations

Json = dict[str, Any]
_VERBS = ("get", "post", "patch", "put", "delete")
_ABOUT = """\
Every call is a method of a gRPC service; this is its REST face. The guide is `docs/rest.md`.

- **Access.** Send `Authorization: Bearer …` with the `accessToken` of `POST /v1/auth:signIn`. It lasts minutes:
  `POST /v1/auth:refreshToken` gives the next. Who may call is said with each operation.
- **Errors.** Every failure is a `google.rpc.Status` with exactly one `google.rpc.ErrorInfo` in `details`. Decide by its
  `reason`, never by the message. `BadRequest` names fields, `RetryInfo` and `Retry-After` say when to come back.
- **Fields.** Names are written in camelCase; snake_case, as in the descriptions, is understood too. An unknown query
  parameter is refused; an unknown field in a body is dropped without a word. 64-bit integers are strings. Fields that are
  not set are answered as `""`, `0`, `false` or `[]`; messages that are not set are left out.
- **Changes.** `updateMask` names the fields to change. `etag` makes a change fail if somebody else was faster.
  `requestId`, or the `Idempotency-Key` header, makes a repetition safe. `validateOnly` tries a change without making it.
- **Lists.** `pageSize`, `pageToken`, `filter` (the grammar of AIP-160) and `orderBy`.
"""


def document(contract: Contract) -> Json:
    """OpenAPI 3.1, in the same order for the same contract."""
    made = Operations(contract)
    paths: dict[str, Json] = {}
    for rpc in contract.rpcs:
        for path, verb, operation in made.operations(rpc):
            paths.setdefault(path, {})[verb] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Trellis", "version": "v1", "description": _ABOUT, "license": _LICENSE},
        "servers": [{"url": "/"}],
        "security": [{name: []} for name in _schemes(contract)],
        "tags": _tags(contract),
        "paths": {path: {v: paths[path][v] for v in _VERBS if v in paths[path]} for path in sorted(paths)},
        "components": {
            "schemas": made.schemas.components,
            "responses": made.failures.components,
            "headers": HEADERS,
            "securitySchemes": _schemes(contract),
        },
    }


_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def _tags(contract: Contract) -> list[Json]:
    services = (service for service in contract.services if any(rpc.bindings for rpc in service.rpcs))
    tags = [{"name": service.name.rpartition(".")[2], "description": service.place.comment} for service in services]
    return sorted(tags, key=lambda tag: tag["name"])


def _schemes(contract: Contract) -> Json:
    token = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token of `auth:signIn`."}
    key = {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key, for programs."}
    return {"accessToken": token, **({"apiKey": key} if takes_api_keys(contract) else {})}
