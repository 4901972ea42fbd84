"""A server that speaks the AWS KMS protocol, written from its public API reference. Not a test itself.

Signatures are checked by another implementation than ours. Two symmetric keys exist, :data:`ROOT` and :data:`OTHER`.
Behaviour under ``/-/set``: ``revoked``, ``disabled``, ``pending`` (deletion), ``rotate`` (to that backing key), ``lie``
(``key_name``, ``short``, ``other``).
"""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.contract.keepers.counterpart import Reply, State, serve

ACCESS, SECRET, REGION = "AKIAINVENTED", "invented/secret+words", "eu-north-1"
PREFIX = f"arn:aws:kms:{REGION}:000000000000:key/"
ROOT, OTHER = (f"{PREFIX}00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
BACKING = {(arn, turn): AESGCM(secrets.token_bytes(32)) for arn in (ROOT, OTHER) for turn in (1, 2)}


def answer(state: State, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:  # noqa: PLR0911 - per answer
    """Answer one request."""
    if state.mode == "sealed":
        return 503, wrong("KeyUnavailableException")
    if state.set.get("revoked"):
        return 400, wrong("UnrecognizedClientException", f"The security token {ACCESS} is invalid")
    if (method, path) != ("POST", "/") or not signed(headers, body):
        return 400, wrong("InvalidSignatureException", headers.get("authorization", ""))
    asked: dict[str, Any] = json.loads(body)
    arn = asked["KeyId"] if asked["KeyId"].startswith("arn:") else PREFIX + asked["KeyId"]
    if arn not in (ROOT, OTHER):
        return 400, wrong("NotFoundException")
    operation = headers["x-amz-target"]
    if operation == "TrentService.DescribeKey":
        return describe(state, arn)
    if state.set.get("disabled"):
        return 400, wrong("DisabledException", f"{arn} is disabled.")
    if state.set.get("pending"):
        return 400, wrong("KMSInvalidStateException", f"{arn} is pending deletion.")
    return encrypt(state, arn, asked) if operation == "TrentService.Encrypt" else decrypt(state, arn, asked)


def wrong(name: str, message: str = "") -> dict[str, Any]:
    return {"__type": name, "message": message}


def signed(headers: dict[str, str], body: bytes) -> bool:
    """Whether the request is signed by whom we know, over all that matters."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    names = parts.get("SignedHeaders", "").split(";")
    scope = f"{headers.get('x-amz-date', '')[:8]}/{REGION}/kms/aws4_request"
    if scheme != "AWS4-HMAC-SHA256" or parts.get("Credential") != f"{ACCESS}/{scope}":
        return False
    if not {"host", "x-amz-date", "x-amz-target", "content-type"} <= set(names):
        return False
    told = {name: headers[name] for name in names if name != "host"}
    request = AWSRequest("POST", f"http://{headers['host']}/", headers=told, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS, SECRET), "kms", REGION)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return bool(signer.signature(text, request) == parts.get("Signature"))


def describe(state: State, arn: str) -> Reply:
    told = "Disabled" if state.set.get("disabled") else "PendingDeletion" if state.set.get("pending") else "Enabled"
    spec = state.set.get("spec", "SYMMETRIC_DEFAULT")
    shown = OTHER if state.set.get("lie") == "key_name" else arn
    return 200, {"KeyMetadata": {"Arn": shown, "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": spec, "KeyState": told}}


def context_of(asked: dict[str, Any]) -> bytes:
    return json.dumps(asked.get("EncryptionContext", {}), sort_keys=True).encode()


def encrypt(state: State, arn: str, asked: dict[str, Any]) -> Reply:
    turn = int(state.set.get("rotate", 1))
    nonce = secrets.token_bytes(12)
    sealed = BACKING[arn, turn].encrypt(nonce, base64.b64decode(asked["Plaintext"]), context_of(asked))
    blob = bytes([turn]) + nonce + sealed
    if state.set.get("lie") == "short":
        blob = b""
    shown = OTHER if state.set.get("lie") == "key_name" else arn
    return 200, {"CiphertextBlob": base64.b64encode(blob).decode(), "KeyId": shown}


def decrypt(state: State, arn: str, asked: dict[str, Any]) -> Reply:
    blob = base64.b64decode(asked["CiphertextBlob"])
    try:
        plaintext = BACKING[arn, blob[0]].decrypt(blob[1:13], blob[13:], context_of(asked))
    except (InvalidTag, KeyError, IndexError, ValueError):
        return 400, wrong("InvalidCiphertextException")
    match state.set.get("lie"):
        case "short":
            plaintext = plaintext[:5]
        case "other":
            plaintext = secrets.token_bytes(len(plaintext))
    shown = OTHER if state.set.get("lie") == "key_name" else arn
    return 200, {"Plaintext": base64.b64encode(plaintext).decode(), "KeyId": shown}


if __name__ == "__main__":
    serve(answer)
