"""Roles, role bindings and access, in the real service over the real store, against a plain model, step by step.

Calls go through the real servicers behind the real check of what a token permits; only memberships and teams, which are
user's, are a fake's. A rule does one thing to both and compares how it ends; an invariant compares all that can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, precondition, rule

from services.auth import convert, events
from services.auth.domain import Permitted, Question, State
from services.auth.handlers import AccessHandlers
from services.auth.servicer import AccessServicer, RoleBindingServicer, RoleServicer, ServiceAccountServicer
from services.chassis import principal as principals
from services.chassis.db.session import Codec
from services.chassis.lists import ListQuery, Lists
from services.chassis.principal import Principal
from services.chassis.rpc.auth import authorized
from services.chassis.rpc.middleware import Call, Handler, Method, surrounded
from services.chassis.rpc.server import Servicer
from services.chassis.times import timestamp
from tests.contract.auth import model
from tests.contract.auth.conftest import EMPTY, ports_of
from tests.contract.stateful import ETAGS, SIZES, AgainstModel, agrees, etag_for, every_page, ordered
from tests.fakes.auth_process import Parts
from trellis.auth.v1 import access_service_pb2 as access
from trellis.auth.v1 import role_binding_service_pb2 as bindings
from trellis.auth.v1 import role_service_pb2 as roles
from trellis.auth.v1 import service_account_service_pb2 as accounts
from trellis.policies import POLICIES

ACME, OTHER = "organizations/org_acme", "organizations/org_other"
ADA, BOB, CID = PEOPLE = [f"users/usr_{name}" for name in ("ada", "bob", "cid")]
OWNER, ADMIN, MEMBER = PREDEFINED = ["roles/owner", "roles/admin", "roles/member"]
PERMITTED = [
    "users.list",
    "roles.update",
    "roles.delete",
    "roleBindings.create",
    "memberships.update",
    "serviceAccounts.disable",
    "access.check",
    "organizations.delete",
]
"""What roles are made of and questions are about: some of members, some of administrators, one of owners alone."""
PATHS = ["", "/teams/team_1", "/teams/team_1/members/usr_cid", "/projects/prj_1", "/projects/prj_10"]
BESIDE = ["/projects/prj_1/tasks/tsk_1", "/teams/team_2", "/roles/rol_none"]
TEAMS = [f"/teams/team_{number}" for number in (1, 2, 3)]
SCOPES = frozenset({"roles.create", "roles.update", "roles.delete", "roleBindings.create", "roleBindings.delete"})
"""Of a token that may change roles and has little to give."""
MOST_ACCOUNTS = 3
EXAMPLES, STEPS = 130, 30
AT_ONCE = {"milliseconds": 1}
"""Sooner than anything that is remembered would be read anew."""

organizations = st.sampled_from([ACME, ACME, ACME, OTHER])
of_callers = st.sampled_from([""] * 8 + [ACME, OTHER])
"""An organization, empty for the one that the caller's token names."""
people = st.sampled_from(PEOPLE)
teams = st.sampled_from(TEAMS)
names = st.sampled_from(["alpha", "beta", "gamma"])
some = st.frozensets(st.sampled_from(PERMITTED), min_size=1, max_size=3)
some_or_unknown = st.frozensets(st.sampled_from([*PERMITTED * 3, "users.fly"]), min_size=1, max_size=3)
paths = st.sampled_from(PATHS + BESIDE)


class Everything(AgainstModel):
    """What user says of people, and what auth makes of it, in the database and in the model."""

    tokens = Bundle("tokens")
    roles = Bundle("roles")
    """Roles that are or were, of both organizations, and the predefined ones."""
    accounts = Bundle("accounts")
    bound = Bundle("bound")
    """Role bindings that are or were."""

    def __init__(self) -> None:
        """Two organizations with some people."""
        super().__init__()
        self.quarter = 0
        self.parts = Parts(ports_of(self.emptied(EMPTY, Codec(convert.answer_to_proto, events.announcement))), self.clock)
        handlers = self.parts.handlers
        self.access = AccessHandlers(self.parts.grants, self.clock)
        lists = Lists(self.parts.keyring, self.clock)
        self.service = served(
            RoleServicer(handlers.roles, lists),
            RoleBindingServicer(handlers.role_bindings, lists),
            AccessServicer(self.access),
            ServiceAccountServicer(handlers.service_accounts, lists),
        )
        self.known = {name: model.Organization(name) for name in (ACME, OTHER)}
        for known in self.known.values():
            known.teams = {known.name + team: model.Team() for team in TEAMS}
        self.known[ACME].members = {ADA: OWNER, BOB: ADMIN, CID: MEMBER}
        self.known[OTHER].members = {BOB: OWNER}
        self.known[ACME].teams[ACME + TEAMS[0]].parent = ACME + TEAMS[1]
        self.known[ACME].teams[ACME + TEAMS[0]].members.add(CID)
        self.told()
        self.signed_in = [self.token_of(user, ACME) for user in (ADA, ADA, ADA, BOB, CID)]
        self.signed_in += [self.token_of(BOB, OTHER), self.token_of(ADA, ACME, scopes=SCOPES)]
        owner = self.signed_in[0]
        self.role = self.new_role(owner, ACME, "alpha", frozenset({"roles.update", "memberships.update"}))
        self.binding = self.new_binding(owner, ACME, self.role, ACME + TEAMS[1], ACME + PATHS[-2])
        self.for_a_while = self.new_binding(owner, ACME, ADMIN, CID, ACME + PATHS[-2], minutes=5)
        self.of_owners = self.new_role(owner, ACME, "beta", frozenset({"users.list", "organizations.delete"}))
        self.new_binding(owner, ACME, self.of_owners, BOB, ACME, minutes=4)
        self.account = self.new_account(owner, ACME, MEMBER)

    @initialize(target=tokens)
    def sign_in(self) -> Any:
        """Owners and administrators act most of the time."""
        return multiple(*self.signed_in * 2)

    @initialize(target=roles)
    def begin_with_roles(self) -> Any:
        return multiple(*PREDEFINED, *[self.role, self.of_owners] * 2)

    @initialize(target=bound)
    def begin_with_bindings(self) -> Any:
        return multiple(self.binding, self.for_a_while)

    @initialize(target=accounts)
    def begin_with_an_account(self) -> str:
        return self.account

    # What happens at user

    @rule(name=organizations, user=people, role=st.sampled_from([*PREDEFINED, "", ""]))
    def membership_changes(self, name: str, user: str, role: str) -> None:
        """It begins, has another role from now on, or ends."""
        if role:
            self.known[name].members[user] = role
        else:
            self.known[name].end_membership(user)
        self.told()

    @rule(name=organizations, user=people, team=teams, inside=st.booleans())
    def team_members_change(self, name: str, user: str, team: str, inside: bool) -> None:
        known = self.known[name]
        if name + team in known.teams and user in known.members:
            (set.add if inside else set.discard)(known.teams[name + team].members, user)
            self.told()

    @rule(name=organizations, team=teams, parent=st.sampled_from(["", *TEAMS, "gone"]))
    def team_changes(self, name: str, team: str, parent: str) -> None:
        """It is put into another one or taken out, or it is deleted."""
        if parent == "gone":
            self.known[name].dissolve(name + team)
        else:
            self.known[name].nest(name + team, name + parent if parent else "")
        self.told()

    @rule(minutes=st.sampled_from([1, 3]))
    def auth_hears_of_who_is_gone(self, minutes: int) -> None:
        self.clock.move(minutes=minutes)
        for known in self.known.values():
            while known.gone:
                self.wait(self.parts.role_bindings.release(known.name, known.hear()))

    # Tokens

    @rule(target=tokens, name=organizations, subject=people | accounts, scopes=st.none() | some)
    def make_token(self, name: str, subject: str, scopes: frozenset[str] | None) -> Any:
        """As a sign-in does, or the exchange of an API key with scopes."""
        known, at = self.known[name], self.clock()
        wanted, refused = self.ended(lambda: known.given(subject, at))
        permitted, error = self.ended(lambda: self.wait(self.parts.grants.permitted(name, subject)))
        assert error == refused
        if error:
            return multiple()
        self.compare_token(name, permitted, wanted)
        return self.token(subject, name, permitted if scopes is None else permitted.within(scopes))

    def compare_token(self, name: str, permitted: Permitted, wanted: list[model.Given]) -> None:
        """A token says all that is permitted everywhere, and below that as much as fits, what is nearest first."""
        everywhere = permissions_on(name, wanted)
        assert permitted.permissions == tuple(sorted(everywhere))
        below = {each.why.resource: permissions_on(each.why.resource, wanted) - everywhere for each in wanted}
        below = {resource: more for resource, more in below.items() if more}
        assert {resource: frozenset(more) for resource, more in permitted.grants.items()}.items() <= below.items()
        left = [resource.count("/") for resource in below.keys() - permitted.grants.keys()]
        assert not left or max((each.count("/") for each in permitted.grants), default=0) <= min(left)
        assert permitted.until == min((each.expire_time for each in wanted if each.expire_time), default=None)

    # Roles

    @rule(target=roles, by=tokens, of=of_callers, display_name=names, permissions=some_or_unknown)
    def create_role(self, by: model.Token, of: str, display_name: str, permissions: frozenset[str]) -> Any:
        return self.new_role(by, of or by.organization, display_name, permissions) or multiple()

    def new_role(self, by: model.Token, name: str, display_name: str, permissions: frozenset[str]) -> str:
        role = roles.Role(display_name=display_name, permissions=permissions)
        request = roles.CreateRoleRequest(parent=name, role=role)

        def modelled(made: str) -> None:
            at = self.clock()
            self.known[name].create_role(by, model.Role(made, display_name, permissions, at, at), at)

        return self.made(by, request, modelled)

    @rule(
        by=tokens,
        wanted=st.lists(st.tuples(roles, st.just("") | names, some_or_unknown, ETAGS), min_size=1, max_size=3),
    )
    def update_roles(self, by: model.Token, wanted: list[tuple[str, str, frozenset[str], str]]) -> None:
        for role, display_name, permissions, etag in wanted:
            self.update_role(by, role, display_name, permissions, etag)

    def update_role(self, by: model.Token, role: str, display_name: str, permissions: frozenset[str], etag: str) -> None:
        """Without a name to show, the one it has stays."""
        known, at = self.of(role), self.clock()
        sent = etag_for(etag, known.roles[role].version if role in known.roles else 1)
        wanted = roles.Role(name=role, display_name=display_name, permissions=permissions, etag=sent)
        self.both(
            lambda: known.update_role(by, model.Role(role, display_name, permissions, at, at), sent, self.clock()),
            lambda: self.call(by, roles.UpdateRoleRequest(role=wanted)),
            **AT_ONCE,
        )

    @rule(
        by=tokens,
        wanted=st.lists(st.tuples(roles.filter(lambda name: name not in PREDEFINED), ETAGS), min_size=1, max_size=3),
    )
    def delete_roles(self, by: model.Token, wanted: list[tuple[str, str]]) -> None:
        for role, etag in wanted:
            self.delete_role(by, role, etag)

    def delete_role(self, by: model.Token, role: str, etag: str) -> None:
        known = self.of(role)
        sent = etag_for(etag, known.roles[role].version if role in known.roles else 1)
        self.both(
            lambda: known.delete_role(by, role, sent, self.clock()),
            lambda: self.call(by, roles.DeleteRoleRequest(name=role, etag=sent)),
            **AT_ONCE,
        )

    # Role bindings

    @rule(
        target=bound,
        by=tokens,
        of=of_callers,
        wanted=st.lists(
            st.tuples(
                roles,
                people | teams | accounts,
                st.just("") | paths | roles.filter(lambda name: name not in PREDEFINED),
                st.sampled_from([None, None, None, 2, 5, 0]),
            ),
            min_size=1,
            max_size=3,
        ),
        beside=of_callers,
    )
    def create_role_bindings(self, by: model.Token, of: str, wanted: list[Any], beside: str) -> Any:
        """Role, subject, resource and minutes; of paths, `beside` says whose they are, all else is a name already."""
        full = partial(of_organization, beside or by.organization)
        made = [
            self.new_binding(by, of or by.organization, role, full(subject), full(resource), minutes)
            for role, subject, resource, minutes in wanted
        ]
        return multiple(*filter(None, made))

    def new_binding(
        self, by: model.Token, name: str, role: str, subject: str, resource: str, minutes: int | None = None
    ) -> str:
        expire_time = None if minutes is None else self.clock() + timedelta(minutes=minutes)
        binding = bindings.RoleBinding(role=role, subject=subject, resource=resource, expire_time=timestamp(expire_time))
        request = bindings.CreateRoleBindingRequest(parent=name, role_binding=binding)

        def modelled(made: str) -> None:
            at = self.clock()
            new = model.Binding(made, role, subject, resource or name, expire_time, by.subject, at)
            self.known[name].create_binding(by, new, at)

        return self.made(by, request, modelled)

    @rule(target=bound, by=tokens, binding=bound, minutes=st.sampled_from([None, 2]))
    def create_role_binding_again(self, by: model.Token, binding: str, minutes: int | None) -> Any:
        """Once more what was said already, and may have expired since; the deleted cannot be said again."""
        name = self.of(binding).name
        known = self.known[name].bindings.get(binding)
        return (self.new_binding(by, name, *known.says(), minutes) if known else "") or multiple()

    @rule(by=tokens, binding=bound)
    def delete_role_binding(self, by: model.Token, binding: str) -> None:
        self.both(
            lambda: self.of(binding).delete_binding(by, binding, self.clock()),
            lambda: self.call(by, bindings.DeleteRoleBindingRequest(name=binding)),
            **AT_ONCE,
        )

    # Service accounts

    @precondition(lambda self: sum(len(known.accounts) for known in self.known.values()) < MOST_ACCOUNTS)
    @rule(target=accounts, by=tokens, of=of_callers, role=st.sampled_from([ADMIN, MEMBER]))
    def create_service_account(self, by: model.Token, of: str, role: str) -> Any:
        return self.new_account(by, of or by.organization, role) or multiple()

    def new_account(self, by: model.Token, name: str, role: str) -> str:
        account = accounts.ServiceAccount(display_name="Robot", role=role)
        request = accounts.CreateServiceAccountRequest(parent=name, service_account=account)
        return self.made(
            by, request, lambda made: self.known[name].create_account(by, model.ServiceAccount(made, role), self.clock())
        )

    @rule(by=tokens, account=accounts, change=st.sampled_from([ADMIN, MEMBER, "enable", "disable", "delete"]), etag=ETAGS)
    def change_service_account(self, by: model.Token, account: str, change: str, etag: str) -> None:
        known = self.of(account)
        sent = etag_for(etag, known.accounts[account].version if account in known.accounts else 1)
        wanted = accounts.ServiceAccount(name=account, role=change if change in PREDEFINED else "", etag=sent)
        ways: dict[str, tuple[Callable[[], None], Message]] = {
            "enable": (
                lambda: known.switch_account(by, account, active=True),
                accounts.EnableServiceAccountRequest(name=account),
            ),
            "disable": (
                lambda: known.switch_account(by, account, active=False),
                accounts.DisableServiceAccountRequest(name=account),
            ),
            "delete": (
                lambda: known.delete_account(by, account, sent),
                accounts.DeleteServiceAccountRequest(name=account, etag=sent),
            ),
        }
        update = accounts.UpdateServiceAccountRequest(service_account=wanted)
        modelled, request = ways.get(change) or (
            lambda: known.change_account(by, account, change, sent, self.clock()),
            update,
        )
        self.both(modelled, lambda: self.call(by, request))

    # Questions

    @rule(
        by=tokens,
        subject=st.sampled_from(["", "users/me", "users/usr_none", f"{ACME}/serviceAccounts/sva_none"]) | people | accounts,
        of=of_callers,
        questions=st.lists(
            st.tuples(st.sampled_from(PERMITTED), paths | roles.filter(lambda name: name not in PREDEFINED)),
            min_size=1,
            max_size=4,
        ),
    )
    def check_access(self, by: model.Token, subject: str, of: str, questions: list[tuple[str, str]]) -> None:
        """One at a time and all at once."""
        asked = [(permission, of_organization(of or by.organization, path)) for permission, path in questions]
        each = [access.CheckAccessRequest(subject=subject, permission=what, resource=on) for what, on in asked]
        batch = access.BatchCheckAccessRequest(subject=subject)
        for permission, resource in asked:
            batch.questions.add(permission=permission, resource=resource)

        answered, error = self.ended(lambda: self.wait(self.call(by, batch)))
        singly, refused = self.ended(lambda: [self.wait(self.call(by, request)) for request in each])
        wanted = self.ended(lambda: [self.answer(by, subject, request) for request in each])
        assert ([said(answer) for answer in answered.answers] if answered else None, error) == wanted
        assert ([said(answer) for answer in singly] if singly else None, refused) == wanted

    def answer(self, by: model.Token, subject: str, question: Any) -> model.Why:
        about, known = model.asked(by, subject), self.of(question.resource)
        if known.name != by.organization:
            return model.Why()
        given = known.given_to_whoever_belongs(about, self.clock())
        return model.first(given, question.permission, question.resource)

    # Lists

    @rule(
        name=organizations,
        subject=st.none() | people | accounts,
        order=st.sampled_from(["", "subject", "role desc", "resource, create_time desc"]),
        size=SIZES,
    )
    def list_role_bindings(self, name: str, subject: str | None, order: str, size: int) -> None:
        query = ListQuery(f'subject = "{subject}"' if subject else "", order, size)
        listed = self.wait(every_page(partial(self.parts.role_bindings.list_role_bindings, name), query))
        wanted = [each for each in self.known[name].bindings.values() if subject in (None, each.subject)]
        assert [each.name for each in listed] == [each.name for each in ordered(wanted, order, "name")]

    @rule(
        name=organizations,
        predefined=st.none() | st.booleans(),
        order=st.sampled_from(["", "name desc", "display_name"]),
        size=SIZES,
    )
    def list_roles(self, name: str, predefined: bool | None, order: str, size: int) -> None:
        query = ListQuery("" if predefined is None else f"predefined = {str(predefined).lower()}", order, size)
        listed = self.wait(every_page(partial(self.parts.roles.list_roles, name), query))
        roles_there = (*model.of_the_contract(self.clock()), *self.known[name].roles.values())
        wanted = [each for each in roles_there if predefined in (None, each.predefined)]
        assert [each.name for each in listed] == [each.name for each in ordered(wanted, order, "name")]

    # What is always so

    @invariant()
    def everything_reads_the_same(self) -> None:
        for known in self.known.values():
            self.wait(self.compare_roles(known))
            self.wait(self.compare_bindings(known))
            self.wait(self.compare_accounts(known))
            self.wait(self.compare_access(known))
        self.quarter = (self.quarter + 1) % 4

    @invariant()
    def every_binding_has_its_role(self) -> None:
        for known in self.known.values():
            assert all(each.role in (*PREDEFINED, *known.roles) for each in known.bindings.values())

    async def compare_roles(self, known: model.Organization) -> None:
        found = await every_page(partial(self.parts.roles.list_roles, known.name), ListQuery())
        assert {r.name: r.permissions for r in found if r.predefined} == model.PREDEFINED
        assert [
            (r.name, r.display_name, r.permissions, r.create_time, r.update_time, r.version)
            for r in found
            if not r.predefined
        ] == [(r.name, r.display_name, r.permissions, r.create_time, r.update_time, r.version) for r in known.roles.values()]

    async def compare_bindings(self, known: model.Organization) -> None:
        found = await every_page(partial(self.parts.role_bindings.list_role_bindings, known.name), ListQuery())
        assert [
            model.Binding(b.name, b.role, b.subject, b.resource, b.expire_time, b.creator, b.create_time) for b in found
        ] == [*known.bindings.values()]

    async def compare_accounts(self, known: model.Organization) -> None:
        """Those that are there; the deleted are asked about by rules."""
        for account in known.accounts.values():
            found = await self.parts.handlers.service_accounts.get_service_account(account.name)
            state = State.ACTIVE if account.active else State.DISABLED
            assert (found.role, found.state, found.version) == (account.role, state, account.version)

    async def compare_access(self, known: model.Organization) -> None:
        """Ask a quarter of everything about everybody, the next quarter next time."""
        questions = [(permission, known.name + path) for permission in PERMITTED for path in PATHS]
        questions = questions[self.quarter :: 4]
        for subject in (*PEOPLE, *known.accounts):
            grants = [await self.access.resolve_access(Question(subject, *question)) for question in questions]
            given = known.given_to_whoever_belongs(subject, self.clock())
            assert [model.Why(g.role, g.source, g.team, g.resource) if g else model.Why() for g in grants] == [
                model.first(given, *question) for question in questions
            ]

    # Doing both

    def told(self) -> None:
        """Let user say a minute later what the model says: auth may remember for a second what it heard."""
        self.clock.move(minutes=1)
        fake = self.parts.memberships
        places = {(known.name, user): role for known in self.known.values() for user, role in known.members.items()}
        fake.roles = places
        fake.known = {place: tuple(model.PREDEFINED[role]) for place, role in places.items()}
        fake.teams = {(name, user): tuple(self.known[name].teams_of(user)) for name, user in places}

    def token_of(self, user: str, name: str, scopes: frozenset[str] | None = None) -> model.Token:
        permitted = self.wait(self.parts.grants.permitted(name, user))
        return self.token(user, name, permitted if scopes is None else permitted.within(scopes))

    def token(self, subject: str, name: str, permitted: Permitted) -> model.Token:
        grants = {resource: frozenset(permissions) for resource, permissions in permitted.grants.items()}
        return model.Token(subject, name, frozenset(permitted.permissions), grants)

    async def call(self, by: model.Token, request: Message) -> Any:
        """Call the RPC of a request with a token."""
        principals.enter(Principal(by.subject, by.organization, by.permissions, grants=by.grants))
        return await getattr(self.service, type(request).__name__.removesuffix("Request"))(request, NO_CONTEXT)

    def made(self, by: model.Token, request: Message, modelled: Callable[[str], None]) -> str:
        """Let both make something, the model with the name that it got; return the name, none if it was refused."""
        self.clock.move(**AT_ONCE)
        made, error = self.ended(lambda: self.wait(self.call(by, request)))
        assert error == self.ended(lambda: modelled(made.name if made else ""))[1]
        return made.name if made else ""

    def of(self, name: str) -> model.Organization:
        """Return the organization of a name; one that knows nothing for what is of none."""
        organization = "/".join(name.split("/")[:2])
        return self.known.get(organization) or model.Organization(organization)


def of_organization(name: str, path: str) -> str:
    """Return the name that a path has in an organization, which may be empty; a whole name stays as it is."""
    return name + path if path.startswith("/") else path or name


NO_CONTEXT: Any = SimpleNamespace(invocation_metadata=lambda: ())


def served(*servicers: Any) -> SimpleNamespace:
    """Return the RPCs of servicers by name, behind the check of what the caller's token permits."""
    rpcs: dict[str, Any] = {}
    for servicer in map(Servicer.of, servicers):
        methods = [
            Method(POLICIES[f"/{servicer.descriptor.full_name}/{rpc.name}"], Message, Message, False, False, rpc.name)
            for rpc in servicer.descriptor.methods
        ]
        rpcs |= vars(surrounded(servicer.implementation, methods, [called_by_the_principal, authorized()]))
    return SimpleNamespace(**rpcs)


def called_by_the_principal(handle: Handler, method: Method) -> Handler:
    """Take as the caller whoever was entered, where a server would verify a token."""

    async def handler(call: Call) -> Any:
        call.principal = principals.current()
        return await handle(call)

    return handler


def said(answer: access.CheckAccessResponse) -> model.Why:
    """Return what an answer says; it is allowed when, and only when, something permits it."""
    why = model.Why(answer.role, answer.source, answer.team, answer.resource)
    assert answer.allowed == (why != model.Why())
    return why


def permissions_on(resource: str, given: list[model.Given]) -> frozenset[str]:
    """Return what is given on a resource."""
    return frozenset().union(*(each.permissions for each in given if each.why.resource == resource))


def test_whatever_is_given_and_taken_the_service_and_the_model_agree(url: str) -> None:
    agrees(Everything, url, examples=EXAMPLES, steps=STEPS)
