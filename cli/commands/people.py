"""user, org: who there is, as the signed-in person may see it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands.output import Failed, Format, Output, examples, explain, listing, record
from cli.commands.tokens import Named, access_token
from cli.home import home
from cli.inspection import inspect
from cli.profile import DEFAULT, profile

Organization = Annotated[str, typer.Option("--organization", help="organizations/…; the one your token names without.")]
Limit = Annotated[int, typer.Option(min=0, help="The most to list; 0 lists all.")]
Filter = Annotated[str, typer.Option("--filter", help="Which ones, in the grammar of AIP-160.")]
OrderBy = Annotated[str, typer.Option(help="In which order, for example 'create_time desc'.")]
_USERS = {"name": "name", "display_name": "display name", "email": "email", "create_time": "since"}
_ORGANIZATIONS = {"name": "name", "display_name": "display name", "state": "state", "create_time": "since"}
_MEMBERS = {"user": "user", "display_name": "display name", "email": "email", "role": "role", "create_time": "since"}
_BATCH = 100  # of BatchGetUsers


def register(app: typer.Typer) -> None:
    """Add the commands."""
    user = typer.Typer(help="Look at the people of your organization, and import more.", no_args_is_help=True)
    user.command("list", epilog=_LIST_USERS)(list_users)
    user.command("get", epilog=examples("trellis user get", "trellis user get users/usr_1 -o yaml"))(get_user)
    user.command("import", epilog=_IMPORT)(import_users)
    org = typer.Typer(help="Look at your organizations, make one, and work in it.", no_args_is_help=True)
    org.command("list", epilog=examples("trellis org list", "trellis org list -o json"))(list_organizations)
    org.command("get", epilog=examples("trellis org get", "trellis org get organizations/org_1"))(get_organization)
    org.command("create", epilog=examples('trellis org create "Analytical Engines"', "trellis org create Acme --use"))(
        create_organization
    )
    org.command("use", epilog=examples("trellis org use organizations/org_1"))(use_organization)
    org.command("members", epilog=examples("trellis org members", "trellis org members --filter 'role = ROLE_OWNER'"))(
        members
    )
    app.add_typer(user, name="user", rich_help_panel="Use")
    app.add_typer(org, name="org", rich_help_panel="Use")


_IMPORT = examples(
    "trellis user import staff.csv",
    "trellis user import staff.jsonl --validate-only",
    "trellis user import staff.csv --resume",
)
_LIST_USERS = examples(
    "trellis user list", "trellis user list --order-by display_name", "trellis user list --limit 0 -o json"
)


def list_users(
    organization: Organization = "",
    filter_: Filter = "",
    order_by: OrderBy = "",
    limit: Limit = 100,
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """List the users of an organization that you belong to."""
    from trellis.user.v1 import service_pb2 as rpc
    from trellis.user.v1.service_pb2_grpc import UserServiceStub

    request = rpc.ListUsersRequest(parent=organization or own_organization(name), filter=filter_, order_by=order_by)
    listing(listed(name, UserServiceStub, "ListUsers", request, limit), output, _USERS)


def get_user(
    user: Annotated[str, typer.Argument(help="users/…; yourself without.")] = "users/me",
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """Show one user: yourself, or somebody of your organization."""
    from trellis.user.v1 import service_pb2 as rpc
    from trellis.user.v1.service_pb2_grpc import UserServiceStub

    record(sent(name, UserServiceStub, "GetUser", rpc.GetUserRequest(name=user)), output)


def import_users(
    file: Annotated[
        Path, typer.Argument(help="The people: .csv with a line of names first, or .jsonl with an object a line.")
    ],
    organization: Organization = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the import that was cut short.")] = False,
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Check every row and change nothing.")] = False,
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """Make the people of a file members of an organization, as an owner or administrator of it.

    Columns are email, display_name, role (member or admin), language_code, time_zone, external_id and attributes.NAME. Who
    has no account becomes a provisioned user, whose membership is theirs once they sign up. What became of each row is
    written to FILE.report.jsonl; an import that is cut short leaves FILE.resume.json, with which `--resume` goes on. Exit
    code 1 if a row was refused.
    """
    from cli.edge import edge
    from cli.importing import Importer, Report, read_rows
    from cli.progress import progress

    rows, report = read_rows(file), Report(file)
    state: dict[str, Any] = report.resume() if resume else {}
    parent = state.get("organization") or organization or own_organization(name)
    if not resume:
        report.begin()
    with edge(home()) as door, progress("importing", len(rows), "rows") as advance:
        advance(state.get("next_row", 1) - 1, False)

        def answered(answer: Any) -> None:
            report.add(answer, parent)
            advance(len(answer.results), True)

        importer = Importer(door.channel, lambda: access_token(name), parent, rows, answered, validate_only)
        importer.resume_token, importer.next_row = state.get("resume_token", ""), state.get("next_row", 1)
        totals = importer.run()
    counts = {outcome: getattr(totals, outcome) for outcome in ("created", "updated", "unchanged", "failed")}
    record({"organization": parent, "rows": len(rows), **counts, "report": str(report.results)}, output)
    if totals.failed:
        raise Failed(f"{totals.failed} of {len(rows)} rows were refused; {report.results} says why.")


def list_organizations(
    filter_: Filter = "",
    order_by: OrderBy = "",
    limit: Limit = 100,
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """List the organizations that you belong to."""
    from trellis.user.v1 import service_pb2 as rpc
    from trellis.user.v1.service_pb2_grpc import OrganizationServiceStub

    request = rpc.ListOrganizationsRequest(filter=filter_, order_by=order_by)
    listing(listed(name, OrganizationServiceStub, "ListOrganizations", request, limit), output, _ORGANIZATIONS)


def get_organization(
    organization: Annotated[str, typer.Argument(help="organizations/…; the one your token names without.")] = "",
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """Show one organization."""
    from trellis.user.v1 import service_pb2 as rpc
    from trellis.user.v1.service_pb2_grpc import OrganizationServiceStub

    request = rpc.GetOrganizationRequest(name=organization or own_organization(name))
    record(sent(name, OrganizationServiceStub, "GetOrganization", request), output)


def create_organization(
    display_name: Annotated[str, typer.Argument(help="What it is called.")],
    use: Annotated[bool, typer.Option("--use", help="Work in it from now on, as `trellis org use` does.")] = False,
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """Make an organization; you become its owner."""
    from trellis.user.v1 import resources_pb2 as pb
    from trellis.user.v1 import service_pb2 as rpc
    from trellis.user.v1.service_pb2_grpc import OrganizationServiceStub

    request = rpc.CreateOrganizationRequest(organization=pb.Organization(display_name=display_name))
    made = sent(name, OrganizationServiceStub, "CreateOrganization", request)
    if use:
        _switch(made["name"], name)
    record(made, output)


def use_organization(organization: Annotated[str, typer.Argument(help="organizations/…")], name: Named = DEFAULT) -> None:
    """Let the profile's token name an organization from now on; its permissions are those you have there."""
    _switch(organization, name)
    explain(f"The profile {name} works in {organization} now.")


def members(
    organization: Annotated[str, typer.Argument(help="organizations/…; the one your token names without.")] = "",
    filter_: Filter = "",
    limit: Limit = 100,
    name: Named = DEFAULT,
    output: Output = Format.TABLE,
) -> None:
    """List who belongs to an organization, with their roles."""
    from trellis.user.v1 import service_pb2 as rpc
    from trellis.user.v1.service_pb2_grpc import MembershipServiceStub, UserServiceStub

    request = rpc.ListMembershipsRequest(parent=organization or own_organization(name), filter=filter_)
    found = listed(name, MembershipServiceStub, "ListMemberships", request, limit)
    people: dict[str, Any] = {}
    for first in range(0, len(found), _BATCH):
        batch = rpc.BatchGetUsersRequest(names=[row["user"] for row in found[first : first + _BATCH]])
        people |= {each["name"]: each for each in sent(name, UserServiceStub, "BatchGetUsers", batch)["users"]}
    rows = [{**{key: people[row["user"]].get(key) for key in ("display_name", "email")}, **row} for row in found]
    listing(rows, output, _MEMBERS)


def own_organization(name: str) -> str:
    """Return the organization that the token names. Raises Failed if it names none."""
    found = str(inspect(access_token(name), lambda: b"").claims.get("organization", ""))
    if not found:
        raise Failed(
            "your token names no organization: make one with `trellis org create NAME --use`, or choose one of "
            "`trellis org list` with `trellis org use`."
        )
    return found


def _switch(organization: str, name: str) -> None:
    from trellis.auth.v1 import service_pb2 as rpc
    from trellis.auth.v1.service_pb2_grpc import AuthServiceStub

    request = rpc.SwitchOrganizationRequest(organization=organization)
    profile(home(), name).save(sent(name, AuthServiceStub, "SwitchOrganization", request))


def sent(name: str, stub: Any, method: str, request: Any) -> dict[str, Any]:
    """Return the answer to a call as the person of a profile."""
    from cli.edge import edge, plain

    with edge(home(), access_token(name)) as door:
        return plain(door.send(stub, method, request))


def listed(name: str, stub: Any, method: str, request: Any, limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` things of a list, as the person of a profile."""
    from cli.edge import edge, plain

    with edge(home(), access_token(name)) as door:
        return [plain(thing) for thing in door.pages(stub, method, request, limit)]
