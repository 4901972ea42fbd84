"""Keyed fingerprints of distinct values: two scans, or a later one for residue, can be matched without a clear value.

docs/formats/fingerprint.md specifies the message of a value and has vectors. Rules:

1. AES-256-CMAC (NIST SP 800-38B) under a key of 32 random bytes that one engagement has and then destroys;
2. the message is the class's code, a byte for the packing, and the value in its one spelling: digits two to a byte, so
   that a number is one block, anything else as UTF-8;
3. what may never be kept (codes, tracks, PINs, passwords, keys) has no fingerprint, nor has an expiry date.

Numbers are computed from columns of 64-bit values, all of one length at once.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import BY_CODE, FIELD_RULES, Destiny, FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.base.text import Text
from tigertally.crypto.cmac import KEY_BYTES, MAC_BYTES, ColumnMac
from tigertally.discovery.errors import BadFingerprintKey
from tigertally.discovery.hits import EMAIL, EXPIRY, ID_15, LANDLINE, MOBILE, NATIONAL_ID, PAN

UInt64s = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

KEY_ID_BYTES: Final = 8
_SCHEME: Final = b"tigertally-fp-1"
_DIGITS, _TEXT = 0, 1
_FILLER: Final = 15
_X: Final = 10
_PACKED: Final = re.compile(r"[0-9]{1,64}X?")
_KEY: Final = re.compile(rb"[0-9a-f]{64}\n?")
_NUMBERS: Final = frozenset((PAN, NATIONAL_ID, ID_15, MOBILE, LANDLINE))
_OTHERS_MAY_READ: Final = stat.S_IRWXG | stat.S_IRWXO
_USED: Final[list[Fingerprints]] = []


class Fingerprints:
    """Fingerprints under one key of 32 bytes. ``key_id`` names the key, 16 hex digits, without telling it."""

    __slots__ = ("_mac", "key_id")

    def __init__(self, key: SecretBytes) -> None:
        self._mac = ColumnMac(key)
        self.key_id = self._mac.of(_SCHEME)[:KEY_ID_BYTES].hex()

    def __repr__(self) -> str:
        return "<fingerprints>"

    def of_numbers(self, kind: int, values: UInt64s) -> Bytes:
        """Return the fingerprints, shape (n, 16), of ``values`` as a column of hits of ``kind`` has them."""
        if kind == NATIONAL_ID:
            return self._packed(kind, values // np.uint64(11), 17, (values % np.uint64(11)).astype(np.uint8))
        out: Bytes = np.empty((len(values), MAC_BYTES), np.uint8)
        # A fixed line's number begins with the 0 that no column of numbers keeps.
        sizes = np.searchsorted(_TENS, values, side="right") + (kind == LANDLINE)
        for size in np.flatnonzero(np.bincount(sizes)).tolist():
            rows = np.flatnonzero(sizes == size)
            out[rows] = self._packed(NATIONAL_ID if kind == ID_15 else kind, values[rows], size, None)
        return out

    def of_texts(self, code: int, values: Sequence[str]) -> list[bytes]:
        """Return the fingerprint of each of ``values``, which are in their one spelling; addresses in any case."""
        fold = code == EMAIL
        return self._mac.many([message(code, value.lower() if fold else value) for value in values])

    def _packed(self, code: int, values: UInt64s, size: int, check: Bytes | None) -> Bytes:
        """Return the fingerprints of numbers of ``size`` digits, each with its check character, if it has one."""
        rows = np.empty((len(values), 2 + (size + 1) // 2), np.uint8)
        rows[:, 0], rows[:, 1] = code, _DIGITS
        rest = values
        if size % 2:
            rest = values // np.uint64(10)
            rows[:, -1] = (values - rest * np.uint64(10)).astype(np.uint8) << 4 | (_FILLER if check is None else check)
        at = 2 + size // 2
        while at > 3:  # noqa: PLR2004 - four digits, two bytes at a time
            head = rest // np.uint64(10_000)
            rows[:, at - 2 : at] = _FOUR[(rest - head * np.uint64(10_000)).astype(np.int64)]
            rest, at = head, at - 2
        if at > 2:  # noqa: PLR2004
            rows[:, 2] = _FOUR[rest.astype(np.int64), 1]
        return self._mac.of_rows(rows)


_TENS: Final = np.array([10**exponent for exponent in range(20)], np.uint64)
_FOUR: Final = np.array([list(bytes.fromhex(f"{number:04d}")) for number in range(10_000)], np.uint8)


def ordered(rows: Bytes) -> bytes:
    """Return fingerprints, shape (n, 16), one after the other, in order."""
    halves = np.ascontiguousarray(rows).view(">u8").astype(np.uint64)
    order = np.argsort(halves[:, 0])
    first = halves[order, 0]
    if (first[1:] == first[:-1]).any():  # one time in 2^32, and then by both halves
        order = np.lexsort((halves[:, 1], halves[:, 0]))
    return rows[order].tobytes()


def message(code: int, value: str) -> bytes:
    """Return the message whose CMAC is the fingerprint of ``value``, in its one spelling; ``code`` of its class."""
    if not _PACKED.fullmatch(value):
        return bytes((code, _TEXT)) + value.encode("utf-8", "surrogatepass")
    nibbles = [_X if char == "X" else int(char) for char in value]
    nibbles += [_FILLER] * (len(nibbles) % 2)
    pairs = zip(nibbles[0::2], nibbles[1::2], strict=True)
    return bytes((code, _DIGITS)) + bytes(high << 4 | low for high, low in pairs)


def has_fingerprint(code: int) -> bool:
    """Return whether values of the class with wire number ``code`` have fingerprints (rule 3)."""
    return code == ID_15 or (code != EXPIRY and FIELD_RULES[BY_CODE[code]].destiny is Destiny.SEAL)


def is_number(kind: int) -> bool:
    """Return whether hits of ``kind`` have the number itself as their value, from which a fingerprint can be made."""
    return kind in _NUMBERS


def code_of(cls: FieldClass) -> int:
    """Return the wire number of ``cls``."""
    return FIELD_RULES[cls].code


def read_key(path: Path) -> Fingerprints:
    """Return the fingerprints under the key in ``path``: 64 hexadecimal digits. Raises :class:`BadFingerprintKey`."""
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(path.stat().st_mode)
            raw = stream.read(128)
    except OSError:
        raise BadFingerprintKey(why=Text("无法读取", "it cannot be read")) from None
    if mode & _OTHERS_MAY_READ:
        raise BadFingerprintKey(why=Text("其他人可以读取；请 chmod 600", "others may read it: chmod 600"))
    if not _KEY.fullmatch(raw):
        raise BadFingerprintKey(why=Text("应为 64 个小写十六进制数字", "64 hexadecimal digits in lower case"))
    return Fingerprints(SecretBytes(bytes.fromhex(raw[: 2 * KEY_BYTES].decode())))


@contextmanager
def fingerprinting(under: Fingerprints) -> Iterator[None]:
    """Let every scan of this process write fingerprints for a while."""
    _USED.append(under)
    try:
        yield
    finally:
        _USED.remove(under)


def fingerprints_in_use() -> Fingerprints | None:
    """Return what scans write fingerprints with, if they do."""
    return _USED[-1] if _USED else None
