"""`trellis.auth.v1.AuthService`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from services.auth import convert
from services.auth.domain import TokenSet
from services.auth.handlers import PasswordHandlers, SignInHandlers, SignUpHandlers
from services.auth.handlers.sign_ins import SignIn
from services.auth.handlers.sign_ups import SignUp
from services.chassis import principal
from trellis.auth.v1 import resources_pb2 as pb
from trellis.auth.v1 import service_pb2 as rpc
from trellis.auth.v1 import service_pb2_grpc as base

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


USER_AGENT_LENGTH = 256


class AuthServicer(base.AuthServiceServicer):
    """`trellis.auth.v1.AuthService`."""

    def __init__(self, sign_ups: SignUpHandlers, sign_ins: SignInHandlers, passwords: PasswordHandlers) -> None:
        self._sign_ups, self._sign_ins, self._passwords = sign_ups, sign_ins, passwords

    async def SignUp(self, request: rpc.SignUpRequest, context: Context) -> rpc.SignUpResponse:
        await self._sign_ups.sign_up(SignUp(request.email, request.password, request.display_name))
        return rpc.SignUpResponse()

    async def VerifyEmail(self, request: rpc.VerifyEmailRequest, context: Context) -> pb.Account:
        return convert.account_to_proto(await self._sign_ups.verify_email(request.token, request.password))

    async def ResendVerification(
        self, request: rpc.ResendVerificationRequest, context: Context
    ) -> rpc.ResendVerificationResponse:
        await self._sign_ups.resend_verification(request.email)
        return rpc.ResendVerificationResponse()

    async def SignIn(self, request: rpc.SignInRequest, context: Context) -> pb.TokenSet:
        form = SignIn(request.email, request.password, request.organization, _user_agent(context))
        return _issued(await self._sign_ins.sign_in(form), request.validate_only)

    async def RefreshToken(self, request: rpc.RefreshTokenRequest, context: Context) -> pb.TokenSet:
        return _issued(await self._sign_ins.refresh_token(request.refresh_token), request.validate_only)

    async def SwitchOrganization(self, request: rpc.SwitchOrganizationRequest, context: Context) -> pb.TokenSet:
        tokens = await self._sign_ins.switch_organization(request.organization, principal.current())
        return _issued(tokens, request.validate_only)

    async def SignOut(self, request: rpc.SignOutRequest, context: Context) -> rpc.SignOutResponse:
        await self._sign_ins.sign_out(principal.current())
        return rpc.SignOutResponse()

    async def ChangePassword(self, request: rpc.ChangePasswordRequest, context: Context) -> rpc.ChangePasswordResponse:
        caller = principal.current()
        await self._passwords.change_password(request.current_password, request.new_password, caller)
        return rpc.ChangePasswordResponse()

    async def RequestPasswordReset(
        self, request: rpc.RequestPasswordResetRequest, context: Context
    ) -> rpc.RequestPasswordResetResponse:
        await self._passwords.request_password_reset(request.email)
        return rpc.RequestPasswordResetResponse()

    async def ResetPassword(self, request: rpc.ResetPasswordRequest, context: Context) -> rpc.ResetPasswordResponse:
        await self._passwords.reset_password(request.token, request.new_password)
        return rpc.ResetPasswordResponse()


def _issued(tokens: TokenSet, validate_only: bool) -> pb.TokenSet:
    return convert.token_set_to_proto(tokens.rehearsed() if validate_only else tokens)


def _user_agent(context: Context) -> str:
    metadata = dict(context.invocation_metadata() or ())
    return str(metadata.get("x-user-agent") or metadata.get("user-agent") or "")[:USER_AGENT_LENGTH]
