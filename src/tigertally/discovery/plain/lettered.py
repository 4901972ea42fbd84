"""Values with letters in them, in plain Python: IBANs, social credit codes, e-mail addresses.

Each function mirrors the one of the same name in ``_core.c``.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values, lengths and bounds of the rules themselves

from __future__ import annotations

from typing import Final

from tigertally.discovery.hits import EMAIL, GROUPED, IBAN, PASSWORD, STRICT, USCC
from tigertally.discovery.plain.bounds import escape_at, open_left, open_right
from tigertally.discovery.plain.view import (
    DIGITS,
    FNV_BASIS,
    FNV_PRIME,
    LETTERS,
    UINT64_MAX,
    WORD,
    View,
    tables_of,
)

_USCC_LETTERS: Final = b"0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_USCC_HEADS: Final = frozenset((11, 12, 13, 19, 51, 52, 53, 59, 91, 92, 93))
_LOCAL: Final = WORD | frozenset(b".%+-")
_NO_USERINFO: Final = frozenset(b"/@\"'<>")
_LABEL: Final = DIGITS | LETTERS
_FILES: Final = frozenset((b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"js", b"css", b"json", b"html"))


def try_iban(view: View, start: int) -> None:
    """ISO 13616: letters, check digits, BBAN; single spaces after every fourth character are allowed."""
    length = int(tables_of(view).iban[(view.at(start) - 65) * 26 + view.at(start + 1) - 65])
    if not length or not open_left(view, start):
        return
    text = bytearray()
    spaced, place = 0, start
    while len(text) < length:
        char = view.at(place)
        if char == 0x20 and len(text) % 4 == 0 and text and view.at(place - 1) != 0x20:
            spaced = GROUPED
        elif char in DIGITS or 0x41 <= char <= 0x5A:
            text.append(char)
        else:
            return
        place += 1
    if not open_right(view, place):
        return
    turned = bytes(text[4:] + text[:4]).decode()
    if int("".join(str(int(char, 36)) for char in turned)) % 97 != 1:
        return
    value = FNV_BASIS
    for char in text:
        value = ((value ^ char) * FNV_PRIME) & UINT64_MAX
    view.put(start, place, IBAN, STRICT | spaced, value)


def try_uscc(view: View, start: int, region: int) -> int:
    """GB 32100: 18 letters and digits, the last a check character; ``region`` as in GB/T 2260. Returns the end or 0."""
    text = view.data[start : min(start + 18, view.hi)]
    if len(text) < 18 or int(text[:2]) not in _USCC_HEADS or not region:
        return 0
    digits = [_USCC_LETTERS.find(char) for char in text]
    if -1 in digits:
        return 0
    total = sum(digit * weight for digit, weight in zip(digits[:17], _USCC_WEIGHTS, strict=True))
    if digits[17] != (31 - total % 31) % 31 or not open_right(view, start + 18):
        return 0
    view.put(start, start + 18, USCC, STRICT if region == 2 else 0, _fnv(text))
    return start + 18


def try_email(view: View, place: int) -> None:
    """RFC 5322 dot-atom before the at sign at ``place``, a domain of two labels at least behind it."""
    left = place
    if _try_userinfo(view, place):
        return
    while place - left < 64 and view.at(left - 1) in _LOCAL:
        left -= 1
    if escape_at(view, left - 1):
        left += 5
    elif view.at(left - 1) == 0x5C and view.at(left) in b"nrt":
        left += 1
    while left < place and view.at(left) not in WORD:
        left += 1
    if left == place or view.at(place - 1) not in WORD:
        return
    right = _domain_end(view, place)
    if right:
        view.put(left, right, EMAIL, STRICT, _fnv(view.data[left:right].lower()))


def _try_userinfo(view: View, sign: int) -> bool:
    place, colon = sign, 0
    while sign - place < 200:
        char = view.at(place - 1)
        if char <= 0x20 or char in _NO_USERINFO:
            break
        if char == 0x3A:
            colon = place - 1
        place -= 1
    if (view.at(place - 1), view.at(place - 2), view.at(place - 3)) != (0x2F, 0x2F, 0x3A):
        return False
    after, first = view.at(sign + 1), view.at(colon + 1) if colon else 0
    known = after in WORD or after == 0x5B
    if known and colon and colon + 1 != sign and not (first and first in b"${<*"):
        view.put(colon + 1, sign, PASSWORD, STRICT, _fnv(view.data[colon + 1 : sign]))
    return True


def _domain_end(view: View, sign: int) -> int:
    right, dot = sign + 1, 0
    while right - sign < 255:
        char = view.at(right)
        if char == 0x2E and right > sign + 1 and view.at(right + 1) in _LABEL and view.at(right - 1) != 0x2D:
            dot = right
        elif char not in _LABEL and not (char == 0x2D and right > sign + 1):
            break
        right += 1
    if view.at(right - 1) == 0x2D:
        right -= 1
    if not dot or not 3 <= right - dot <= 25 or view.at(right) in (0x40, 0x5F):
        return 0
    top = view.data[dot + 1 : right]
    return 0 if not all(char in LETTERS for char in top) or top.lower() in _FILES else right


def _fnv(text: bytes) -> int:
    value = FNV_BASIS
    for char in text:
        value = ((value ^ char) * FNV_PRIME) & UINT64_MAX
    return value
