"""One spelling per value: what the vault seals and what a token stands for.

Sealing and protecting must agree on when two cells hold the same value, or joins break; so both come here. Invariant:
:func:`normalise` is idempotent, and ``None`` means *this is no value of the class*: it is not sealed, and a protected
copy purges it.

1. Card numbers: full-width digits folded, separators dropped, 12 to 19 digits, Luhn (ISO/IEC 7812-1).
2. National IDs: 15 digits, or 17 digits and a digit or X (GB 11643); upper case. The check digit is discovery's affair.
3. Mobiles: separators and +86/0086/86 dropped when 11 digits of the mobile plan remain; any other text as it stands.
4. Password hashes: only what has the form of one, so that a clear password among hashes is never sealed.
5. IBANs: spaces dropped, upper case. E-mail and all others: outer white space dropped.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from tigertally.base.fields import FieldClass
from tigertally.base.limits import VALUE_CHARS_MAX
from tigertally.discovery import bare_number

_NARROW: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII
_ID: Final = re.compile(r"\d{17}[\dX]|\d{15}", re.ASCII)
_MOBILE: Final = re.compile(r"(?:\+?86|0086)?(1[3-9]\d{9})", re.ASCII)
_HASH: Final = re.compile(
    r"(?:\{[\w\-]+\})?\$[\w\-]{1,16}\$\S{8,}|\{[\w\-]+\}\S{16,}|\*[0-9A-F]{40}|[0-9a-fA-F]{32,128}(?:[:$]\S{1,64})?"
    r"|(?:pbkdf2|scrypt|bcrypt|argon2)[\w:]*\$\S{16,}"
)
_NINE: Final = 9
_PAN_DIGITS: Final = range(12, 20)
_DIGITS_TWICE: Final = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], dtype=np.int64)


def normalise(cls: FieldClass, values: list[str]) -> list[str | None]:
    """Return each value in its one spelling, ``None`` where it is not a value of ``cls`` (empty cells too)."""
    if cls is FieldClass.PAN:
        return _cards(values)
    rule = {
        FieldClass.NATIONAL_ID: _national_id,
        FieldClass.MOBILE: _mobile,
        FieldClass.IBAN: _iban,
        FieldClass.PASSWORD_HASH: _hash,
    }.get(cls, _plain)
    return [rule(value) if len(value) <= VALUE_CHARS_MAX else None for value in values]


def dressed_as(original: str, token: str) -> str:
    """Return ``token`` with the separators of ``original`` when both have the same number of characters without them.

    A card written in groups of four stays so; anything else gets the token as it is.
    """
    if len(original) == len(token) or not token.isdigit():
        return token
    slots = [character.isdigit() for character in original]
    if sum(slots) != len(token):
        return token
    digits = iter(token)
    return "".join(next(digits) if slot else character for slot, character in zip(slots, original, strict=True))


def _cards(values: list[str]) -> list[str | None]:
    bare = [bare_digits(value) for value in values]
    good = np.zeros(len(bare), dtype=bool)
    lengths = np.fromiter((len(value) for value in bare), dtype=np.int64, count=len(bare))
    for length in _PAN_DIGITS:
        rows = np.flatnonzero(lengths == length)
        if rows.size:
            text = "".join(bare[row] for row in rows.tolist()).encode("ascii", "replace")
            codes = np.frombuffer(text, dtype=np.uint8).reshape(rows.size, length).astype(np.int64) - ord("0")
            good[rows] = _luhn(codes)
    return [value if fine else None for value, fine in zip(bare, good.tolist(), strict=True)]


def _luhn(codes: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return per row of ``codes`` (count, length) whether all are digits and the Luhn sum is a multiple of ten."""
    digits = np.asarray(((codes >= 0) & (codes <= _NINE)).all(axis=1), dtype=np.bool_)
    safe = np.where(digits[:, None], codes, 0)
    backwards = safe[:, ::-1]
    total = backwards[:, 0::2].sum(axis=1) + _DIGITS_TWICE[backwards[:, 1::2]].sum(axis=1)
    return np.asarray(digits & (total % 10 == 0), dtype=np.bool_)


def bare_digits(value: str) -> str:
    """Return a number without separators and full-width forms."""
    return value if value.isascii() and value.isdigit() else bare_number(value.translate(_NARROW))


def _national_id(value: str) -> str | None:
    bare = bare_digits(value).upper()
    return bare if _ID.fullmatch(bare) else None


def _mobile(value: str) -> str | None:
    found = _MOBILE.fullmatch(bare_digits(value))
    return found.group(1) if found else _plain(value)


def _iban(value: str) -> str | None:
    return bare_digits(value).upper() or None


def _hash(value: str) -> str | None:
    bare = value.strip()
    return bare if _HASH.fullmatch(bare) else None


def _plain(value: str) -> str | None:
    return value.strip() or None
