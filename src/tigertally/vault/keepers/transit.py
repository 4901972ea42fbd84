"""The root key in a HashiCorp Vault or OpenBao server, used through the Transit secrets engine.

Source: the public API documentation, "Transit secrets engine (API)": ``POST /v1/MOUNT/encrypt/KEY`` and
``…/decrypt/KEY`` with base64 ``plaintext`` or ``ciphertext`` and ``associated_data``; ``GET /v1/MOUNT/keys/KEY``;
tokens in ``X-Vault-Token``, namespaces in ``X-Vault-Namespace``; errors as ``{"errors": […]}``.

Invariants: the root key is one that the server will not export (:meth:`Transit.check`); every key is bound to its
place twice, by the server and by us (``keepers.held``); which version of the root key wrapped is in the server's own
ciphertext, so its rotation needs nothing here until somebody shuts an old version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeGuard

from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.errors import DecryptionFailed
from tigertally.formats.shape import from_b64, to_b64
from tigertally.vault.errors import BadKeeper, KeeperDenies, KeeperKeyUnusable, KeeperNotBelieved, KeeperUnavailable
from tigertally.vault.keepers import held
from tigertally.vault.keepers.held import Kind
from tigertally.vault.keepers.remote import TIMEOUT_S, Answer, Line

# Those that take associated data.
TYPES: Final = frozenset({"aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"})
CIPHERTEXT_CHARS_MAX: Final = 4096
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){0,3}")
_CIPHERTEXT: Final = re.compile(r"vault:v[1-9][0-9]{0,8}:[A-Za-z0-9+/]+={0,2}")
_TOKEN: Final = re.compile(r"[!-~]{1,2048}")
# The server's own words for why it does not decrypt; they are looked for and never repeated.
_DOES_NOT_OPEN: Final = (
    "message authentication failed",
    "unable to decrypt",
    "could not decrypt",
    "invalid ciphertext",
)
_REASONS: Final = (
    ("too old", "version_shut"),
    ("too new", "version_unknown"),
    ("larger than the latest", "version_unknown"),
    ("key not found", "no_such_key"),
    ("deleted", "deleted"),
    ("disabled", "disabled"),
)


class Transit:
    """A keeper behind ``address``: the key ``key`` of the engine at ``mount``. ``token`` may encrypt and decrypt."""

    __slots__ = ("_headers", "_key", "_line", "_mount", "_token", "key_id")

    def __init__(
        self,
        address: str,
        *,
        key: str,
        token: SecretText,
        mount: str = "transit",
        namespace: str = "",
        ca: Path | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        for what, name in (("key", key), ("mount", mount), ("namespace", namespace or "none")):
            if not _NAME.fullmatch(name):
                raise BadKeeper(what=what)
        if "/" in key:
            raise BadKeeper(what="key")
        self._line = Line(address, ca=ca, timeout_s=timeout_s)
        self._mount, self._key, self._token = mount, key, token
        self._headers = {"Content-Type": "application/json", "X-Vault-Request": "true"}
        if namespace:
            self._headers["X-Vault-Namespace"] = namespace
        self.key_id = held.key_id_of(Kind.TRANSIT, namespace, mount, key)

    def __repr__(self) -> str:
        return "<transit keeper>"

    def check(self) -> None:
        """Raise unless the key is one that binds data and that the server never gives out.

        The token needs ``read`` on the key for this, and for nothing else.
        """
        data = self._ask("GET", f"keys/{self._key}", {}, opening=False)
        if data.get("name") != self._key:
            raise KeeperNotBelieved(reason="key_name")
        if data.get("type") not in TYPES or data.get("derived") or data.get("convergent_encryption"):
            raise KeeperKeyUnusable(reason="key_type")
        if data.get("exportable") is not False or data.get("allow_plaintext_backup") is not False:
            raise KeeperKeyUnusable(reason="key_can_be_exported")

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` as the server wraps it. Raises ``KeeperUnavailable`` and its like."""
        body = {"plaintext": to_b64(key.expose()), "associated_data": to_b64(held.place_of(aad))}
        ciphertext = self._ask("POST", f"encrypt/{self._key}", body, opening=False).get("ciphertext")
        if not _is_ciphertext(ciphertext):
            raise KeeperNotBelieved(reason="ciphertext")
        return held.store(key, aad, kind=Kind.TRANSIT, key_id=self.key_id, sealed=ciphertext.encode())

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the wrapped key; ``DecryptionFailed`` for another root key, another place, altered bytes."""
        found = held.read(wrapped, kind=Kind.TRANSIT, key_id=self.key_id)
        ciphertext = found.sealed.decode("ascii", "replace")
        if not _is_ciphertext(ciphertext):
            raise DecryptionFailed
        body = {"ciphertext": ciphertext, "associated_data": to_b64(held.place_of(aad))}
        plaintext = self._ask("POST", f"decrypt/{self._key}", body, opening=True).get("plaintext")
        raw = from_b64(plaintext) if isinstance(plaintext, str) else None
        if raw is None:
            raise KeeperNotBelieved(reason="plaintext")
        return held.verified(SecretBytes(raw), aad, found)

    def close(self) -> None:
        """Hang up and forget the token."""
        self._line.close()
        self._token.wipe()

    def _ask(self, method: str, path: str, body: Mapping[str, str], *, opening: bool) -> Mapping[str, Json]:
        token = self._token.expose()
        if not token:
            raise KeeperUnavailable(reason="closed")
        if not _TOKEN.fullmatch(token):
            raise KeeperDenies(reason="credential_malformed")
        raw = json.dumps(body).encode() if body else b""
        headers = {**self._headers, "X-Vault-Token": token}
        answer = self._line.ask(method, f"/v1/{self._mount}/{path}", body=raw, headers=headers)
        data = answer.body.get("data")
        if answer.status == HTTPStatus.OK:
            if not isinstance(data, dict):
                raise KeeperNotBelieved(reason="answer_without_data")
            return data
        raise _problem(answer, opening=opening)


def _is_ciphertext(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= CIPHERTEXT_CHARS_MAX and bool(_CIPHERTEXT.fullmatch(value))


def _problem(answer: Answer, *, opening: bool) -> Exception:
    """Return our problem for the server's refusal."""
    said = answer.body.get("errors")
    words = " ".join(item for item in said if isinstance(item, str)) if isinstance(said, list) else ""
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return KeeperDenies(reason="forbidden")
    known = [reason for word, reason in _REASONS if word in words]
    if opening and not known and any(word in words for word in _DOES_NOT_OPEN):
        return DecryptionFailed()
    if known or answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
        return KeeperKeyUnusable(
            reason=[*known, "no_such_key" if answer.status == HTTPStatus.NOT_FOUND else "request"][0]
        )
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return KeeperNotBelieved(reason="redirect")
    # 429 busy, 472 and 473 standby, 503 sealed or in maintenance, whatever a proxy says.
    return KeeperUnavailable(reason=f"http_{answer.status}")
