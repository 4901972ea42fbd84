"""Text that must not be kept under another name: track data, and card numbers in a field that is no card field.

A value of any class but PAN is refused if it holds magnetic track 1 or 2 (ISO/IEC 7813), or a Luhn-valid number in
an issued range, written together or in the groups that are printed on cards. Numbers that are provably something
else pass: a national ID with its check digit (GB 11643-1999), a valid IBAN (ISO 13616), a hexadecimal digest.
One pattern over the joined column spares all columns without long numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.crypto.packed import Packed
from tigertally.data import issuers
from tigertally.vault import digits

_BETWEEN: Final = "\x00"
_LONG: Final = re.compile(r"(?<!\d)\d(?:[ ._/-]?\d){11}")
_TRACK: Final = re.compile(r"[Bb]\d{12,19}\^|\d{12,19}(?:=\d{4}|[Dd]\d{7})")
_CARD: Final = re.compile(
    r"(?<!\d)(?:\d{12,19}"
    r"|\d{4}([ ._/-])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?"
    r"|\d{4}([ ._/-])\d{6}\2\d{4,5})(?!\d)(?:[Xx](?![0-9A-Za-z]))?"
)
_SPACERS: Final = re.compile(r"[ ._/-]")
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_DIGEST: Final = re.compile(r"(?=.*[a-fA-F])[0-9a-fA-F]{32,128}")
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK: Final = "10X98765432"
_ID_DIGITS: Final = 18
_HEAD_DIGITS: Final = 6
_TEN: Final = np.uint8(10)
_LEAD_BYTE: Final = np.uint8(0xC0)


def forbidden(values: Packed) -> npt.NDArray[np.bool_]:
    """Return which values (UTF-8) are :func:`forbidden_texts`.

    Only those are looked into that may hold a card: not those of too few digits, nor a column's usual ones, which are
    seen by column to be national IDs, or numbers that fail the Luhn check.
    """
    out = np.zeros(len(values), np.bool_)
    # A digit of another script is a character that begins with a byte from 0xC0 on.
    digit = (values.data - np.uint8(ord("0"))) < _TEN
    counted = np.zeros(len(values.data) + 1, np.int64)
    np.cumsum(digit | (values.data >= _LEAD_BYTE), out=counted[1:])
    near = np.flatnonzero(counted[values.edges[1:]] - counted[values.edges[:-1]] >= issuers.PAN_DIGITS_MIN)
    if not len(near):
        return out
    suspects = values.take(near)
    open_ = np.ones(len(near), np.bool_)
    for positions, rows in suspects.by_length():
        figures = rows - np.uint8(ord("0"))
        plain = np.asarray((figures < _TEN).all(axis=1))
        if rows.shape[1] > issuers.PAN_DIGITS_MAX:
            open_[positions] = ~plain
        else:
            harmless = ~digits.luhn(np.where(plain[:, None], figures, 0)) & plain
            if rows.shape[1] == _ID_DIGITS:
                harmless |= _national_ids(rows, figures)
            open_[positions] = ~harmless
    asked = np.flatnonzero(open_)
    found = forbidden_texts([value.decode() for value in suspects.take(asked).each()])
    out[near[asked[found]]] = True
    return out


def _national_ids(rows: npt.NDArray[np.uint8], figures: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which rows of 18 bytes :func:`_is_national_id` is sure of."""
    plain = (figures[:, :-1] < _TEN).all(axis=1)
    total = figures[:, :-1].astype(np.int64) @ np.array(_ID_WEIGHTS)
    check = np.frombuffer(_ID_CHECK.encode(), np.uint8)[total % 11]
    year, month, day = (figures[:, at].astype(np.int64) * 10 + figures[:, at + 1] for at in (6, 10, 12))
    dated = (year >= 19) & (year <= 20) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)  # noqa: PLR2004
    fine: npt.NDArray[np.bool_] = plain & dated & (rows[:, -1] == check)
    return fine


def forbidden_texts(texts: Sequence[str]) -> list[int]:
    """Return the positions of texts that hold track data or a card number, ascending."""
    if not _LONG.search(_BETWEEN.join(texts)):
        return []
    found: set[int] = set()
    where: list[int] = []
    cards: list[str] = []
    for position, text in enumerate(texts):
        numbers = _numbers(text)
        if numbers is None:
            found.add(position)
        elif numbers:
            where += [position] * len(numbers)
            cards += numbers
    for positions, columns in digits.by_length(cards):
        passed = digits.luhn(columns).tolist()
        found.update(
            where[at]
            for at, fine in zip(positions, passed, strict=True)
            if fine and _is_card(cards[at]) and not _is_other(texts[where[at]])
        )
    return sorted(found)


def _numbers(text: str) -> list[str] | None:
    """Return the numbers in a text that are as long as a card's; None if it holds track data."""
    if len(text) < issuers.PAN_DIGITS_MIN:
        return []
    if text.isascii() and text.isdigit():
        return [text] if len(text) <= issuers.PAN_DIGITS_MAX else []
    if not _LONG.search(text):
        return []
    plain = text if text.isascii() else _plain(text)
    if _TRACK.search(plain):
        return None
    found = [_SPACERS.sub("", match[0]).upper() for match in _CARD.finditer(plain)]
    return [number.removesuffix("X") for number in found if not _is_national_id(number)]


def _plain(text: str) -> str:
    """Return ``text`` with every digit of another script or width as an ASCII digit."""
    return "".join([str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text])


def _is_card(number: str) -> bool:
    return _issued_head(len(number), number[:_HEAD_DIGITS]) and not _is_national_id(number)


@lru_cache(maxsize=65_536)
def _issued_head(length: int, head: str) -> bool:
    # No range has a prefix of more than six digits.
    return issuers.issued(head.ljust(length, "0"))


def _is_national_id(number: str) -> bool:
    if len(number) != _ID_DIGITS or not ("19" <= number[6:8] <= "20" and "01" <= number[10:12] <= "12"):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:-1], _ID_WEIGHTS, strict=True))
    return "01" <= number[12:14] <= "31" and number[-1] == _ID_CHECK[total % 11]


def _is_other(text: str) -> bool:
    """Return whether the whole value is a digest or a valid IBAN, whose digits mean no card."""
    if _DIGEST.fullmatch(text):
        return True
    return bool(_IBAN.fullmatch(text)) and int("".join([str(int(char, 36)) for char in text[4:] + text[:4]])) % 97 == 1
