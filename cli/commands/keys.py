"""key: what programs call with, and the keys that access tokens are signed with."""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from cli.commands import signing_keys
from cli.commands.output import Format, Output, examples, explain, listing, record
from cli.commands.people import Filter, Limit, Organization, listed, own_organization, sent
from cli.commands.tokens import Named
from cli.profile import DEFAULT

Signing = Annotated[bool, typer.Option("--signing", help="The keys that sign access tokens instead.")]
Issued = Annotated[
    Format | None, typer.Option("--output", "-o", help="Print the whole key in this form, not only the secret.")
]
Days = Annotated[int, typer.Option(min=1, max=365, help="How many days until it ends.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="organizations/…/apiKeys/…")]
_COLUMNS = {
    "name": "name",
    "display_name": "display name",
    "subject": "acts for",
    "hint": "secret ends with",
    "expire_time": "ends",
    "last_used_time": "last used",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    key = typer.Typer(
        help="Make, list, rotate and revoke the API keys of programs; let new signing keys take their place.",
        no_args_is_help=True,
    )
    key.command("create", epilog=_CREATE)(create)
    key.command("list", epilog=_LIST)(list_keys)
    key.command("rotate", epilog=_ROTATE)(rotate)
    key.command("revoke", epilog=examples("trellis key revoke organizations/org_1/apiKeys/apk_1"))(revoke)
    app.add_typer(key, name="key", rich_help_panel="Use")


_CREATE = examples(
    'trellis key create "Laptop" --scope users.list',
    "trellis key create Import --subject organizations/org_1/serviceAccounts/sva_1 --scope users.list --scope teams.create",
    "TRELLIS_API_KEY=$(trellis key create Nightly --scope users.list --days 7)",
)
_LIST = examples("trellis key list", "trellis key list --ended -o json", "trellis key list --signing")
_ROTATE = examples(
    "trellis key rotate organizations/org_1/apiKeys/apk_1",
    "trellis key rotate organizations/org_1/apiKeys/apk_1 --overlap-hours 24",
    "trellis key rotate --signing",
)


def create(
    display_name: Annotated[str, typer.Argument(help="What people call it.")],
    scope: Annotated[
        list[str], typer.Option(help="A permission that it may use; several times for more. See ListPermissions.")
    ],
    subject: Annotated[str, typer.Option(help="The service account that it acts for; you without.")] = "",
    days: Days = 90,
    organization: Organization = "",
    name: Named = DEFAULT,
    output: Issued = None,
) -> None:
    """Make an API key and print its secret, which nobody can read again.

    Programs send it as the header x-api-key. It may do what its scopes name and its subject may do at that moment.
    """
    from trellis.auth.v1 import api_key_service_pb2 as rpc

    wanted = rpc.ApiKey(display_name=display_name, subject=subject, scopes=scope)
    wanted.expire_time.FromDatetime(_ahead(days))
    parent = organization or own_organization(name)
    request = rpc.CreateApiKeyRequest(parent=parent, api_key=wanted, request_id=str(uuid.uuid4()))
    _issued(_sent(name, "CreateApiKey", request), output)


def list_keys(
    signing: Signing = False,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that expired or were revoked.")] = False,
    organization: Organization = "",
    filter_: Filter = "",
    limit: Limit = 100,
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """List the API keys that you manage: yours, and those of programs and people as far as you may. No secrets."""
    if signing:
        return signing_keys.list_keys(output)
    from trellis.auth.v1 import api_key_service_pb2 as rpc
    from trellis.auth.v1.api_key_service_pb2_grpc import ApiKeyServiceStub

    parent = organization or own_organization(name)
    request = rpc.ListApiKeysRequest(parent=parent, filter=filter_, show_ended=ended)
    listing(listed(name, ApiKeyServiceStub, "ListApiKeys", request, limit), output, _COLUMNS)


def rotate(
    key: Annotated[str, typer.Argument(metavar="KEY", help="organizations/…/apiKeys/…; none with --signing.")] = "",
    signing: Signing = False,
    overlap_hours: Annotated[int, typer.Option(min=0, max=168, help="How long the secret of before goes on to work.")] = 1,
    days: Days = 90,
    name: Named = DEFAULT,
    output: Issued = None,
) -> None:
    """Give an API key a new secret and print it; the one of before works a while longer.

    With --signing: make a new signing key and retire the others; nobody is signed out. The new key is published at once and
    signs only when every service has had the time to learn it.
    """
    if signing == bool(key):
        raise typer.BadParameter("name an API key, or say --signing.")
    if signing:
        return signing_keys.rotate(output or Format.TABLE)
    from trellis.auth.v1 import api_key_service_pb2 as rpc

    request = rpc.RotateApiKeyRequest(name=key, request_id=str(uuid.uuid4()))
    request.overlap_duration.FromTimedelta(timedelta(hours=overlap_hours))
    request.expire_time.FromDatetime(_ahead(days))
    _issued(_sent(name, "RotateApiKey", request), output)


def revoke(key: Key, name: Named = DEFAULT, output: Output = Format.TABLE) -> None:
    """End an API key: within a second it opens nothing."""
    from trellis.auth.v1 import api_key_service_pb2 as rpc

    record(_sent(name, "RevokeApiKey", rpc.RevokeApiKeyRequest(name=key, request_id=str(uuid.uuid4()))), output)


def _issued(key: dict[str, Any], output: Format | None) -> None:
    """Print the secret alone, for whoever takes it from there, or the whole key."""
    if output is None:
        sys.stdout.write(key["secret"] + "\n")
        explain(f"The secret of {key['name']}, until {key['expire_time']}. Keep it now: nobody can read it again.")
    else:
        record(key, output)


def _sent(name: str, method: str, request: Any) -> dict[str, Any]:
    from trellis.auth.v1.api_key_service_pb2_grpc import ApiKeyServiceStub

    return sent(name, ApiKeyServiceStub, method, request)


def _ahead(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)
