"""A keeper whose root key is in memory only, and that can go away: the second implementation of ``KeyKeeper``."""

from __future__ import annotations

from tigertally.base.secret import SecretBytes
from tigertally.crypto import aead
from tigertally.vault.errors import KeeperUnavailable
from tigertally.vault.keepers.rooted import Rooted


class MemoryKeeper:
    """A fresh root key. While it is away every use raises ``KeeperUnavailable``, as a lost network would."""

    __slots__ = ("_away", "_root")

    def __init__(self) -> None:
        self._root = Rooted(aead.new_key())
        self._away = False

    @property
    def key_id(self) -> str:
        """Which root key this is."""
        return self._root.key_id

    def go_away(self) -> None:
        """Stop answering."""
        self._away = True

    def come_back(self) -> None:
        """Answer again, with the same root key."""
        self._away = False

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` sealed under the root key."""
        self._check()
        return self._root.wrap(key, aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the wrapped key."""
        self._check()
        return self._root.unwrap(wrapped, aad)

    def close(self) -> None:
        """Forget the root key."""
        self._root.close()

    def _check(self) -> None:
        if self._away:
            raise KeeperUnavailable(reason="away")
