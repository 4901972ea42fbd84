"""Sixteen raw bytes as Crockford base 32 and back, by column: ids and tokens are made by the hundred thousand.

The spelling is that of ``base.ids``: 26 characters, most significant first, alphabet in ASCII order, so raw bytes
and texts sort alike. Shapes: a column of n values is n·16 packed bytes or a list of n strings.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.ids import BadId, base32, check_id

RAW_BYTES: Final = 16
CHARS: Final = 26
PREFIX: Final = "sub_"
ALPHABET: Final = np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", dtype=np.uint8)
_SHIFTS: Final = tuple(range(125, -1, -5))
_LOW_BITS: Final = 64
_TOP: Final = 7
_NO_LETTER: Final = 255
_NUMBERS: Final = np.full(256, _NO_LETTER, dtype=np.uint8)
_NUMBERS[ALPHABET] = np.arange(len(ALPHABET), dtype=np.uint8)


def letters(packed: bytes) -> npt.NDArray[np.uint8]:
    """Return the spelling of each 16 bytes of ``packed`` as ASCII, shape (n, 26)."""
    words = np.frombuffer(packed, dtype=">u8").reshape(-1, 2).astype(np.uint64)
    high, low = words[:, 0], words[:, 1]
    codes: npt.NDArray[np.uint8] = np.empty((len(words), CHARS), dtype=np.uint8)
    for place, shift in enumerate(_SHIFTS):
        if shift >= _LOW_BITS:
            part = high >> np.uint64(shift - _LOW_BITS)
        elif shift + 5 > _LOW_BITS:
            part = (low >> np.uint64(shift)) | (high << np.uint64(_LOW_BITS - shift))
        else:
            part = low >> np.uint64(shift)
        codes[:, place] = ALPHABET[(part & np.uint64(31)).astype(np.intp)]
    return codes


def spell(packed: bytes) -> list[str]:
    """Return the 26-character spelling of each 16 bytes of ``packed``."""
    text = letters(packed).tobytes().decode("ascii")
    return [text[at : at + CHARS] for at in range(0, len(text), CHARS)]


def new_subjects(count: int) -> list[bytes]:
    """Return ``count`` fresh random subjects, raw."""
    return cut(secrets.token_bytes(RAW_BYTES * count), RAW_BYTES)


def subjects_text(raws: Sequence[bytes]) -> list[str]:
    """Return raw subjects as ``sub_…`` identifiers."""
    return [PREFIX + body for body in spell(b"".join(raws))]


def subject_text(raw: bytes) -> str:
    """Return one raw subject as its identifier."""
    return PREFIX + base32(raw)


def subject_raw(identifier: str) -> bytes:
    """Return the raw bytes of one identifier. Raises ``BadId`` for text that is none."""
    body = check_id(identifier, "sub")[len(PREFIX) :]
    number = 0
    for char in body:
        number = number << 5 | _VALUES[char]
    if number.bit_length() > RAW_BYTES * 8:
        raise BadId(kind="sub")
    return number.to_bytes(RAW_BYTES, "big")


def subjects_raw(identifiers: Sequence[str]) -> list[bytes]:
    """Return the raw bytes of identifiers. Raises ``BadId``."""
    if any(not one.startswith(PREFIX) for one in identifiers):
        raise BadId(kind="sub")
    try:
        return cut(unspell([one[len(PREFIX) :] for one in identifiers]), RAW_BYTES)
    except ValueError:
        raise BadId(kind="sub") from None


def unspell(bodies: Sequence[str]) -> bytes:
    """Return the packed 16 bytes each that :func:`spell` spells so. Raises ``ValueError`` for what it never wrote."""
    joined = "".join(bodies)
    if not joined.isascii() or any(len(one) != CHARS for one in bodies):
        raise ValueError("length")
    return raws_of(np.frombuffer(joined.encode("ascii"), dtype=np.uint8).reshape(-1, CHARS)).tobytes()


def raws_of(spelled: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the 16 bytes, shape (n, 16), of :func:`letters`. Raises ``ValueError`` for what it never wrote."""
    parts = _NUMBERS[spelled]
    # 26 times five bits are two more than sixteen bytes: the first letter has three.
    if (parts == _NO_LETTER).any() or (parts[:, 0] > _TOP).any():
        raise ValueError("letter")
    high = np.zeros(len(parts), dtype=np.uint64)
    low = np.zeros(len(parts), dtype=np.uint64)
    for place, shift in enumerate(_SHIFTS):
        part = parts[:, place].astype(np.uint64)
        if shift >= _LOW_BITS:
            high |= part << np.uint64(shift - _LOW_BITS)
        else:
            low |= part << np.uint64(shift)
            if shift + 5 > _LOW_BITS:
                high |= part >> np.uint64(_LOW_BITS - shift)
    return np.frombuffer(np.stack([high, low], axis=1).astype(">u8").tobytes(), np.uint8).reshape(-1, RAW_BYTES)


def cut(packed: bytes, width: int) -> list[bytes]:
    """Return ``packed`` in pieces of ``width`` bytes."""
    return [packed[at : at + width] for at in range(0, len(packed), width)]


def number_of(letter: str) -> int | None:
    """Return the number that a letter of the alphabet stands for."""
    return _VALUES.get(letter)


_VALUES: Final = {chr(code): value for value, code in enumerate(ALPHABET.tolist())}
