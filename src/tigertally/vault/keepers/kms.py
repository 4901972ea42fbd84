"""The root key in a cloud's key service that speaks the AWS KMS protocol.

Source: AWS KMS API reference, operations Encrypt, Decrypt and DescribeKey: JSON 1.1 over ``POST /``, the operation in
``X-Amz-Target``, requests signed by Signature Version 4 (``crypto.sigv4``), errors by ``__type``.

Invariants: the key is named by its ARN or its id, never by an alias, which somebody may point elsewhere; an answer that
names another key is not believed; every key is bound to its place twice, by the encryption context and by us
(``keepers.held``); the context, which the service's own log shows in clear, is a digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import sigv4
from tigertally.crypto.errors import DecryptionFailed
from tigertally.crypto.sigv4 import Credentials
from tigertally.formats.shape import from_b64, to_b64
from tigertally.vault.errors import BadKeeper, KeeperDenies, KeeperKeyUnusable, KeeperNotBelieved, KeeperUnavailable
from tigertally.vault.keepers import held
from tigertally.vault.keepers.held import Kind
from tigertally.vault.keepers.remote import TIMEOUT_S, Answer, Line

CIPHERTEXT_BYTES_MAX: Final = 6144
_ALGORITHM: Final = "SYMMETRIC_DEFAULT"
_REGION: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_KEY: Final = re.compile(r"(?:arn:[a-z-]{1,20}:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/)?[0-9A-Za-z-]{8,64}")
_ACCESS: Final = re.compile(r"[0-9A-Za-z_]{8,128}")
_SECRET: Final = re.compile(r"[!-9;-~]{8,128}")
_SESSION: Final = re.compile(r"[!-9;-~]{1,8192}")
_DENIES: Final = {
    "AccessDeniedException": "forbidden",
    "UnrecognizedClientException": "credential_unknown",
    "InvalidClientTokenId": "credential_unknown",
    "MissingAuthenticationTokenException": "credential_unknown",
    "InvalidSignatureException": "signature",
    "IncompleteSignatureException": "signature",
    "SignatureDoesNotMatch": "signature",
    "ExpiredTokenException": "credential_expired",
}
_UNUSABLE: Final = {
    "DisabledException": "disabled",
    "KMSInvalidStateException": "key_state",
    "NotFoundException": "no_such_key",
    "InvalidKeyUsageException": "key_type",
    "InvalidArnException": "no_such_key",
}
_DOES_NOT_OPEN: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class Kms:
    """A keeper behind ``address``: ``key`` in ``region``. ``secret`` is ``ACCESS_KEY_ID:SECRET[:SESSION_TOKEN]``."""

    __slots__ = ("_credentials", "_key", "_line", "_now", "_region", "key_id")

    def __init__(
        self,
        *,
        region: str,
        key: str,
        secret: SecretText,
        now: Callable[[], datetime],
        address: str = "",
        ca: Path | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        if not _REGION.fullmatch(region):
            raise BadKeeper(what="region")
        if not _KEY.fullmatch(key):
            raise BadKeeper(what="key")
        self._line = Line(address or f"https://kms.{region}.amazonaws.com", ca=ca, timeout_s=timeout_s)
        self._region, self._key, self._now = region, key, now
        self._credentials: Credentials | None = _credentials(secret)
        self.key_id = held.key_id_of(Kind.KMS, key.rpartition("/")[2])

    def __repr__(self) -> str:
        return "<kms keeper>"

    def check(self) -> None:
        """Raise unless the key is enabled and wraps. Needs ``kms:DescribeKey``, and for nothing else."""
        told = self._ask("DescribeKey", {"KeyId": self._key}).get("KeyMetadata")
        if not isinstance(told, dict) or not self._is_ours(told.get("Arn")):
            raise KeeperNotBelieved(reason="key_name")
        if told.get("KeyUsage") != "ENCRYPT_DECRYPT" or told.get("KeySpec") != _ALGORITHM:
            raise KeeperKeyUnusable(reason="key_type")
        if told.get("KeyState") != "Enabled":
            raise KeeperKeyUnusable(reason="disabled" if told.get("KeyState") == "Disabled" else "key_state")

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` as the service wraps it. Raises ``KeeperUnavailable`` and its like."""
        told = self._ask("Encrypt", {"Plaintext": to_b64(key.expose()), **self._place(aad)})
        sealed = _bytes_of(told, "CiphertextBlob")
        if not self._is_ours(told.get("KeyId")):
            raise KeeperNotBelieved(reason="key_name")
        if not 0 < len(sealed) <= CIPHERTEXT_BYTES_MAX:
            raise KeeperNotBelieved(reason="ciphertext")
        return held.store(key, aad, kind=Kind.KMS, key_id=self.key_id, sealed=sealed)

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the wrapped key; ``DecryptionFailed`` for another root key, another place, altered bytes."""
        found = held.read(wrapped, kind=Kind.KMS, key_id=self.key_id)
        told = self._ask("Decrypt", {"CiphertextBlob": to_b64(found.sealed), **self._place(aad)})
        if not self._is_ours(told.get("KeyId")):
            raise KeeperNotBelieved(reason="key_name")
        return held.verified(SecretBytes(_bytes_of(told, "Plaintext")), aad, found)

    def close(self) -> None:
        """Hang up and forget the credentials."""
        self._line.close()
        if self._credentials is not None:
            self._credentials.secret.wipe()
            self._credentials = None

    def _place(self, aad: bytes) -> dict[str, Json]:
        return {
            "KeyId": self._key,
            "EncryptionAlgorithm": _ALGORITHM,
            "EncryptionContext": {"tigertally": held.place_of(aad).hex()},
        }

    def _is_ours(self, told: Json) -> bool:
        if not isinstance(told, str) or not _KEY.fullmatch(told):
            return False
        return told == self._key or ("/" not in self._key and told.endswith(f":key/{self._key}"))

    def _ask(self, operation: str, body: Mapping[str, Json]) -> Mapping[str, Json]:
        if self._credentials is None:
            raise KeeperUnavailable(reason="closed")
        raw = json.dumps(body).encode()
        headers = sigv4.signed(
            self._credentials,
            service="kms",
            region=self._region,
            method="POST",
            host=self._line.authority,
            path="/",
            query={},
            now=self._now(),
            headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"TrentService.{operation}"},
            body=raw,
        )
        answer = self._line.ask("POST", "/", body=raw, headers=headers)
        if answer.status == HTTPStatus.OK:
            return answer.body
        raise _problem(answer)


def _credentials(secret: SecretText) -> Credentials:
    access, _, rest = secret.expose().partition(":")
    word, _, session = rest.partition(":")
    secret.wipe()
    if not _ACCESS.fullmatch(access) or not _SECRET.fullmatch(word) or (session and not _SESSION.fullmatch(session)):
        raise KeeperDenies(reason="credential_malformed")
    return Credentials(key=access, secret=SecretText(word), session=SecretText(session) if session else None)


def _bytes_of(told: Mapping[str, Json], name: str) -> bytes:
    value = told.get(name)
    raw = from_b64(value) if isinstance(value, str) else None
    if raw is None:
        raise KeeperNotBelieved(reason=name.lower())
    return raw


def _problem(answer: Answer) -> Exception:
    """Return our problem for the service's refusal."""
    told = answer.body.get("__type")
    name = told.rpartition("#")[2].partition(":")[0] if isinstance(told, str) else ""
    if name in _DENIES:
        return KeeperDenies(reason=_DENIES[name])
    if name in _UNUSABLE:
        return KeeperKeyUnusable(reason=_UNUSABLE[name])
    if name in _DOES_NOT_OPEN:
        return DecryptionFailed()
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return KeeperDenies(reason="forbidden")
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return KeeperNotBelieved(reason="redirect")
    # Throttled, a dependency of theirs that timed out, an internal error, whatever a proxy says.
    return KeeperUnavailable(reason=f"http_{answer.status}")
