"""What every keeper that holds its root key in this process does with it.

Two keys are derived from the root, so that the bytes that identify it never wrap anything:
``HKDF(root, "root-wrap")`` wraps keys, HMAC under ``HKDF(root, "root-id")`` names the root key.
"""

from __future__ import annotations

from typing import Final

from tigertally.base.secret import SecretBytes
from tigertally.crypto import kdf
from tigertally.crypto.aead import KEY_BYTES, Cipher
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.errors import BadKey
from tigertally.vault.errors import KeeperUnavailable

ID_CHARS: Final = 32


class Rooted:
    """A root key (32 bytes) in memory. Closing forgets it."""

    __slots__ = ("_cipher", "key_id")

    def __init__(self, root: SecretBytes) -> None:
        if len(root) != KEY_BYTES:
            raise BadKey
        self._cipher: Cipher | None = Cipher(kdf.derive(root, label="root-wrap"))
        self.key_id = KeyedDigest(kdf.derive(root, label="root-id")).of(b"").hex()[:ID_CHARS]

    def __repr__(self) -> str:
        return "<root key>"

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` sealed under the root key."""
        return self._open_cipher().wrap(key, aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the wrapped key; ``DecryptionFailed`` for another root key, another place, altered bytes."""
        return self._open_cipher().unwrap(wrapped, aad)

    def close(self) -> None:
        """Forget the root key."""
        self._cipher = None

    def _open_cipher(self) -> Cipher:
        if self._cipher is None:
            raise KeeperUnavailable(reason="closed")
        return self._cipher
