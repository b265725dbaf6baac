"""Who calls, and whether the contract lets them.

`authenticated` verifies the token, `authorized` holds the policy's permission and the request's resource names against it.
The decoded message decides, never a URL or a header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from google.protobuf.message import Message

from services.chassis import principal as principals
from services.chassis.errors import PermissionDenied, SessionRequired, Unauthenticated
from services.chassis.principal import Principal
from services.chassis.rpc.middleware import Call, Check, Handler, Method, Middleware
from trellis.policies import Policy

SCHEME = "Bearer "


class Verifier(Protocol):
    """Turns a token into the principal it names."""

    async def verify(self, token: str) -> Principal:
        """Raises Unauthenticated."""
        ...


def authenticated(users: Verifier, services: Verifier) -> Middleware:
    """Set the principal. Public RPCs look at no token; internal ones take only a service's."""

    def around(handle: Handler, method: Method) -> Handler:
        if method.policy.access == "public":
            return handle
        verifier = services if method.policy.access == "internal" else users

        async def handler(call: Call) -> Any:
            header = call.metadata.get("authorization", "")
            if not header.startswith(SCHEME):
                raise Unauthenticated("The access token is missing; send it as `authorization: Bearer …`.")
            token = header.removeprefix(SCHEME)
            call.principal = await verifier.verify(token)
            principals.enter(call.principal)
            if method.streams_in:
                call.request.check(_still_verified(verifier, token))
            return await handle(call)

        return handler

    return around


def _still_verified(verifier: Verifier, token: str) -> Check:
    """A stream may outlive its token: what comes after its end, or after its revocation, is refused."""

    async def check(_: Any) -> None:
        await verifier.verify(token)

    return check


def authorized() -> Middleware:
    """Refuse what the token does not permit, and every name of another organization, whether or not it exists.

    Of a stream, the first message is looked at before the servicer begins, and every other one before it is handed out.
    """

    def around(handle: Handler, method: Method) -> Handler:
        policy = method.policy
        if policy.access == "internal":
            return _called_by(frozenset(f"services/{caller}" for caller in policy.callers), handle)
        if policy.access == "permission":
            permitted = _streamed if method.streams_in else _permitted
            return permitted(policy.permission, _reader(policy.resources), handle)
        if policy.access == "signed_in" and not policy.api_keys:
            return _in_person(handle)
        return handle

    return around


def _called_by(callers: frozenset[str], handle: Handler) -> Handler:
    async def handler(call: Call) -> Any:
        if call.principal.subject not in callers:
            raise PermissionDenied("Only services of the platform may call this.")
        return await handle(call)

    return handler


def _in_person(handle: Handler) -> Handler:
    """Scopes limit what an API key may do; where no permission is asked they cannot, so the call needs a session."""

    async def handler(call: Call) -> Any:
        if call.principal.api_key:
            raise SessionRequired
        return await handle(call)

    return handler


def _permitted(permission: str, names: Callable[[Any], Iterator[str]], handle: Handler) -> Handler:
    async def handler(call: Call) -> Any:
        _check(call.principal, permission, names, call.request)
        return await handle(call)

    return handler


def _streamed(permission: str, names: Callable[[Any], Iterator[str]], handle: Handler) -> Handler:
    async def handler(call: Call) -> Any:
        async def check(message: Any) -> None:
            _check(call.principal, permission, names, message)

        first = await call.request.first()
        await check(first)
        call.request.check(check)
        return await handle(call)

    return handler


def _check(principal: Principal, permission: str, names: Callable[[Any], Iterator[str]], request: Any) -> None:
    """Raises PermissionDenied. A request of None, a stream without a message, names nothing."""
    named = [*names(request)] if request is not None else []
    everywhere = permission in principal.permissions and all(_inside(principal.organization, name) for name in named)
    if not everywhere and not _granted(principal, permission, iter(named)):
        raise PermissionDenied(
            f"This needs the permission {permission} in the organization that the request names.",
            permission=permission,
        )


def _granted(principal: Principal, permission: str, names: Iterator[str]) -> bool:
    """Whether the request names something of the organization, and all of it lies below resources with the permission."""
    if not principal.grants:
        return False
    granted = [resource for resource, permissions in principal.grants.items() if permission in permissions]
    held = [name for name in names if name.startswith("organizations/")]
    return bool(held) and all(
        any(_inside(resource, name) for resource in granted) and _inside(principal.organization, name) for name in held
    )


def _inside(organization: str, name: str) -> bool:
    return not name.startswith("organizations/") or name == organization or name.startswith(f"{organization}/")


def resources_of(policy: Policy, request: Any) -> Iterator[str]:
    """Yield every resource name in a request."""
    return _reader(policy.resources)(request)


def _reader(paths: Sequence[str]) -> Callable[[Any], Iterator[str]]:
    """Return a function that yields every resource name in a request, nested and repeated ones too."""
    split = [path.split(".") for path in paths]

    def names(request: Message) -> Iterator[str]:
        for path in split:
            yield from _values(request, path)

    return names


def _values(message: Any, path: Sequence[str]) -> Iterator[str]:
    value = getattr(message, path[0])
    if len(path) == 1:
        yield from [value] if isinstance(value, str) else value
    elif isinstance(value, Message):
        yield from _values(value, path[1:])
    else:
        for item in value:
            yield from _values(item, path[1:])
