"""What is kept aside of a scope while its tables are rewritten in place: sealed notes, and keyed digests of cells.

Both under keys derived from the scope's token key, so that they outlive a rotation of the vault key and die with the
scope. A note holds positions and spellings, never a value; what is kept aside is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.crypto.aead import Cipher
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.suites import Suite, suite_of
from tigertally.vault.cards import derived_key
from tigertally.vault.keyring import VaultKeys

_CIPHERS: Final = {
    Suite.INTL_1: (b"\x00aside|intl-1|1", b"\x00aside|intl-1|2"),
    Suite.GUOMI_1: (b"\x00aside|guomi-1|1",),  # half as long
}
_DIGESTS: Final = (b"\x00aside|digest|1", b"\x00aside|digest|2")


class Aside:
    """The keys of what one scope keeps aside. New notes are sealed in the suite of its active vault key."""

    __slots__ = ("_ciphers", "_digest", "_suite")

    def __init__(self, keys: VaultKeys) -> None:
        self._suite = keys.active.suite
        self._digest = ColumnMac(derived_key(keys.token, _DIGESTS))
        self._ciphers: dict[Suite, Cipher] = {}
        for suite, labels in _CIPHERS.items():
            with derived_key(keys.token, labels) as key:
                self._ciphers[suite] = Cipher(key, suite)

    def __repr__(self) -> str:
        return "<what is kept aside>"

    def seal(self, note: bytes, *, about: str) -> bytes:
        """Return the sealed note, bound to what it is about."""
        return self._ciphers[self._suite].seal(note, about.encode())

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """Return the note. Raises ``UnknownSuite``, ``SealBroken``."""
        return self._ciphers[suite_of(sealed)].open(sealed, about.encode())

    def digests(self, texts: Sequence[str]) -> npt.NDArray[np.uint64]:
        """Return the first eight bytes of each text's keyed digest, as numbers."""
        made = np.ascontiguousarray(self._digest.column([text.encode() for text in texts])[:, :8])
        numbers: npt.NDArray[np.uint64] = made.view(">u8").reshape(-1).astype(np.uint64)
        return numbers
