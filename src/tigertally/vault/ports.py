"""The vault's ports: who keeps the root key.

A keeper holds the root key and lends its use, never the key. Implementations: a file sealed by a passphrase, Vault or
OpenBao, AWS KMS, a PKCS#11 token (``keepers``), what shares recover (``custody.ceremony``), and one in memory that can
go away (``tigertally.testing.keeper``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from tigertally.base.secret import SecretBytes
from tigertally.store.tx import Tx

Begin: TypeAlias = Callable[[], AbstractContextManager[Tx]]
"""Opens a writing transaction; long work is handed one by ``app``, which opens transactions for everyone."""


class KeyKeeper(Protocol):
    """Wraps and unwraps keys under a root key that stays where it is."""

    @property
    def key_id(self) -> str:
        """Which root key this is; tells nothing about it."""
        ...

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` sealed under the root key and bound to ``aad``. Raises ``KeeperUnavailable``."""
        ...

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the key that :meth:`wrap` sealed. Raises ``KeeperUnavailable``, ``DecryptionFailed``."""
        ...

    def close(self) -> None:
        """Forget the root key; every later use is ``KeeperUnavailable``."""
        ...
