from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as OtherCredentials

from tigertally.base.secret import SecretText
from tigertally.crypto.sigv4 import Credentials, signed


def test_the_published_signature() -> None:
    # Amazon S3 API reference, Authenticating Requests, "Example: GET Object".
    headers = signed(
        Credentials(key="AKIAIOSFODNN7EXAMPLE", secret=SecretText("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
        host="examplebucket.s3.amazonaws.com",
        path="/test.txt",
        query={},
        region="us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
        headers={"Range": "bytes=0-9"},
    )
    assert headers["authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize("session", ["", "invented-session/+="])
@pytest.mark.parametrize("body", [b"", b'{"KeyId":"alias/root"}'])
def test_another_implementation_signs_the_same(session: str, body: bytes) -> None:
    key, secret = "AKIAINVENTED", "invented/secret+words"
    given = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.Encrypt"}
    ours = signed(
        Credentials(key=key, secret=SecretText(secret), session=SecretText(session) if session else None),
        host="kms.eu-north-1.amazonaws.com",
        path="/",
        query={},
        region="eu-north-1",
        now=datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC),
        headers=given,
        service="kms",
        method="POST",
        body=body,
    )
    # Given the same headers, it must come to the same signature.
    told = {name: value for name, value in ours.items() if name not in ("authorization", "host")}
    request = AWSRequest("POST", "https://kms.eu-north-1.amazonaws.com/", headers=told, data=body)
    request.context["timestamp"] = ours["x-amz-date"]
    signer = SigV4Auth(OtherCredentials(key, secret, session or None), "kms", "eu-north-1")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert ours["authorization"].endswith(f"Signature={signature}")
