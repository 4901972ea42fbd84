"""AES-256-CMAC by column: keyed digests of many short values at once (NIST SP 800-38B, RFC 4493).

A pseudorandom function of 16 bytes, for digests that find equal values and for tokens that stand for them. Values of
one length are one array, and each of their blocks is one call of the cipher for all of them: half of what
``KeyedDigest.many`` takes, a quarter of a call of HMAC for each (0.55, 1.1, 2.3 microseconds for 12 to 23 bytes).
Shapes: n values of any lengths in, n digests of :data:`MAC_BYTES` out. Not for secrets compared one by one: use
``digest.KeyedDigest``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tigertally.base.secret import SecretBytes
from tigertally.crypto.errors import BadKey
from tigertally.crypto.packed import Packed

MAC_BYTES: Final = 16
KEY_BYTES: Final = 32
_ONE_AND_ZEROS: Final = 0x80
_REDUCTION: Final = 0x87
_TOP: Final = 1 << 127
_ALL: Final = (1 << 128) - 1

_Bytes = npt.NDArray[np.uint8]


class ColumnMac:
    """AES-256-CMAC under one key of 32 bytes. Raises ``BadKey`` for another length."""

    __slots__ = ("_cipher", "_padded", "_whole")

    def __init__(self, key: SecretBytes) -> None:
        if len(key) != KEY_BYTES:
            raise BadKey
        # One block at a time is all that CMAC asks of the cipher; nothing is encrypted here.
        self._cipher = Cipher(algorithms.AES(key.expose()), modes.ECB())  # noqa: S305
        zero = int.from_bytes(self._blocks(np.zeros((1, MAC_BYTES), np.uint8)).tobytes(), "big")
        self._whole, self._padded = _mask(_doubled(zero)), _mask(_doubled(_doubled(zero)))

    def __repr__(self) -> str:
        return "<column mac>"

    def of(self, value: bytes) -> bytes:
        """Return the digest of one value."""
        return self.many([value])[0]

    def many(self, values: Sequence[bytes]) -> list[bytes]:
        """Return the digests of ``values``, in order."""
        made = self.column(values).tobytes()
        return [made[at : at + MAC_BYTES] for at in range(0, len(made), MAC_BYTES)]

    def column(self, values: Sequence[bytes]) -> _Bytes:
        """Return the digests of ``values`` as an array, shape (n, 16)."""
        return self.packed(Packed.of(values))

    def packed(self, values: Packed, *, head: bytes = b"") -> _Bytes:
        """Return the digests of ``head`` with each value after it, shape (n, 16)."""
        out: _Bytes = np.empty((len(values), MAC_BYTES), np.uint8)
        before = np.frombuffer(head, np.uint8)
        for chosen, rows in values.by_length():
            whole = rows
            if head:
                whole = np.empty((len(rows), len(head) + rows.shape[1]), np.uint8)
                whole[:, : len(head)] = before
                whole[:, len(head) :] = rows
            out[chosen] = self.of_rows(whole)
        return out

    def of_rows(self, rows: _Bytes) -> _Bytes:
        """Return the digests, shape (n, 16), of values of one length, shape (n, length)."""
        count, length = rows.shape
        blocks = max(1, -(-length // MAC_BYTES))
        padded = np.zeros((count, blocks * MAC_BYTES), np.uint8)
        padded[:, :length] = rows
        if length == padded.shape[1]:
            padded[:, -MAC_BYTES:] ^= self._whole
        else:
            padded[:, length] = _ONE_AND_ZEROS
            padded[:, -MAC_BYTES:] ^= self._padded
        state = self._blocks(padded[:, :MAC_BYTES])
        for at in range(MAC_BYTES, padded.shape[1], MAC_BYTES):
            state = self._blocks(state ^ padded[:, at : at + MAC_BYTES])
        return state

    def _blocks(self, rows: _Bytes) -> _Bytes:
        encrypted = self._cipher.encryptor().update(rows.tobytes())
        return np.frombuffer(encrypted, np.uint8).reshape(-1, MAC_BYTES)


def _doubled(block: int) -> int:
    return ((block << 1) & _ALL) ^ (_REDUCTION if block & _TOP else 0)


def _mask(block: int) -> _Bytes:
    return np.frombuffer(block.to_bytes(MAC_BYTES, "big"), np.uint8)
