"""call, methods, describe: the contract, used and read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.output import Format, Output, document, examples, listing, record
from cli.home import home

TIMEOUT_S = 30
_CALL = examples(
    "trellis call JwksService.GetJwks",
    """trellis call UserService.GetUser -d '{"name": "users/me"}'""",
    """trellis call OrganizationService.ListOrganizations --token "$TOKEN" -o yaml""",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    panel = "Use"
    app.command(rich_help_panel=panel, epilog=_CALL)(call)
    app.command(rich_help_panel=panel, epilog=examples("trellis methods", "trellis methods -o json | jq -r '.[].method'"))(
        methods
    )
    app.command(
        rich_help_panel=panel, epilog=examples("trellis describe Organization", "trellis describe UserService.GetUser")
    )(describe)


def call(
    method: Annotated[str, typer.Argument(help="Service.Method, for example UserService.GetUser.")],
    data: Annotated[str, typer.Option("--data", "-d", help="The request as JSON; @file or - reads it.")] = "{}",
    token: Annotated[str, typer.Option(help="Access token.", envvar="TRELLIS_TOKEN")] = "",
    target: Annotated[str, typer.Option(help="host:port; the running edge without.")] = "",
    timeout_s: Annotated[float, typer.Option(help="Deadline in seconds.")] = TIMEOUT_S,
    output: Output = Format.JSON,
) -> None:
    """Call an RPC through the edge and print its answer; of a stream, one answer after another."""
    import grpc
    from google.protobuf import json_format, message_factory

    from cli import contract
    from cli.edge import refused

    try:
        found = contract.method(method)
    except contract.Unknown as error:
        raise typer.BadParameter(str(error)) from None
    request = message_factory.GetMessageClass(found.input_type)()
    try:
        json_format.Parse(_text(data), request, descriptor_pool=contract.pool())
    except (json_format.ParseError, UnicodeError) as error:
        raise typer.BadParameter(f"{found.input_type.name}: {error}") from None
    with grpc.insecure_channel(target or home().endpoints["grpc"]) as channel:
        try:
            for reply in replies(channel, found, request, token, timeout_s):
                _print(reply, output, streamed=found.server_streaming)
        except grpc.RpcError as error:
            refused(error, target)


def methods(output: Output = Format.TABLE) -> None:
    """List every RPC with its REST binding and who may call it."""
    from trellis.policies import POLICIES

    rows = []
    for policy in POLICIES.values():
        _, service, name = policy.method.split("/")
        access = policy.permission or policy.access
        row = (f"{service.rpartition('.')[2]}.{name}", _rest(policy.bindings), access, f"{policy.timeout_s:g} s")
        rows.append(dict(zip(("method", "rest", "access", "timeout"), row, strict=True)))
    listing(rows, output, {"method": "method", "rest": "REST", "access": "access", "timeout": "timeout"})


def describe(
    name: Annotated[str, typer.Argument(help="A message, for example Organization, or an RPC.")],
    output: Output = Format.TABLE,
) -> None:
    """Show a message's fields as the contract has them; of an RPC, those of its request."""
    from cli import contract

    try:
        found = contract.method(name).input_type if "." in name and not name[0].islower() else contract.message(name)
    except contract.Unknown as error:
        raise typer.BadParameter(str(error)) from None
    listing([{"number": f.number, "field": f.name, "type": _kind(f)} for f in found.fields], output)


def _print(reply: Any, output: Format, *, streamed: bool) -> None:
    from google.protobuf import json_format

    from cli import contract

    value = json_format.MessageToDict(reply, descriptor_pool=contract.pool(), preserving_proto_field_name=True)
    if streamed and output is Format.YAML:
        sys.stdout.write("---\n")
    if output is Format.TABLE:
        return record(value, output)
    document(value, output)


def _text(data: str) -> str:
    if data == "-":
        return sys.stdin.read()
    if not data.startswith("@"):
        return data
    try:
        return Path(data[1:]).read_text()
    except OSError as error:
        raise typer.BadParameter(f"{data[1:]} cannot be read: {error.strerror}.") from None


def replies(channel: Any, method: Any, request: Any, token: str, timeout_s: float) -> Any:
    from google.protobuf import message_factory

    open_call = channel.unary_stream if method.server_streaming else channel.unary_unary
    rpc = open_call(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    reply = rpc(request, timeout=timeout_s, metadata=[("authorization", f"Bearer {token}")] if token else [])
    return reply if method.server_streaming else [reply]


def _rest(bindings: Any) -> str:
    import re

    if not bindings:
        return "-"
    path = re.sub(r"\(\?P<\w+>(.*?)\)", r"\1", bindings[0].pattern).replace("[^/]+", "*").replace("\\", "")
    return f"{bindings[0].verb} {path}"


def _kind(field: Any) -> str:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto

    named = field.message_type or field.enum_type
    name = named.name if named else FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return f"repeated {name}" if field.is_repeated else name
