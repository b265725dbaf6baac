"""Access tokens that are none: the table of attacks on JSON Web Tokens, for whoever signs and whenever it is.

Every verifier is held against it by `test_every_verifier.py`. What takes more than a text to be an attack stands elsewhere:
a retired key in `tests/unit/chassis/test_tokens.py`, an ended session and another organization in the message in
`tests/generated/test_authorization.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from services.chassis.tokens import ACCESS, LEEWAY_S, MAX_LENGTH, SERVICE

ALGORITHMS = ("none", "None", "NONE", "", "HS256", "ES384", "RS256", None)
OTHER_CURVE = "k384"
"""The name of a key on P-384 that verifiers know too."""
BEYOND_S = LEEWAY_S + 60
"""Further away than clocks may differ, and than a run of the table takes."""
NEXT_LETTER = dict(zip("AQgw", "BRhx", strict=True))
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True)
class Signer:
    """Whoever signs good tokens, and when: what every attack is made from."""

    key: ECKey
    issuer: str
    audience: str
    now_s: int

    @property
    def header(self) -> dict[str, Any]:
        """The header of a good token."""
        return {"alg": "ES256", "typ": ACCESS, "kid": self.key.kid}

    @cached_property
    def claims(self) -> dict[str, Any]:
        """What a good token says."""
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "users/usr_ada",
            "session": "users/usr_ada/sessions/ses_1",
            "organization": "organizations/org_acme",
            "permissions": ["users.list"],
            "iat": self.now_s,
            "exp": self.now_s + 300,
        }

    def without(self, *names: str) -> dict[str, Any]:
        """Return the claims without some."""
        return {name: value for name, value in self.claims.items() if name not in names}

    def token(
        self,
        header: Any = None,
        claims: Any = None,
        *,
        key: ECKey | None = None,
        signature: Callable[[str], bytes] | None = None,
        **changed: Any,
    ) -> str:
        """Return a token, with any part replaced. A header or claims that are bytes are taken as they are."""
        header = self.header if header is None else header
        claims = {**self.claims, **changed} if claims is None else claims
        parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
        content = ".".join(b64(part) for part in parts)
        return f"{content}.{b64((signature or (lambda text: raw(text, key or self.key)))(content))}"

    def der(self, content: str) -> bytes:
        """Return a signature as ASN.1."""
        return der(content, self.key)


def b64(data: bytes) -> str:
    """Return base64url as JOSE writes it."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def der(content: str, key: ECKey) -> bytes:
    """Return a signature as ASN.1."""
    private = key.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.sign(content.encode(), ec.ECDSA(SHA256()))


def raw(content: str, key: ECKey) -> bytes:
    """Return a signature as JWS wants it."""
    r, s = decode_dss_signature(der(content, key))
    return r.to_bytes(32) + s.to_bytes(32)


def by_hmac(secret: bytes) -> Callable[[str], bytes]:
    """Sign with the public key as if it were a shared secret."""
    return lambda content: hmac.digest(secret, content.encode(), "sha256") * 2


def doubled(document: dict[str, Any], name: str, value: Any) -> bytes:
    """Return JSON that says `name` twice."""
    return (json.dumps(document)[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}").encode()


def attacks(signer: Signer) -> dict[str, str]:
    """Return every attack by its name, as if somebody had made it out of a signer's good tokens."""
    foreign = ECKey.generate_key("P-256", {"kid": str(signer.key.kid)})
    return {
        **_on_algorithms(signer),
        **_on_keys(signer, foreign),
        **_on_signatures(signer, foreign),
        **_of_another_kind(signer),
        **_on_times(signer),
        **_on_claims(signer),
        **_on_the_form(signer, foreign),
    }


def _on_algorithms(signer: Signer) -> dict[str, str]:
    header, kid = signer.header, signer.key.kid
    public = signer.key.as_dict(private=False)
    return {
        **{f"alg {alg!r}": signer.token({**header, "alg": alg}) for alg in ALGORITHMS},
        "alg missing": signer.token({"typ": ACCESS, "kid": kid}),
        "alg none without a signature": signer.token({**header, "alg": "none"}, signature=lambda _: b""),
        "hs256 by pem": signer.token({**header, "alg": "HS256"}, signature=by_hmac(signer.key.as_pem(private=False))),
        "hs256 by der": signer.token({**header, "alg": "HS256"}, signature=by_hmac(signer.key.as_der(private=False))),
        "hs256 by jwk": signer.token({**header, "alg": "HS256"}, signature=by_hmac(json.dumps(public).encode())),
        "crit": signer.token({**header, "crit": ["exp"], "exp": 1}),
        "crit empty": signer.token({**header, "crit": []}),
    }


def _on_keys(signer: Signer, foreign: ECKey) -> dict[str, str]:
    header, kid = signer.header, signer.key.kid
    return {
        "jwk in the header": signer.token({**header, "jwk": foreign.as_dict(private=False)}, key=foreign),
        "jku in the header": signer.token({**header, "jku": "https://evil.test/jwks"}, key=foreign),
        "x5u in the header": signer.token({**header, "x5u": "https://evil.test/cert"}, key=foreign),
        "x5c in the header": signer.token({**header, "x5c": ["MIIB"]}, key=foreign),
        "kid traverses paths": signer.token({**header, "kid": "../../dev/null"}),
        "kid is sql": signer.token({**header, "kid": f"{kid}' OR '1'='1"}),
        "kid of 1 MB": signer.token({**header, "kid": "k" * 1_000_000}),
        "kid unknown": signer.token({**header, "kid": "k9"}),
        "kid missing": signer.token({"alg": "ES256", "typ": ACCESS}),
        "kid is a list": signer.token({**header, "kid": [kid]}),
        "kid is an object": signer.token({**header, "kid": {kid: kid}}),
        "kid of another curve": signer.token({**header, "kid": OTHER_CURVE}),
    }


def _on_signatures(signer: Signer, foreign: ECKey) -> dict[str, str]:
    claims, good = signer.claims, signer.token()
    head, middle, signature = good.split(".")
    return {
        "r = s = 0": signer.token(signature=lambda _: bytes(64)),
        "r = s = n": signer.token(signature=lambda _: N.to_bytes(32) * 2),
        "signature as asn.1": signer.token(signature=signer.der),
        "signature truncated": good[:-10],
        "signature missing": f"{head}.{middle}.",
        "signature of another token": f"{head}.{middle}.{signer.token(sub='users/usr_eve').split('.')[2]}",
        "key of another issuer": signer.token(key=foreign),
        "claims altered": f"{head}.{b64(json.dumps({**claims, 'sub': 'users/usr_eve'}).encode())}.{signature}",
    }


def _of_another_kind(signer: Signer) -> dict[str, str]:
    header, kid = signer.header, signer.key.kid
    return {
        "id token": signer.token({**header, "typ": "JWT"}),
        "typ missing": signer.token({"alg": "ES256", "kid": kid}),
        "typ in capitals": signer.token({**header, "typ": "AT+JWT"}),
        "service token": signer.token({**header, "typ": SERVICE}),
        "refresh token": "trr_ses_1.1.AAAA",
        "aud wrong": signer.token(aud="other"),
        "aud a list": signer.token(aud=[signer.audience]),
        "aud longer": signer.token(aud=f"{signer.audience} other"),
        "aud missing": signer.token(claims=signer.without("aud")),
        "iss wrong": signer.token(iss="https://evil.test"),
        "iss with a slash": signer.token(iss=f"{signer.issuer}/"),
        "iss in capitals": signer.token(iss=signer.issuer.upper()),
        "iss a list": signer.token(iss=[signer.issuer]),
        "iss missing": signer.token(claims=signer.without("iss")),
    }


def _on_times(signer: Signer) -> dict[str, str]:
    claims, now_s = signer.claims, signer.now_s
    return {
        "nbf in the future": signer.token(nbf=now_s + BEYOND_S),
        "nbf a text": signer.token(nbf="now"),
        "iat in the future": signer.token(iat=now_s + BEYOND_S),
        "iat missing": signer.token(claims=signer.without("iat")),
        "expired": signer.token(exp=now_s - BEYOND_S),
        "exp a fraction": signer.token(exp=now_s + 300.5),
        "exp huge": signer.token(exp=1 << 62),
        "exp infinite": signer.token(claims=json.dumps({**claims, "exp": float("inf")}).encode()),
        "exp negative": signer.token(exp=-1),
        "exp a text": signer.token(exp=str(now_s + 300)),
        "exp true": signer.token(exp=True),
        "exp null": signer.token(exp=None),
        "exp missing": signer.token(claims=signer.without("exp")),
    }


def _on_claims(signer: Signer) -> dict[str, str]:
    header, claims, kid = signer.header, signer.claims, signer.key.kid
    return {
        "sub missing": signer.token(claims=signer.without("sub")),
        "sub a number": signer.token(sub=1),
        "permissions a text": signer.token(permissions="users.list"),
        "permissions of objects": signer.token(permissions=[{"users.list": True}]),
        "grants a list": signer.token(grants=["organizations/org_acme"]),
        "grants of texts": signer.token(grants={"organizations/org_acme": "users.list"}),
        "grants of objects": signer.token(grants={"organizations/org_acme": [{"users.list": True}]}),
        "claims twice": signer.token(claims=doubled(claims, "sub", "users/usr_eve")),
        "header twice": signer.token(header=doubled(header, "kid", kid)),
        "claims a list": signer.token(claims=[claims]),
        "claims a text": signer.token(claims="users/usr_ada"),
        "claims no json": signer.token(claims=b"\xff\xfe"),
        "claims nested without end": signer.token(claims=b"[" * 4000),
    }


def _on_the_form(signer: Signer, foreign: ECKey) -> dict[str, str]:
    header, good = signer.header, signer.token()
    head, middle, signature = good.split(".")
    return {
        "header a list": signer.token(header=[header]),
        "header null": signer.token(header=b"null"),
        "header no json": signer.token(header=b"{"),
        "header no text": signer.token(header=b"\xff"),
        "header nested without end": signer.token(header=b"[" * 5500),
        "zip": signer.token({**header, "zip": "DEF"}, key=foreign),
        "of 3 MB": signer.token(sub="u" * 3_000_000),
        "just too long": good + "A" * (MAX_LENGTH + 1 - len(good)),
        "five segments": f"{good}.AAAA.AAAA",
        "two segments": f"{head}.{middle}",
        "trailing bits": good[:-1] + NEXT_LETTER[good[-1]],
        "padded": f"{good}==",
        "padded within": f"{head}=.{middle}.{signature}",
        "space before": f" {good}",
        "line after": f"{good}\n",
        "line within": f"{head}.{middle[:8]}\n{middle[8:]}.{signature}",
        "the other alphabet": f"{head}.{middle}.{'+' + signature[1:]}",
        "no ascii": f"{head}.{middle}.é{signature[1:]}",
        "nul": f"{head}.{middle}.{signature}\0",
        "empty": "",
        "dots": "..",
        "garbage": hashlib.sha256(b"garbage").hexdigest(),
    }


NAMES = [*attacks(Signer(ECKey.generate_key("P-256", {"kid": "k1"}), "https://auth.test", "trellis", 0))]
"""The name of every attack."""
