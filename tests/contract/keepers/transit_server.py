"""A server that speaks the Transit protocol, written from its public API documentation. Not a test itself.

Keys ``root`` and ``other`` exist, AES-256-GCM; the token is ``invented-token``. Behaviour under ``/-/set``:
``revoked``, ``deleted``, ``floor`` (min_decryption_version), ``rotate`` (to that version), ``exportable``, ``type``,
``lie`` (``key_name``, ``short``, ``other``, ``echo``).
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.contract.keepers.counterpart import Reply, State, serve

TOKEN = "invented-token"
KEYS = {(name, version): AESGCM(secrets.token_bytes(32)) for name in ("root", "other") for version in range(1, 5)}


def answer(state: State, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
    """Answer one request."""
    if headers.get("x-vault-token") != TOKEN or state.set.get("revoked"):
        return 403, {"errors": ["permission denied", f"token {headers.get('x-vault-token')}"]}
    if state.mode == "sealed":
        return 503, {"errors": ["Vault is sealed"]}
    asked: dict[str, Any] = json.loads(body) if body else {}
    match path.strip("/").split("/"):
        case ["v1", "transit", "keys", name] if method == "GET":
            return describe(state, name)
        case ["v1", "transit", "encrypt", name]:
            return encrypt(state, name, asked)
        case ["v1", "transit", "decrypt", name]:
            return decrypt(state, name, asked)
    return 404, {"errors": []}


def known(state: State, name: str) -> bool:
    return (name, 1) in KEYS and not state.set.get("deleted")


def describe(state: State, name: str) -> Reply:
    if not known(state, name):
        return 404, {"errors": []}
    data = {
        "name": "root-of-somebody" if state.set.get("lie") == "key_name" else name,
        "type": state.set.get("type", "aes256-gcm96"),
        "derived": False,
        "exportable": bool(state.set.get("exportable")),
        "allow_plaintext_backup": False,
        "latest_version": int(state.set.get("rotate", 1)),
    }
    return 200, {"data": data}


def encrypt(state: State, name: str, asked: dict[str, Any]) -> Reply:
    if not known(state, name):
        return 400, {"errors": ["encryption key not found"]}
    version = int(state.set.get("rotate", 1))
    nonce = secrets.token_bytes(12)
    plaintext, aad = (base64.b64decode(asked.get(part, "")) for part in ("plaintext", "associated_data"))
    sealed = nonce + KEYS[name, version].encrypt(nonce, plaintext, aad)
    text = f"vault:v{version}:{base64.b64encode(sealed).decode()}"
    if state.set.get("lie") in ("short", "key_name"):
        text = "vault:v1:"
    if state.set.get("lie") == "echo":
        text = asked["plaintext"]
    return 200, {"data": {"ciphertext": text, "key_version": version}}


def decrypt(state: State, name: str, asked: dict[str, Any]) -> Reply:  # noqa: PLR0911 - one way out per answer
    if not known(state, name):
        return 400, {"errors": ["encryption key not found"]}
    _, version, body = asked["ciphertext"].split(":")
    number = int(version[1:])
    if number < int(state.set.get("floor", 0)):
        return 400, {"errors": ["ciphertext or signature version is disallowed by policy (too old)"]}
    if number > int(state.set.get("rotate", 1)):
        return 400, {"errors": ["invalid ciphertext: version is too new"]}
    try:
        raw = base64.b64decode(body, validate=True)
        aad = base64.b64decode(asked.get("associated_data", ""))
        plaintext = KEYS[name, number].decrypt(raw[:12], raw[12:], aad)
    except binascii.Error:
        return 400, {"errors": ["invalid ciphertext: could not decode base64"]}
    except InvalidTag:
        return 400, {"errors": ["cipher: message authentication failed"]}
    match state.set.get("lie"):
        case "short":
            plaintext = plaintext[:5]
        case "other":
            plaintext = secrets.token_bytes(len(plaintext))
        case "key_name":
            return 200, {"data": {"other": "thing"}}
    return 200, {"data": {"plaintext": base64.b64encode(plaintext).decode()}}


if __name__ == "__main__":
    serve(answer)
