"""The real handlers over the real store against a plain model, step by step: whatever people do, both agree on everything.

A rule does one thing to both and compares how it ends; an invariant compares all that can be read. A kind of resource that
comes to be joins with rules, a line in `everything_reads_the_same`, and a class of its own in `model.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, rule

from services.chassis.db.session import Codec
from services.chassis.lists import ListQuery
from services.chassis.principal import Principal
from services.user import convert, events
from services.user.domain import InvitationTerms, Role, User, membership_name, team_member_name
from services.user.handlers.invitations import CreateInvitation
from services.user.handlers.memberships import CreateMembership, UpdateMembership
from services.user.handlers.organizations import UpdateOrganization
from services.user.handlers.teams import CreateTeam, UpdateTeam
from tests.contract.stateful import ETAGS, SIZES, AgainstModel, NumberedIds, agrees, etag_for, every_page, ordered
from tests.contract.user import model
from tests.contract.user.conftest import EMPTY, ports_of
from tests.fakes.user_process import Parts

PEOPLE = [f"users/usr_{name}" for name in ("ada", "bob", "cid")]
NAMES = st.sampled_from(["alpha", "beta", "gamma"])
ROLES = st.sampled_from(Role)
UNLIMITED = InvitationTerms(model.LIFETIME, 10_000, 10_000, 10_000, timedelta(days=90))
EXAMPLES, STEPS = 40, 40


class Everything(AgainstModel):
    """Organizations, memberships, invitations and teams, in the database and in the model."""

    organizations = Bundle("organizations")
    invitations = Bundle("invitations")
    teams = Bundle("teams")
    """Teams that are or were, and the word for none."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, model.Organization] = {}

    @initialize(target=teams)
    def begin(self) -> tuple[str, str]:
        """People, and nothing else."""
        database = self.emptied(EMPTY, Codec(convert.answer_to_proto, events.announcement))
        self.parts = Parts(ports_of(database), self.clock, ids=NumberedIds())  # type: ignore[arg-type]
        self.invites = replace(self.parts.invitations, terms=UNLIMITED)
        self.wait(self._people())
        return "", ""

    async def _people(self) -> None:
        async with self.parts.ports.begin() as tx:
            for name in PEOPLE:
                await tx.users.add(User(name, email_of(name), name[-3:], self.clock(), self.clock()))
            await tx.commit()

    # What happens to organizations

    @rule(target=organizations, owner=st.sampled_from(PEOPLE), display_name=NAMES)
    def create_organization(self, owner: str, display_name: str) -> str:
        self.clock.move(minutes=1)
        made = self.wait(self.parts.organizations.create_organization(display_name, owner))
        self.known[made.name] = model.created(made.name, display_name, owner, self.clock())
        return str(made.name)

    @rule(name=organizations, display_name=NAMES, etag=ETAGS)
    def rename_organization(self, name: str, display_name: str, etag: str) -> None:
        known = self.known[name]
        sent = etag_for(etag, known.version)
        change = UpdateOrganization(name, {"display_name": display_name}, sent)
        self.both(
            lambda: known.rename(display_name, sent, self.clock()),
            lambda: self.parts.organizations.update_organization(change),
        )

    @rule(name=organizations, etag=ETAGS)
    def delete_organization(self, name: str, etag: str) -> None:
        known = self.known[name]
        sent = etag_for(etag, known.version)
        self.both(lambda: known.delete(sent, self.clock()), lambda: self.parts.organizations.delete_organization(name, sent))

    @rule(name=organizations)
    def undelete_organization(self, name: str) -> None:
        known = self.known[name]
        self.both(lambda: known.undelete(self.clock()), lambda: self.parts.organizations.undelete_organization(name))

    # What happens to memberships

    @rule(name=organizations, by=st.sampled_from(PEOPLE), user=st.sampled_from(PEOPLE), role=ROLES)
    def create_membership(self, name: str, by: str, user: str, role: Role) -> None:
        new = CreateMembership(name, user, role)
        self.both(
            lambda: self.known[name].add(by, user, role, self.clock(), met=self.have_met(name, user, by)),
            lambda: self.parts.memberships.create_membership(new, Principal(by)),
        )

    def have_met(self, name: str, user: str, by: str) -> bool:
        """Whether somebody is in an organization, or in any other together with another."""
        return any(user in each.members and (each is self.known[name] or by in each.members) for each in self.known.values())

    @rule(name=organizations, by=st.sampled_from(PEOPLE), user=st.sampled_from(PEOPLE), role=ROLES, etag=ETAGS)
    def update_membership(self, name: str, by: str, user: str, role: Role, etag: str) -> None:
        sent = self.etag_of_member(name, user, etag)
        change = UpdateMembership(membership_name(name, user), role, sent)
        self.both(
            lambda: self.known[name].change(by, user, role, sent, self.clock()),
            lambda: self.parts.memberships.update_membership(change, Principal(by)),
        )

    @rule(name=organizations, by=st.sampled_from(PEOPLE), user=st.sampled_from(PEOPLE), etag=ETAGS)
    def delete_membership(self, name: str, by: str, user: str, etag: str) -> None:
        sent = self.etag_of_member(name, user, etag)
        self.both(
            lambda: self.known[name].remove(by, user, sent),
            lambda: self.parts.memberships.delete_membership(membership_name(name, user), sent, Principal(by)),
        )

    @rule(name=organizations, user=st.sampled_from(PEOPLE))
    def leave_organization(self, name: str, user: str) -> None:
        self.both(
            lambda: self.known[name].leave(user),
            lambda: self.parts.memberships.leave_organization(name, Principal(user)),
        )

    # What happens to invitations

    @rule(target=invitations, name=organizations, by=st.sampled_from(PEOPLE), user=st.sampled_from(PEOPLE), role=ROLES)
    def create_invitation(self, name: str, by: str, user: str, role: Role) -> Any:
        self.clock.move(minutes=1)
        new = CreateInvitation(name, email_of(user), role)
        made, error = self.ended(lambda: self.wait(self.invites.create_invitation(new, Principal(by))))
        invited = model.Invited(made.id if made else "", user, role, self.clock() + model.LIFETIME)
        _, wanted = self.ended(lambda: self.known[name].invite(by, invited))
        assert error == wanted
        return (name, made.id) if made else multiple()

    @rule(invitation=invitations, by=st.sampled_from(PEOPLE))
    def revoke_invitation(self, invitation: tuple[str, str], by: str) -> None:
        name, found = invitation
        self.both(
            lambda: self.known[name].revoke(by, found),
            lambda: self.invites.revoke_invitation(f"{name}/invitations/{found}", Principal(by)),
        )

    @rule(invitation=invitations, user=st.sampled_from(["the invited", "the invited", *PEOPLE]))
    def accept_invitation(self, invitation: tuple[str, str], user: str) -> None:
        name, found = invitation
        user = self.known[name].invitations[found].user if user == "the invited" else user
        token = self.parts.links.token(found)
        self.both(
            lambda: self.known[name].accept(user, found, self.clock()),
            lambda: self.invites.accept_invitation(token, Principal(user)),
        )

    @rule(invitation=invitations)
    def decline_invitation(self, invitation: tuple[str, str]) -> None:
        name, found = invitation
        token = self.parts.links.token(found)
        self.both(lambda: self.known[name].decline(found, self.clock()), lambda: self.invites.decline_invitation(token))

    # What happens to teams

    @rule(target=teams, name=organizations, parent=teams, display_name=NAMES)
    def create_team(self, name: str, parent: tuple[str, str], display_name: str) -> Any:
        self.clock.move(minutes=1)
        new = CreateTeam(name, display_name, "", parent[1])
        made, error = self.ended(lambda: self.wait(self.parts.teams.create_team(new)))
        team = model.Team(made.name if made else "", display_name, parent[1], self.clock(), self.clock())
        _, wanted = self.ended(lambda: self.known[name].form(team))
        assert error == wanted
        return (name, made.name) if made else multiple()

    @rule(team=teams.filter(any), parent=st.none() | teams, display_name=st.none() | NAMES, etag=ETAGS)
    def update_team(
        self, team: tuple[str, str], parent: tuple[str, str] | None, display_name: str | None, etag: str
    ) -> None:
        name, found = team
        inside = parent[1] if parent else None
        sent = self.etag_of_team(name, found, etag)
        values = {"display_name": display_name, "parent_team": inside}
        change = UpdateTeam(found, {field: value for field, value in values.items() if value is not None}, sent)
        self.both(
            lambda: self.known[name].reform(found, display_name, inside, sent, self.clock()),
            lambda: self.parts.teams.update_team(change),
        )

    @rule(team=teams.filter(any), etag=ETAGS)
    def delete_team(self, team: tuple[str, str], etag: str) -> None:
        name, found = team
        sent = self.etag_of_team(name, found, etag)
        self.both(lambda: self.known[name].dissolve(found, sent), lambda: self.parts.teams.delete_team(found, sent))

    @rule(team=teams.filter(any), user=st.sampled_from(PEOPLE))
    def create_team_member(self, team: tuple[str, str], user: str) -> None:
        name, found = team
        self.both(lambda: self.known[name].put_in(user, found), lambda: self.parts.teams.create_team_member(found, user))

    @rule(team=teams.filter(any), user=st.sampled_from(PEOPLE))
    def delete_team_member(self, team: tuple[str, str], user: str) -> None:
        name, found = team
        self.both(
            lambda: self.known[name].take_out(user, found),
            lambda: self.parts.teams.delete_team_member(team_member_name(found, user)),
        )

    @rule(days=st.sampled_from([1, 4]))
    def time_passes(self, days: int) -> None:
        self.clock.move(days=days)

    # Lists

    @rule(
        name=organizations,
        role=st.none() | ROLES,
        order=st.sampled_from(["", "role", "role desc", "create_time desc"]),
        size=SIZES,
    )
    def list_memberships(self, name: str, role: Role | None, order: str, size: int) -> None:
        query = ListQuery(f"role = ROLE_{role.name}" if role else "", order, size)
        listed = self.wait(every_page(partial(self.parts.memberships.list_memberships, name), query))
        wanted = [member for member in self.known[name].members.values() if role in (None, member.role)]
        assert [(each.user, each.role) for each in listed] == [
            (each.user, each.role) for each in ordered(wanted, order, "user")
        ]

    @rule(
        user=st.sampled_from(PEOPLE),
        display_name=st.none() | NAMES,
        order=st.sampled_from(["", "display_name", "display_name desc, create_time", "update_time desc"]),
        size=SIZES,
        show_deleted=st.booleans(),
    )
    def list_organizations(self, user: str, display_name: str | None, order: str, size: int, show_deleted: bool) -> None:
        query = ListQuery(f'display_name = "{display_name}"' if display_name else "", order, size)
        read = partial(self.parts.organizations.list_organizations, user, show_deleted=show_deleted)
        listed = self.wait(every_page(read, query))
        wanted = [
            each
            for each in self.known.values()
            if user in each.members
            and (show_deleted or each.delete_time is None)
            and display_name in (None, each.display_name)
        ]
        assert [each.name for each in listed] == [each.name for each in ordered(wanted, order, "name")]

    # What is always so

    @invariant()
    def everything_reads_the_same(self) -> None:
        for known in self.known.values():
            self.compare_organization(known)
            self.compare_members(known)
            self.compare_invitations(known)
            self.compare_teams(known)

    @invariant()
    def every_organization_has_an_owner(self) -> None:
        assert [known.name for known in self.known.values() if not known.owners] == []

    def compare_organization(self, known: model.Organization) -> None:
        found = self.wait(self.parts.organizations.get_organization(known.name))
        assert (found.display_name, found.create_time, found.update_time, found.delete_time, found.version) == (
            *(known.display_name, known.create_time, known.update_time, known.delete_time, known.version),
        )

    def compare_members(self, known: model.Organization) -> None:
        found = self.wait(every_page(partial(self.parts.memberships.list_memberships, known.name), ListQuery()))
        assert {m.user: (m.role, m.create_time, m.update_time, m.version) for m in found} == {
            m.user: (m.role, m.create_time, m.update_time, m.version) for m in known.members.values()
        }
        for user in PEOPLE:
            wanted = self.ended(partial(known.resolve, user))
            resolved, error = self.ended(
                lambda user=user: self.wait(self.parts.memberships.resolve_membership(known.name, user))  # type: ignore[misc]
            )
            assert ((resolved.role, resolved.teams) if resolved else None, error) == wanted

    def compare_invitations(self, known: model.Organization) -> None:
        found = self.wait(every_page(partial(self.invites.list_invitations, known.name), ListQuery()))
        now = self.clock()
        assert {i.id: (i.role, i.as_of(now).state) for i in found} == {
            i.id: (i.role, i.state_at(now)) for i in known.invitations.values()
        }

    def compare_teams(self, known: model.Organization) -> None:
        found = self.wait(every_page(partial(self.parts.teams.list_teams, known.name), ListQuery()))
        assert {t.name: (t.display_name, t.parent_team, t.create_time, t.update_time, t.version) for t in found} == {
            t.name: (t.display_name, t.parent, t.create_time, t.update_time, t.version) for t in known.teams.values()
        }
        for team in known.teams.values():
            inside = self.wait(every_page(partial(self.parts.teams.list_team_members, team.name), ListQuery()))
            assert {member.user for member in inside} == team.members

    def etag_of_member(self, name: str, user: str, etag: str) -> str:
        member = self.known[name].members.get(user)
        return etag_for(etag, member.version if member else 1)

    def etag_of_team(self, name: str, found: str, etag: str) -> str:
        team = self.known[name].teams.get(found)
        return etag_for(etag, team.version if team else 1)


def email_of(user: str) -> str:
    return f"{user.removeprefix('users/usr_')}@example.com"


def test_whatever_people_do_the_store_and_the_model_agree(url: str) -> None:
    agrees(Everything, url, examples=EXAMPLES, steps=STEPS)
