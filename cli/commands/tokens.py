"""token: signing in from the command line, and reading what a token says."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.output import Failed, Format, Output, document, examples, explain, table
from cli.home import home
from cli.profile import DEFAULT, NotSignedIn, profile

Named = Annotated[
    str, typer.Option("--profile", envvar="TRELLIS_PROFILE", help="Which kept identity; one file each under the home.")
]
_ISSUE = examples(
    "trellis token issue --email ada@example.com",
    "trellis token issue --email ada@example.com --password-file secret.txt -o json",
    "TOKEN=$(trellis token issue --email ada@example.com --password-file - < secret.txt)",
    "trellis token issue --email ada@example.com --organization organizations/org_1 --profile work",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    token = typer.Typer(help="Sign in from the command line, and read what a token says.", no_args_is_help=True)
    token.command(epilog=_ISSUE)(issue)
    token.command(
        epilog=examples("trellis token inspect", "trellis token inspect eyJ…", "pbpaste | trellis token inspect -")
    )(inspect)
    app.add_typer(token, name="token", rich_help_panel="Use")


def issue(
    email: Annotated[str, typer.Option(help="Whose; asked for on a terminal without.")] = "",
    password_file: Annotated[
        str, typer.Option(help="File whose first line is the password; - is standard input; asked for without.")
    ] = "",
    organization: Annotated[str, typer.Option(help="Which organization the token is to name; the last one without.")] = "",
    name: Named = DEFAULT,
    keep: Annotated[bool, typer.Option(help="Keep the tokens in the profile, so that other commands use them.")] = True,
    output: Annotated[
        Format | None,
        typer.Option("--output", "-o", help="Print the whole token set in this form, not only the access token."),
    ] = None,
) -> None:
    """Sign in and print the access token.

    The token set is kept in TRELLIS_HOME/profiles, readable by you alone; `trellis user` and `trellis org` use it and renew
    it when it ends. Nothing takes a password on the command line, where every process of this machine could read it.
    """
    from cli.edge import edge, plain
    from trellis.auth.v1 import service_pb2 as rpc
    from trellis.auth.v1.service_pb2_grpc import AuthServiceStub

    kept = profile(home(), name)
    form = rpc.SignInRequest(email=email or _asked("E-mail"), password=_password(password_file), organization=organization)
    with edge(home()) as door:
        tokens = plain(door.send(AuthServiceStub, "SignIn", form))
    if keep:
        kept.save(tokens)
        explain(f"Kept as profile {name}; `trellis user get` shows who that is.")
    if output is None:
        sys.stdout.write(tokens["access_token"] + "\n")
    elif output is Format.TABLE:
        _tables({"token set": tokens})
    else:
        document(tokens, output)


def inspect(
    token: Annotated[str, typer.Argument(help="The token; - reads standard input; that of the profile without.")] = "",
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """Decode a token: header, claims, times in words, and whether a key of this platform signed it.

    Only the public key set is fetched, from this platform's own edge if it is up; the token goes nowhere. Exit code 1 if
    the signature is wrong.
    """
    from cli.inspection import WRONG, described, published_keys
    from cli.inspection import inspect as opened

    text = sys.stdin.read().strip() if token == "-" else token or profile(home(), name).tokens()["access_token"]  # noqa: S105
    found = described(opened(text, lambda: published_keys(home().endpoints["rest"])), time.time())
    if output is Format.TABLE:
        _tables({key: value for key, value in found.items() if isinstance(value, dict) and value})
    else:
        document(found, output)
    if found["verdict"]["signature"] == WRONG:
        raise Failed(f"the signature is wrong: {found['verdict']['because']}.")


def access_token(name: str) -> str:
    """Return a token for a call: TRELLIS_TOKEN's, or the profile's, renewed if need be. Raises NotSignedIn."""
    import os

    return os.environ.get("TRELLIS_TOKEN") or str(signed_in(name)["access_token"])


def signed_in(name: str) -> dict[str, Any]:
    """Return the profile's token set, renewed if need be. Raises NotSignedIn."""
    from cli.edge import edge, plain
    from trellis.auth.v1 import service_pb2 as rpc
    from trellis.auth.v1.service_pb2_grpc import AuthServiceStub

    def refresh(token: str, request_id: str) -> dict[str, Any]:
        try:
            with edge(home()) as door:
                request = rpc.RefreshTokenRequest(refresh_token=token, request_id=request_id)
                return plain(door.send(AuthServiceStub, "RefreshToken", request))
        except Failed as error:
            raise NotSignedIn(f"the kept session is over ({error}); sign in again with `trellis token issue`.") from None

    return profile(home(), name).fresh(refresh)


def _tables(parts: dict[str, dict[str, Any]]) -> None:
    for title, fields in parts.items():
        table(title, ["field", "value"], [[name, _text(value)] for name, value in fields.items()])


def _text(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _asked(what: str, *, hidden: bool = False) -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"nobody can be asked for the {what.lower()} here: give --email and --password-file.")
    return str(typer.prompt(what, hide_input=hidden, err=True))


def _password(file: str) -> str:
    if not file:
        return _asked("Password", hidden=True)
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text().partition("\n")[0]
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}.") from None
    return text.rstrip("\r\n")
