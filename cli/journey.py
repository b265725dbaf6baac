"""The journey that `trellis demo` walks: a table of steps. Each is shown as curl and as gRPC and done by one of them.

Values that a later step needs are remembered by name; `{name}` in a request stands for one of them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import secrets
import shlex
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from rich.console import Console

from cli.commands.output import Failed, NotReady
from cli.home import home

MAIL_WITHIN_S = 10.0
_TOKEN_LENGTH = 40  # longer texts without a space are cut when shown
_SHOWN = 14

Memory = dict[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the journey."""

    words: str
    method: str
    """`Service.Method`."""
    request: Mapping[str, Any]
    caller: str = ""
    """Whose access token goes with it, `ada` or `grace`; nobody's without."""
    learns: Mapping[str, str] = field(default_factory=dict)
    """What to remember: name → field of the answer."""
    reads_mail: str = ""
    """Whose mail has to be read before; its token is `{…_link}`, that of an invitation `{…_invitation}`."""


@dataclass(frozen=True, slots=True)
class RestCall:
    """A step as REST says it."""

    verb: str
    path: str
    body: Any


def arrival(person: str, name: str) -> list[Step]:
    """Return the steps that make a stranger a signed-in user."""
    form = {"email": f"{{{person}_email}}", "password": "{password}"}
    signed_in = {f"{person}_token": "access_token", f"{person}_refresh_token": "refresh_token"}
    return [
        Step(f"{name} signs up.", "AuthService.SignUp", {**form, "display_name": name}),
        Step(
            f"{name} follows the link in the mail.",
            "AuthService.VerifyEmail",
            {"token": f"{{{person}_link}}", "password": "{password}"},
            learns={f"{person}_user": "user"},
            reads_mail=person,
        ),
        Step(f"{name} signs in.", "AuthService.SignIn", form, learns=signed_in),
        Step(f"{name} looks at her own profile.", "UserService.GetUser", {"name": "users/me"}, person),
    ]


STEPS = [
    *arrival("ada", "Ada"),
    Step(
        "Ada makes an organization and becomes its owner.",
        "OrganizationService.CreateOrganization",
        {"organization": {"display_name": "Analytical Engines"}},
        "ada",
        learns={"organization": "name"},
    ),
    Step(
        "Ada lets her session work in it: from now on her token names the organization and what she may do there.",
        "AuthService.SwitchOrganization",
        {"organization": "{organization}"},
        "ada",
        learns={"ada_token": "access_token"},
    ),
    Step(
        "Ada invites Grace, who has no account yet.",
        "InvitationService.CreateInvitation",
        {"parent": "{organization}", "invitation": {"email": "{grace_email}", "role": "ROLE_MEMBER"}},
        "ada",
    ),
    Step(
        "Grace looks what the link in the mail is for.",
        "InvitationService.PreviewInvitation",
        {"token": "{grace_invitation}"},
        reads_mail="grace",
    ),
    *arrival("grace", "Grace"),
    Step(
        "Grace accepts and becomes a member.",
        "InvitationService.AcceptInvitation",
        {"token": "{grace_invitation}"},
        "grace",
        learns={"membership": "name"},
    ),
    Step(
        "Ada makes her an administrator.",
        "MembershipService.UpdateMembership",
        {"membership": {"name": "{membership}", "role": "ROLE_ADMIN"}, "update_mask": "role"},
        "ada",
    ),
    Step("Ada lists who belongs to it.", "MembershipService.ListMemberships", {"parent": "{organization}"}, "ada"),
    Step("Ada ends Grace's membership.", "MembershipService.DeleteMembership", {"name": "{membership}"}, "ada"),
    Step(
        "Ada's client turns its refresh token into the next token set.",
        "AuthService.RefreshToken",
        {"refresh_token": "{ada_refresh_token}"},
        learns={"ada_token": "access_token", "ada_refresh_token": "refresh_token"},
    ),
    Step("Ada signs out.", "AuthService.SignOut", {}, "ada"),
]


def walk() -> None:
    """Walk the whole journey. Raises NotReady if nothing runs, Failed at the first call that is refused."""
    _must_run()
    console, memory = Console(highlight=False), strangers()
    began_s = time.monotonic()
    for number, step in enumerate(STEPS, start=1):
        _take(console, number, step, memory)
    console.print(f"\nAll {len(STEPS)} calls were answered, in {time.monotonic() - began_s:.1f} s.", style="bold green")


def strangers() -> Memory:
    """Return two people that nobody has met before."""
    run = secrets.token_hex(4)
    return {
        "ada_email": f"ada.{run}@example.com",
        "grace_email": f"grace.{run}@example.com",
        "password": f"a walk of {secrets.token_hex(6)} steps",
    }


def rest_of(method: str, request: Mapping[str, Any]) -> RestCall:
    """Return a call by the RPC's HTTP binding: some fields go into the path, some into the body, the rest into the query."""
    rule = _http_rule(method)
    verb = rule.WhichOneof("pattern")
    left = json.loads(json.dumps(request))
    path = re.sub(r"\{([\w.]+)(?:=[^}]*)?\}", lambda found: _taken(left, found[1]), getattr(rule, verb))
    if rule.body == "*":
        return RestCall(verb.upper(), path, left)
    body = left.pop(rule.body) if rule.body else None
    return RestCall(verb.upper(), path + ("?" + urlencode(left) if left else ""), body)


def shortened(value: Any) -> Any:
    """Return the value with tokens cut: they are long, and nobody's business."""
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if isinstance(value, str) and len(value) > _TOKEN_LENGTH and " " not in value and "/" not in value:
        return value[:_SHOWN] + "…"
    return value


def _must_run() -> None:
    from cli.control import NotRunning, ask

    try:
        healthy = ask(home(), "status")["healthy"]
    except NotRunning:
        raise NotReady("Trellis is not running here; start it with `trellis up`, then walk again.") from None
    if not healthy:
        raise NotReady("Not everything is healthy yet; `trellis status` shows what is missing.")


def _take(console: Console, number: int, step: Step, memory: Memory) -> None:
    if step.reads_mail:
        token = _token_in_mail(console, memory[f"{step.reads_mail}_email"], known=memory.values())
        memory[f"{step.reads_mail}_{'invitation' if token.startswith('inv_') else 'link'}"] = token
    request = _filled(step.request, memory)
    rest = rest_of(step.method, request)
    door, send = _DOORS[number % len(_DOORS)]
    console.print(f"\n{number}. {step.words}", style="bold")
    _show(console, "REST", _curl(rest, step.caller), taken=door == "REST")
    _show(console, "gRPC", _trellis_call(step.method, request, step.caller), taken=door == "gRPC")
    answer = send(step.method, request, rest, memory.get(f"{step.caller}_token", ""))
    memory.update({name: _field(answer, key) for name, key in step.learns.items()})
    console.print(json.dumps(shortened(answer), indent=2, ensure_ascii=False), markup=False, soft_wrap=True, style="cyan")


def _field(answer: Mapping[str, Any], name: str) -> str:
    """Return a field by its name in the contract; REST writes `access_token` as `accessToken`."""
    first, *rest = name.split("_")
    return str(answer.get(name) or answer[first + "".join(word.title() for word in rest)])


def _show(console: Console, door: str, command: str, *, taken: bool) -> None:
    """Print a command; the arrow marks the one that is sent."""
    console.print(f"{'→' if taken else ' '} {door}  {command}", markup=False, soft_wrap=True, style="" if taken else "dim")


def _token_in_mail(console: Console, address: str, known: Collection[str]) -> str:
    """Return the token of the newest mail once it is another than those of the mails before."""
    from cli.commands.mails import find, token_of

    console.print(f"\n   The mail arrives: trellis mail show {address} --link", style="dim", markup=False, soft_wrap=True)
    end_s = time.monotonic() + MAIL_WITHIN_S
    while True:
        with contextlib.suppress(Failed):
            if (token := token_of(find(address))) not in known:
                return token
        if time.monotonic() > end_s:
            raise Failed(f"no further mail came for {address}; `trellis mail` lists what there is.")
        time.sleep(0.05)


def _curl(call: RestCall, caller: str) -> str:
    parts = ["curl", *([] if call.verb == "GET" else ["-X", call.verb]), shlex.quote(home().endpoints["rest"] + call.path)]
    if caller:
        parts.append(f'-H "authorization: Bearer ${caller.upper()}_TOKEN"')
    if call.body is not None:
        parts.append(f"-d {_quoted(call.body)}")
    return " ".join(parts)


def _trellis_call(method: str, request: Any, caller: str) -> str:
    token = f' --token "${caller.upper()}_TOKEN"' if caller else ""
    return f"trellis call {method}{token} -d {_quoted(request)}"


def _quoted(value: Any) -> str:
    return shlex.quote(json.dumps(shortened(value), ensure_ascii=False))


def _by_rest(method: str, request: Any, call: RestCall, token: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(home().endpoints["rest"].removeprefix("http://"), timeout=30)
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    body = None if call.body is None else json.dumps(call.body)
    try:
        connection.request(call.verb, call.path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
    except OSError as error:
        raise NotReady(f"nothing answers at the edge ({error}); see `trellis status`.") from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise Failed(f"{call.verb} {call.path} was answered {response.status}: {text}")
    answer: dict[str, Any] = json.loads(text)
    return answer


def _by_grpc(method: str, request: Any, call: RestCall, token: str) -> dict[str, Any]:
    import grpc
    from google.protobuf import json_format, message_factory

    from cli import contract
    from cli.commands.calls import TIMEOUT_S, replies

    found = contract.method(method)
    message = message_factory.GetMessageClass(found.input_type)()
    json_format.ParseDict(request, message, descriptor_pool=contract.pool())
    with grpc.insecure_channel(home().endpoints["grpc"]) as channel:
        try:
            reply = next(iter(replies(channel, found, message, token, TIMEOUT_S)))
        except grpc.RpcError as error:
            raise Failed(f"{method} was answered {error.code().name}: {error.details()}") from None
    return json_format.MessageToDict(reply, preserving_proto_field_name=True, descriptor_pool=contract.pool())


_Send = Callable[[str, Any, RestCall, str], dict[str, Any]]
_DOORS: list[tuple[str, _Send]] = [("gRPC", _by_grpc), ("REST", _by_rest)]


def _http_rule(method: str) -> Any:
    from google.api import annotations_pb2
    from google.protobuf import descriptor_pb2

    from cli import contract

    options = contract.method(method).GetOptions().SerializeToString()
    return descriptor_pb2.MethodOptions.FromString(options).Extensions[annotations_pb2.http]


def _taken(request: dict[str, Any], path: str) -> str:
    """Remove the field that a dotted path names, and return its value."""
    *parents, last = path.split(".")
    for name in parents:
        request = request[name]
    return str(request.pop(last))


def _filled(value: Any, memory: Memory) -> Any:
    """Return the request with every `{name}` replaced by what is remembered."""
    if isinstance(value, Mapping):
        return {key: _filled(item, memory) for key, item in value.items()}
    return value.format_map(memory) if isinstance(value, str) else value
