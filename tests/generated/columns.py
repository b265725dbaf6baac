"""The columns of the authorization matrix: who calls without being let, which RPCs that is about, what they are told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from joserfc.jwk import ECKey

from cli.home import ROOT
from tests.generated.contract import Rpc, creator
from tests.generated.world import API_KEY, Metadata, World, bearer, claims_of, signed
from trellis.policies import ROLE_PERMISSIONS

UNAUTHENTICATED = ("UNAUTHENTICATED", "TOKEN_INVALID")
DENIED = ("PERMISSION_DENIED", "PERMISSION_DENIED")
CALLERS = frozenset({"signed_in", "permission"})
ALL = frozenset({*CALLERS, "internal"})
HOUR_S = 3600
REVOCATION = any((ROOT / "services" / "chassis").rglob("revo*.py"))
"""Whether services hear of ended sessions. Until they do, a token outlives its session by its five minutes."""

Credentials = Callable[[World, Rpc], Metadata]


@dataclass(frozen=True)
class Column:
    """One kind of caller who is not let."""

    name: str
    access: frozenset[str]
    """The kinds of access it is refused. Public RPCs look at no token, so none of these makes sense for them."""
    verdict: tuple[str, str]
    credentials: Credentials
    applies: Callable[[Rpc], bool] = lambda rpc: True

    def __str__(self) -> str:
        return self.name

    def has(self, rpc: Rpc) -> bool:
        """Whether the RPC is in this column."""
        return rpc.access in self.access and self.applies(rpc)


def right_token(world: World, rpc: Rpc) -> str:
    """Return the token that would be let."""
    return world.service_token(rpc.policy.callers[0]) if rpc.access == "internal" else world.ada.token


def _changed(**changed: object) -> Credentials:
    """The right token, with something else in it, signed by the right key."""

    def credentials(world: World, rpc: Rpc) -> Metadata:
        if rpc.access == "internal":
            return bearer(world.service_token(rpc.policy.callers[0], **changed))
        return bearer(world.altered(world.ada.token, **changed))

    return credentials


def _strange_key(world: World, rpc: Rpc) -> Metadata:
    """The right words under the right key's name, signed by somebody else."""
    kid = rpc.policy.callers[0] if rpc.access == "internal" else str(world.auths_key.kid)
    kind = "svc+jwt" if rpc.access == "internal" else "at+jwt"
    key = ECKey.generate_key("P-256", {"kid": kid})
    return bearer(signed(key, claims_of(right_token(world, rpc)), kind=kind))


def _without(role: str) -> Credentials:
    """A token of the role that carries all of its permissions but the one that is needed."""

    def credentials(world: World, rpc: Rpc) -> Metadata:
        if rpc.policy.permission not in ROLE_PERMISSIONS[role]:
            return world.of_role(role)
        token = dict(world.of_role(role))["authorization"].removeprefix("Bearer ")
        rest = [each for each in claims_of(token)["permissions"] if each != rpc.policy.permission]
        return bearer(world.altered(token, permissions=rest))

    return credentials


def _another_permission(rpc: Rpc) -> str:
    return next(each for each in ROLE_PERMISSIONS["owner"] if each != rpc.policy.permission)


def _program_without(world: World, rpc: Rpc) -> Metadata:
    """A key of a program of the same organization with half of what it may: the half in which the needed one is not."""
    every = ROLE_PERMISSIONS["admin"]
    halves = every[::2], every[1::2]
    other_half = next(half for half in halves if rpc.policy.permission not in half)
    return ((API_KEY, world.api_key(world.ada, other_half, world.program(world.ada))),)


def _foreign_program(world: World, rpc: Rpc) -> Metadata:
    """A key of another organization's program with everything that it may."""
    return ((API_KEY, world.api_key(world.eve, ROLE_PERMISSIONS["admin"], world.program(world.eve))),)


def _unlisted(world: World, rpc: Rpc) -> Metadata:
    return bearer(world.service_token(_unlisted_services(rpc)[0]))


def _unlisted_services(rpc: Rpc) -> list[str]:
    return sorted({path.parent.name for path in (ROOT / "services").glob("*/wiring.py")} - set(rpc.policy.callers))


EXPIRED = Column("expired", ALL, UNAUTHENTICATED, _changed(exp=int(time.time()) - HOUR_S))
ANONYMOUS = Column("anonymous", ALL, UNAUTHENTICATED, lambda world, rpc: ())
NO_TOKEN = [
    ANONYMOUS,
    Column("garbage", ALL, UNAUTHENTICATED, lambda world, rpc: bearer("bm8.dG9rZW4.YXQgYWxs")),
    Column("basic", ALL, UNAUTHENTICATED, lambda world, rpc: (("authorization", "Basic YWRhOmFkYQ=="),)),
]
BAD_TOKEN = [
    EXPIRED,
    Column("not_yet", ALL, UNAUTHENTICATED, _changed(nbf=int(time.time()) + HOUR_S)),
    Column("wrong_audience", ALL, UNAUTHENTICATED, _changed(aud="somebody-else")),
    Column("wrong_issuer", ALL, UNAUTHENTICATED, _changed(iss="https://evil.test")),
    Column("strange_key", ALL, UNAUTHENTICATED, _strange_key),
]
OTHER_TOKEN = [
    Column(
        "id_token",
        CALLERS,
        UNAUTHENTICATED,
        lambda world, rpc: bearer(signed(world.auths_key, claims_of(world.ada.token), kind="JWT")),
    ),
    Column("refresh_token", CALLERS, UNAUTHENTICATED, lambda world, rpc: bearer(world.ada.person.refresh_token)),
    Column("service_token", CALLERS, UNAUTHENTICATED, lambda world, rpc: bearer(world.service_token("auth"))),
    Column("access_token", frozenset({"internal"}), UNAUTHENTICATED, lambda world, rpc: bearer(world.ada.token)),
]
REVOKED = Column("revoked_session", CALLERS, UNAUTHENTICATED, lambda world, rpc: bearer(world.ended_token))
NOT_PERMITTED = [
    *(Column(f"{role}_without", frozenset({"permission"}), DENIED, _without(role)) for role in ("owner", "admin", "member")),
    Column("no_organization", frozenset({"permission"}), DENIED, lambda world, rpc: bearer(world.token_of(world.loner))),
    Column(
        "unlisted_service", frozenset({"internal"}), DENIED, _unlisted, applies=lambda rpc: bool(_unlisted_services(rpc))
    ),
]
FOREIGN = Column(
    "foreign_organization",
    frozenset({"permission"}),
    DENIED,
    lambda world, rpc: bearer(world.eve.token),
    applies=lambda rpc: bool(rpc.needed_names),
)
STRANGER = Column(
    "stranger",
    frozenset({"signed_in"}),
    DENIED,  # or a reason of its own that the RPC declares: see `test_authorization.py`
    lambda world, rpc: bearer(world.eve.token),
    applies=lambda rpc: bool(rpc.needed_names),
)

COLUMNS = [*NO_TOKEN, *BAD_TOKEN, *OTHER_TOKEN, *([REVOKED] if REVOCATION else []), *NOT_PERMITTED, FOREIGN]
API_KEYS = creator("trellis.dev/ApiKey") is not None
"""Whether there are API keys. The edge exchanges them for tokens, so these columns are of REST alone."""
NO_KEY = ("UNAUTHENTICATED", "API_KEY_INVALID")
WITH_A_KEY = [
    Column("token_as_api_key", CALLERS, NO_KEY, lambda world, rpc: ((API_KEY, world.ada.token),)),
    Column(
        "api_key_as_token",
        CALLERS,
        UNAUTHENTICATED,
        lambda world, rpc: bearer(world.api_key(world.ada, [_another_permission(rpc)])),
    ),
    Column(
        "made_up_api_key",
        CALLERS,
        ("UNAUTHENTICATED", "API_KEY_INVALID"),
        lambda world, rpc: ((API_KEY, "trk_" + "a" * 43),),
    ),
    Column(
        "api_key_without_scope",
        frozenset({"permission"}),
        DENIED,
        lambda world, rpc: ((API_KEY, world.api_key(world.ada, [_another_permission(rpc)])),),
    ),
    Column("service_account_without", frozenset({"permission"}), DENIED, _program_without),
    Column(
        "foreign_service_account",
        frozenset({"permission"}),
        DENIED,
        _foreign_program,
        applies=lambda rpc: bool(rpc.needed_names),
    ),
]
BY_REST = [ANONYMOUS, EXPIRED, FOREIGN, *(WITH_A_KEY if API_KEYS else [])]
