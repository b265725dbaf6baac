"""PersonalDataService.GetErasureCertificate."""

from __future__ import annotations

import base64
import json

from grpc import StatusCode
from joserfc import jws
from joserfc.jwk import KeySet

from tests.component.refusals import refusal
from tests.component.user.conftest import BOB, auth_answers, stamp
from tests.conftest import Time
from tests.fakes.user_process import UserProcess
from trellis.user.v1 import personal_data_service_pb2 as rpc


async def get(service: UserProcess, operation: str) -> rpc.ErasureCertificate:
    name = operation.replace("operations/", "erasureCertificates/")
    return await service.personal_data.GetErasureCertificate(rpc.GetErasureCertificateRequest(name=name))


async def test_anybody_verifies_it_offline(service: UserProcess, erasing: str, time: Time) -> None:
    await auth_answers(service, erasing, erased=True)

    found = await get(service, erasing)

    published = await service.personal_data.GetErasureKeys(rpc.GetErasureKeysRequest())
    keys = KeySet.import_key_set(json.loads(published.data))
    opened = jws.deserialize_compact(found.certificate, keys, algorithms=["ES256"])
    claims = json.loads(opened.payload)
    assert (found.user, found.create_time) == (BOB, stamp(time))
    assert opened.headers() == {"alg": "ES256", "typ": "erasure-certificate+jwt", "kid": keys.keys[0].kid}
    assert {name: claims[name] for name in ("iss", "sub", "jti", "iat")} == {
        "iss": "trellis.user",
        "sub": BOB,
        "jti": found.name,
        "iat": int(time().timestamp()),
    }


async def test_it_says_what_each_service_erased_and_kept_and_why(service: UserProcess, erasing: str) -> None:
    await auth_answers(service, erasing, erased=True)

    payload = (await get(service, erasing)).certificate.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    assert claims["services"]["auth"]["erased"] == [
        {
            "record": "trellis.auth.v1.AccountRecord",
            "count": 1,
            "personal_fields": ["email"],
            "secret_fields": [],
        }
    ]
    user = claims["services"]["user"]
    assert {each["record"]: each["count"] for each in user["erased"]} == {
        "trellis.user.v1.Membership": 1,
        "trellis.user.v1.User": 1,
    }
    kept = {each["record"]: each["end_time"] for each in user["kept"]}
    assert kept == {
        "events": "2026-01-09T12:00:00+00:00",
        "dead letters": "2026-02-01T12:00:00+00:00",
        "first answers": "2026-01-03T12:00:00+00:00",
        "user name": None,
    }
    assert all(each["reason"] for each in user["kept"])


async def test_while_it_runs_it_says_who_is_missing(service: UserProcess, erasing: str) -> None:
    await service.parts.run()

    refused = await refusal(get(service, erasing))

    assert (refused.code, refused.reason, refused.metadata) == (
        StatusCode.FAILED_PRECONDITION,
        "ERASURE_RUNNING",
        {"waiting_for": "services/auth"},
    )


async def test_another_operation_has_none(service: UserProcess, exporting: str) -> None:
    refused = await refusal(get(service, exporting))

    assert (refused.code, refused.reason) == (StatusCode.NOT_FOUND, "ERASURE_CERTIFICATE_NOT_FOUND")
    assert (await refusal(get(service, "operations/op_none"))).reason == "ERASURE_CERTIFICATE_NOT_FOUND"
