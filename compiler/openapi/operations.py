"""One RPC by one binding as an operation: parameters, body, answers, and what its policy says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compiler.answers import failures, needs_session, takes_api_keys
from compiler.model import Contract, Field, HttpBinding, Message, RateLimit, Rpc
from compiler.openapi.examples import Examples
from compiler.openapi.failures import REQUEST_ID_HEADER, Failures
from compiler.openapi.paths import PathParameter, Paths
from compiler.openapi.schemas import WELL_KNOWN, Schemas, Shape, read_only

Json = dict[str, Any]
_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same as `requestId`, for clients that set it once for all calls. A new UUID for each new request.",
    "schema": {"type": "string", "maxLength": 128},
}


class Operations:
    """Makes operations; schemas and responses are collected beside."""

    def __init__(self, contract: Contract) -> None:
        self._contract, self._paths, self._examples = contract, Paths(contract), Examples(contract)
        self._takes_keys = takes_api_keys(contract)
        self.schemas = Schemas(contract, self._examples)
        self.failures = Failures(self.schemas)

    def operations(self, rpc: Rpc) -> Iterator[tuple[str, str, Json]]:
        """Path, verb and operation of each binding."""
        for number, binding in enumerate(rpc.bindings):
            path, parameters = self._paths.expand(rpc, binding)
            name = f"{rpc.service.rpartition('.')[2]}_{rpc.name}" + (f"_{number + 1}" if number else "")
            yield path, binding.verb.lower(), self._operation(rpc, binding, name, parameters)

    def _operation(self, rpc: Rpc, binding: HttpBinding, name: str, parameters: list[PathParameter]) -> Json:
        repeated = [_KEY] if rpc.policy.repeatable == "by_request_id" else []
        stated = [*self._path(rpc, parameters), *self._query(rpc, binding), *repeated]
        return {
            "tags": [rpc.service.rpartition(".")[2]],
            "operationId": name,
            "summary": _summary(rpc),
            "description": "\n\n".join(_description(self._contract, rpc)),
            **({"deprecated": True} if rpc.deprecated else {}),
            **self._security(rpc),
            **({"parameters": stated} if stated else {}),
            **({"requestBody": self._body(rpc, binding)} if binding.body else {}),
            "responses": {"200": self._answer(rpc), **self.failures.responses(failures(self._contract, rpc))},
            **_extensions(rpc),
        }

    def _security(self, rpc: Rpc) -> Json:
        """What an operation asks for beside or instead of what all ask for."""
        if rpc.policy.access == "public":
            return {"security": []}
        return {"security": [{"accessToken": []}]} if self._takes_keys and needs_session(rpc) else {}

    def _path(self, rpc: Rpc, parameters: list[PathParameter]) -> Iterator[Json]:
        for parameter in parameters:
            example = self._examples.identifier(parameter.collection, parameter.pattern)
            schema = {"type": "string", "pattern": parameter.pattern, **({"examples": [example]} if example else {})}
            text = self._field(rpc, parameter.field).place.comment
            yield {
                "name": parameter.name,
                "in": "path",
                "required": True,
                **({"description": text} if text else {}),
                "schema": schema,
            }

    def _field(self, rpc: Rpc, path: str) -> Field:
        return next(field for name, _, field in self._contract.walk(self._contract.request(rpc)) if name == path)

    def _query(self, rpc: Rpc, binding: HttpBinding) -> Iterator[Json]:
        """What neither path nor body holds; fields of messages by their dotted paths."""
        if binding.body == "*":
            return
        said = {variable.field for variable in binding.variables} | {binding.body}
        yield from self._query_below(self._contract.request(rpc), said, "", "", ())

    def _query_below(
        self, message: Message, said: set[str], before: str, path: str, above: tuple[str, ...]
    ) -> Iterator[Json]:
        for field in message.fields:
            below = self._contract.messages.get(field.type)
            if path + field.name in said or read_only(field) or field.map_types[0]:
                continue
            if below is None and field.type in WELL_KNOWN and WELL_KNOWN[field.type].get("type") in ("object", None):
                continue
            if below is None:
                yield self._parameter(field, message, before, inside=bool(above))
            elif not field.repeated and below.name not in above:
                inner = (before + field.json_name + ".", path + field.name + ".", (*above, message.name))
                yield from self._query_below(below, said, *inner)

    def _parameter(self, field: Field, owner: Message, before: str, *, inside: bool) -> Json:
        schema = self.schemas.field(field, owner)
        text = schema.pop("description", "")
        marks = {"deprecated": True} if schema.pop("deprecated", False) else {}
        return {
            "name": before + field.json_name,
            "in": "query",
            **({"description": text} if text else {}),
            **({"required": True} if "REQUIRED" in field.behaviors and not inside else {}),
            **marks,
            "schema": schema,
        }

    def _body(self, rpc: Rpc, binding: HttpBinding) -> Json:
        return {"required": True, "content": {"application/json": {"schema": self._sent(rpc, binding)}}}

    def _sent(self, rpc: Rpc, binding: HttpBinding) -> Json:
        bound = [variable.field for variable in binding.variables]
        if binding.body == "*":
            return self.schemas.message(Shape(rpc.input, without=frozenset(bound)))
        request = self._contract.request(rpc)
        field = self._field(rpc, binding.body)
        if field.repeated or field.type not in self._contract.messages:
            return self.schemas.field(field, request)
        prefix = f"{binding.body}."
        inner = (path.removeprefix(prefix) for path in bound if path.startswith(prefix))
        names = {f.name for f in self._contract.messages[field.type].fields if read_only(f)}
        return self.schemas.message(Shape(field.type, binding.verb == "PATCH", frozenset(set(inner) - names)))

    def _answer(self, rpc: Rpc) -> Json:
        kind = "*/*" if rpc.output == "google.api.HttpBody" else "application/json"
        text = "OK. One answer a line (newline-delimited JSON), each as it is ready." if rpc.server_streaming else "OK."
        content = {kind: {"schema": self.schemas.message(Shape(rpc.output))}}
        return {"description": text, "headers": REQUEST_ID_HEADER, "content": content}


def _summary(rpc: Rpc) -> str:
    """The first sentence of the comment."""
    return re.split(r"(?<=[a-z0-9)`])[.:](?:\s|$)", rpc.place.comment, maxsplit=1)[0] or rpc.name


def _description(contract: Contract, rpc: Rpc) -> Iterator[str]:
    """The comment, and what the policy means for callers."""
    yield rpc.place.comment
    yield _access(rpc)
    if rpc.policy.rate_limit:
        yield _limit(rpc.policy.rate_limit)
    if rpc.policy.guesses:
        yield "**Guessing:** after a few wrong guesses further ones are refused for a while; the right one stays good."
    if contract.request(rpc).field("page_token"):
        yield "**Pages:** send `nextPageToken` as `pageToken`, all else unchanged, until it is empty."
    if rpc.policy.repeatable == "by_request_id":
        yield "**Repeating:** for a day, the same `requestId` (or `Idempotency-Key`) gets the first answer again."
    if rpc.operation[0]:
        yield f"**Long-running:** the answer is an operation; its `response` will be a `{rpc.operation[0]}`."
    yield f"**Time:** answers within {rpc.policy.timeout_s:g} s, or fails with 504."


def _access(rpc: Rpc) -> str:
    policy = rpc.policy
    if policy.access == "public":
        return "**Access:** anybody, without a token."
    if policy.access == "signed_in":
        others = f"; about others only with the permission `{policy.permission_for_others}`" * bool(
            policy.permission_for_others
        )
        who = "any valid access token or API key" if policy.api_keys else "any valid access token, no API key"
        return f"**Access:** {who}{others}."
    roles = ", ".join(policy.granted_to)
    return f"**Access:** the permission `{policy.permission}` in the organization that the request names (held by: {roles})."


def _limit(limit: RateLimit) -> str:
    return f"**Limit:** {limit.burst} calls at once for each {limit.key}; {limit.refill} come back every {limit.per_s:g} s."


def _extensions(rpc: Rpc) -> Json:
    policy, limit = rpc.policy, rpc.policy.rate_limit
    bucket = limit and {"per": limit.key, "burst": limit.burst, "refill": limit.refill, "seconds": limit.per_s}
    return {
        "x-trellis-method": rpc.path.removeprefix("/"),
        "x-trellis-access": policy.access,
        **({"x-trellis-permission": policy.permission} if policy.permission else {}),
        **({"x-trellis-rate-limit": bucket} if bucket else {}),
        "x-trellis-repeatable": policy.repeatable,
    }
