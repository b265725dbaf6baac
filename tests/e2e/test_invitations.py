"""Ways into an organization: by the link of a mail, and by the domain of an address."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dns_server import DnsServer, dns_server
from tests.e2e.client import Person, Rest, new_email, sign_up, token_in_mail
from tests.e2e.platform import Platform, eventually, free_base


@pytest.fixture(scope="module")
def name_server() -> Iterator[DnsServer]:
    """DNS as these tests need it."""
    with dns_server() as running:
        yield running


@pytest.fixture(scope="module")
def platform(name_server: DnsServer) -> Iterator[Platform]:
    """A platform that asks that name server."""
    home = Path(tempfile.mkdtemp(prefix="trellis-e2e-"))
    home.chmod(0o755)
    running = Platform(home, free_base(), (("TRELLIS_DNS_SERVERS", name_server.address),))
    running.up()
    try:
        yield running
    finally:
        running.down()
        shutil.rmtree(home, ignore_errors=True)


def invited(platform: Platform, owner: Person, email: str, role: str = "ROLE_MEMBER") -> tuple[dict[str, Any], str]:
    """Invite by REST; the invitation and the token that the mail brings."""
    path = f"/v1/{owner.organization}/invitations"
    invitation = owner.rest.ok("POST", path, {"email": email, "role": role})
    return invitation, token_in_mail(platform.mail, email, "inv_")


def test_a_stranger_is_invited_signs_up_accepts_and_gets_a_token(platform: Platform, ada: Person) -> None:
    email = new_email()
    invitation, token = invited(platform, ada, email, "ROLE_ADMIN")
    preview = Rest(platform.rest).ok("POST", "/v1/invitations:preview", {"token": token})
    assert (preview["organizationDisplayName"], preview["role"]) == ("Acme", "ROLE_ADMIN")

    dora = sign_up(platform.rest, platform.mail, "Dora", email=email)
    membership = dora.rest.ok("POST", "/v1/invitations:accept", {"token": token})

    assert (membership["user"], membership["role"]) == (dora.name, "ROLE_ADMIN")
    assert dora.switch(ada.organization).status == 200
    assert "invitations.create" in dora.tokens["permissions"]
    assert dora.rest.ok("GET", f"/v1/{invitation['name']}")["state"] == "STATE_ACCEPTED"
    assert dora.rest.ok("POST", "/v1/invitations:accept", {"token": token}) == membership
    assert Rest(platform.rest).post("/v1/invitations:preview", {"token": token}).verdict == (400, "INVITATION_INVALID")


def test_a_forwarded_link_opens_nothing_to_others(platform: Platform, ada: Person, eve: Person) -> None:
    _, token = invited(platform, ada, new_email())

    refused = eve.rest.post("/v1/invitations:accept", {"token": token})

    assert refused.verdict == (403, "INVITATION_FOR_ANOTHER_ADDRESS")
    assert b"@example.com" not in refused.body
    assert eve.switch(ada.organization).verdict == (403, "NOT_A_MEMBER")
    eve.sign_in()


def test_a_revoked_link_is_over_and_a_declined_one_too(platform: Platform, ada: Person) -> None:
    rest = Rest(platform.rest)
    revoked, first = invited(platform, ada, new_email())
    ada.rest.ok("POST", f"/v1/{revoked['name']}:revoke", {})
    declined, second = invited(platform, ada, new_email())

    assert rest.post("/v1/invitations:decline", {"token": first}).verdict == (400, "INVITATION_INVALID")
    assert rest.ok("POST", "/v1/invitations:decline", {"token": second})["state"] == "STATE_DECLINED"
    listed = ada.rest.ok("GET", f"/v1/{ada.organization}/invitations?orderBy=create_time%20desc")["invitations"]
    states = {each["name"]: each["state"] for each in listed}
    assert (states[revoked["name"]], states[declined["name"]]) == ("STATE_REVOKED", "STATE_DECLINED")


def test_sent_again_it_is_the_same_link(platform: Platform, ada: Person) -> None:
    email = new_email()
    invitation, token = invited(platform, ada, email)

    ada.rest.ok("POST", f"/v1/{invitation['name']}:resend", {})

    def both() -> list[Path]:
        found = [path for path in platform.mail.glob("*.json") if email in path.read_text()]
        return found if len(found) == 2 else []

    assert len(eventually(both)) == 2
    assert token_in_mail(platform.mail, email, "inv_") == token


def test_a_member_leaves_and_gets_no_further_token(platform: Platform, ada: Person) -> None:
    email = new_email()
    _, token = invited(platform, ada, email)
    finn = sign_up(platform.rest, platform.mail, "Finn", email=email)
    finn.rest.ok("POST", "/v1/invitations:accept", {"token": token})
    finn.switch(ada.organization)

    finn.rest.ok("POST", f"/v1/{ada.organization}:leave", {})

    assert finn.refresh().verdict == (403, "NOT_A_MEMBER")
    again = Person(finn.base, finn.email, finn.sign_in(), finn.mail)
    assert again.rest.post("/v1/invitations:accept", {"token": token}).verdict == (400, "INVITATION_INVALID")


def test_a_proven_domain_captures_whoever_signs_up_there(platform: Platform, name_server: DnsServer, ada: Person) -> None:
    hostname = f"{uuid.uuid4().hex[:12]}.example"
    path = f"/v1/{ada.organization}/domains"
    domain = ada.rest.ok("POST", f"{path}?domainId={hostname.upper()}", {"capture": True})
    assert domain["name"] == f"{ada.organization}/domains/{hostname}"
    early = sign_up(platform.rest, platform.mail, "Early", email=f"early@{hostname}")
    early.rest.ok("GET", "/v1/users/me")
    verify = ada.rest.post(f"/v1/{domain['name']}:verify", {})
    assert verify.verdict == (400, "DOMAIN_NOT_VERIFIED")

    name_server.aliases[domain["txtRecordName"]] = f"proof.{hostname}"
    name_server.texts[f"proof.{hostname}"] = ["v=spf1 -all", domain["txtRecordValue"]]
    assert ada.rest.ok("POST", f"/v1/{domain['name']}:verify", {})["state"] == "STATE_VERIFIED"
    late = sign_up(platform.rest, platform.mail, "Late", email=f"late@{hostname}")

    eventually(lambda: late.switch(ada.organization).status == 200)
    assert "memberships.create" not in late.tokens["permissions"]
    assert early.switch(ada.organization).verdict == (403, "NOT_A_MEMBER")
    name_server.silent.add(domain["txtRecordName"])
    silence = ada.rest.post(f"/v1/{domain['name']}:verify", {})
    assert silence.verdict == (503, "DOMAIN_LOOKUP_FAILED")
    ada.rest.ok("DELETE", f"/v1/{domain['name']}")


def test_a_thousand_guesses_stay_within_the_limit(platform: Platform, ada: Person) -> None:
    _, token = invited(platform, ada, new_email())
    door, known = Rest(platform.rest), token[:-4]

    verdicts = [door.post("/v1/invitations:preview", {"token": f"{known}{guess:04}"}).verdict for guess in range(1000)]

    answered = verdicts.count((400, "INVITATION_INVALID"))
    assert answered + verdicts.count((429, "RATE_LIMITED")) == 1000
    assert answered <= 60
