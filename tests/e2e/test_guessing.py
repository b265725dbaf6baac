"""A thousand guesses stay inside the limits, whatever they are about, and the owner notices nothing."""

from __future__ import annotations

import http.client
import itertools
import json
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.client import PASSWORD, Answer, Person, mails_to, new_email, sign_up, verification_of
from tests.e2e.platform import Platform, eventually
from trellis.policies import POLICIES

GUESSES = 1000
PER_ADDRESS = 20
"""Fewer than the edge lets through of one address in a minute: what is refused is refused by the service."""
SIGN_IN, RESET, VERIFY = "/v1/auth:signIn", "/v1/auth:resetPassword", "/v1/auth:verifyEmail"
ASK_RESET = "/v1/auth:requestPasswordReset"
WRONG_PASSWORD, LIMITED = (401, "CREDENTIALS_INVALID"), (429, "RATE_LIMITED")
OVERLOADED = (429, "OVERLOADED")
_hosts = itertools.count(1)


def addresses() -> Iterator[str]:
    """Return addresses of this machine from which nobody has called."""
    for number in _hosts:
        yield f"127.{10 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"


def post(platform: Platform, path: str, body: dict[str, str], address: str) -> Answer:
    """Post from an address."""
    edge = urllib.parse.urlsplit(platform.rest)
    connection = http.client.HTTPConnection(edge.hostname or "", edge.port, timeout=15, source_address=(address, 0))
    try:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def guess(platform: Platform, path: str, bodies: list[dict[str, str]], per_address: int) -> list[Answer]:
    """Send all bodies, a few from each address, several at once."""
    source = addresses()
    origins = [address for address in itertools.islice(source, -(-len(bodies) // per_address)) for _ in range(per_address)]
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda sent: post(platform, path, *sent), zip(bodies, origins, strict=False)))


def passwords(email: str, count: int) -> list[dict[str, str]]:
    return [{"email": email, "password": f"a guess like many others {number}"} for number in range(count)]


def burst(rpc: str, bucket: str) -> int:
    """Return what the contract lets through at once."""
    limit = POLICIES[f"/trellis.auth.v1.AuthService/{rpc}"].guesses
    return int(getattr(limit, bucket).burst)


def test_a_thousand_guesses_of_a_password_from_everywhere(platform: Platform, ada: Person) -> None:
    answers = guess(platform, SIGN_IN, passwords(ada.email, GUESSES), PER_ADDRESS)

    found = Counter(answer.verdict for answer in answers)
    assert set(found) <= {WRONG_PASSWORD, LIMITED, OVERLOADED}
    assert 0 < found[WRONG_PASSWORD] <= burst("SignIn", "by_strangers") + 1
    refused = next(answer for answer in answers if answer.verdict == LIMITED)
    assert "google.rpc.RetryInfo" in refused.body.decode()
    ada.sign_in(ada.organization)
    right = post(platform, SIGN_IN, {"email": ada.email, "password": ada.password}, next(addresses()))
    assert right.verdict == LIMITED, "a stranger is not let in, not even with the right password"


def test_the_owner_gets_in_at_a_new_address_by_mail(platform: Platform, ada: Person) -> None:
    """While strangers are shut out: what the test before left behind."""
    here = next(addresses())
    assert post(platform, SIGN_IN, {"email": ada.email, "password": ada.password}, here).verdict == LIMITED
    known = len(mails_to(platform.mail, ada.email))
    assert post(platform, ASK_RESET, {"email": ada.email}, here).status == 200
    mail = eventually(lambda: mails_to(platform.mail, ada.email)[known:])[-1]
    ada.password = "another one, long enough 8"
    form = {"token": mail["text"].partition("Token:\n")[2].split()[0], "newPassword": ada.password}

    assert post(platform, RESET, form, here).status == 200

    again = post(platform, SIGN_IN, {"email": ada.email, "password": ada.password}, here)
    assert again.status == 200
    ada.tokens = again.json
    assert ada.switch(ada.organization).status == 200


def test_who_verifies_an_address_gets_in_there_whatever_strangers_guessed_before(platform: Platform) -> None:
    email, here = new_email(), next(addresses())
    token = verification_of(platform.rest, platform.mail, "New", email)
    guess(platform, SIGN_IN, passwords(email, 2 * burst("SignIn", "by_strangers")), 1)

    assert post(platform, VERIFY, {"token": token, "password": PASSWORD}, here).status == 200

    form = {"email": email, "password": PASSWORD}
    assert post(platform, SIGN_IN, form, next(addresses())).verdict == LIMITED
    assert post(platform, SIGN_IN, form, here).status == 200


def test_one_address_gets_few_mails_and_everybody_the_same_answer(platform: Platform) -> None:
    email = sign_up(platform.rest, platform.mail).email
    answers = [post(platform, ASK_RESET, {"email": email}, next(addresses())).status for _ in range(20)]
    eventually(lambda: len(mails_to(platform.mail, email)) == 10)
    last = new_email()
    verification_of(platform.rest, platform.mail, "Last", last)  # events are taken in turn: all before it are done

    assert answers == [200] * 20
    assert len(mails_to(platform.mail, email)) == 10


@pytest.mark.parametrize(("rpc", "path"), [("VerifyEmail", VERIFY), ("ResetPassword", RESET)])
def test_a_thousand_guesses_of_a_link(rpc: str, path: str, platform: Platform, ada: Person) -> None:
    prefix = {VERIFY: "vrf_sup_01.", RESET: f"rst_{ada.name.removeprefix('users/')}.99999999999."}[path]
    field = {VERIFY: "password", RESET: "newPassword"}[path]
    forms = [{"token": f"{prefix}{number:043d}", field: "long enough and not common 9"} for number in range(GUESSES)]

    found = Counter(answer.verdict for answer in guess(platform, path, forms, GUESSES))

    assert set(found) <= {(400, "VERIFICATION_INVALID"), (400, "RESET_INVALID"), LIMITED}
    assert 0 < found.total() - found[LIMITED] <= burst(rpc, "by_address") + 1


def test_what_strangers_are_answered_does_not_tell_who_has_an_account(platform: Platform, eve: Person) -> None:
    eve.sign_in()
    count = 2 * burst("SignIn", "by_strangers")
    known = guess(platform, SIGN_IN, passwords(eve.email, count), 1)
    unknown = guess(platform, SIGN_IN, passwords(new_email(), count), 1)

    verdicts = [Counter(answer.verdict for answer in answers) for answers in (known, unknown)]
    assert verdicts[0] == verdicts[1]
    assert told(known) == told(unknown)
    assert len(told(known)) == 1


def told(answers: list[Answer]) -> set[str]:
    """Return what wrong guesses are answered, without the numbers of the calls."""
    said = [answer.json for answer in answers if answer.verdict == WRONG_PASSWORD]
    return {json.dumps([body["message"], *(d for d in body["details"] if "requestId" not in d)]) for body in said}
