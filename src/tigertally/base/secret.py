"""Secrets: bytes and text that do not print, pickle, copy, hash or compare by accident.

Invariants: ``repr``, ``str``, ``format`` give a fixed word; pickling, copying and hashing raise
``TypeError``; comparison is constant-time; only :meth:`expose` gives the value, and a shape test
lists the files that may call it. :meth:`wipe` overwrites our own buffer; Python may have made other
copies before (docs/LIMITS.md).
"""

from __future__ import annotations

import hmac
from typing import NoReturn, Self


class _Silent:
    """What both secret types refuse to do."""

    __slots__ = ("_buffer",)
    _buffer: bytearray

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<secret>"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled, copied or hashed")

    __reduce__ = __reduce_ex__ = __copy__ = __deepcopy__ = __getstate__ = _refuse
    __hash__ = _refuse

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Silent):
            return NotImplemented
        return hmac.compare_digest(self._buffer, other._buffer)

    def __bool__(self) -> bool:
        return bool(self._buffer)

    def wipe(self) -> None:
        """Overwrite the value with zeros. It cannot be exposed afterwards."""
        for position in range(len(self._buffer)):
            self._buffer[position] = 0
        del self._buffer[:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()


class SecretBytes(_Silent):
    """Key material or another secret of bytes."""

    __slots__ = ()

    def __init__(self, value: bytes | bytearray) -> None:
        self._buffer = bytearray(value)

    def __len__(self) -> int:
        return len(self._buffer)

    def expose(self) -> bytes:
        """Return the value. Callers are listed in tests/shape/test_expose.py."""
        return bytes(self._buffer)


class SecretText(_Silent):
    """A passphrase, a one-time code or a customer's clear value on its way to a person."""

    __slots__ = ()

    def __init__(self, value: str) -> None:
        self._buffer = bytearray(value.encode())

    def expose(self) -> str:
        """Return the value. Callers are listed in tests/shape/test_expose.py."""
        return self._buffer.decode()
