"""Calls to auth."""

from __future__ import annotations

import grpc

from services.user import convert
from services.user.domain import User, UserNotFound
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1.service_pb2_grpc import AccountServiceStub, JwksServiceStub

AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class AuthAccounts:
    """Accounts, as auth knows them."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._accounts = AccountServiceStub(channel)

    async def get(self, user: str) -> User:
        """Raises UserNotFound; ConnectionError while auth does not answer."""
        try:
            account = await self._accounts.GetAccount(rpc.GetAccountRequest(user=user))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise UserNotFound(user) from None
            if error.code() in AWAY:
                raise ConnectionError("auth does not answer") from error
            raise
        return convert.user_from_account(account)


class AuthKeys:
    """The public keys that access tokens are verified with."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._keys = JwksServiceStub(channel)

    async def fetch(self) -> bytes:
        """Return the JSON Web Key Set."""
        document = await self._keys.GetJwks(rpc.GetJwksRequest(), timeout=2)
        return bytes(document.data)
