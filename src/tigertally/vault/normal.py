"""One spelling for values that are written in several ways: names and telephone numbers (docs/formats/search.md).

1. a name: NFKC and case folding, invisible characters gone; parts are what stands between spaces, commas, dots and
   slashes; parts that are all Han are joined as they stand, any others put in order and joined by one space;
2. a telephone number: the digits of E.164 with ``+``; of China (the country where none is said) as it is dialled there:
   eleven digits of a mobile number, 0 and area code of a fixed line;
3. what is neither has no such spelling ("").

Traditional and simplified characters stay apart: one folds onto several (後 and 后 are two surnames), so either way
some people would be found who are others. :func:`unlike` looks at columns: nearly all values are spelled so already.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FIELD_RULES, FieldClass

Numbers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_E164_DIGITS: Final = range(3, 16)
_HOME: Final = "86"
_HOME_WHOLE_DIGITS: Final = 12  # with fewer digits a leading 86 may belong to the number itself
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}")
_MOBILE_CHARS: Final = 11
_FIXED: Final = re.compile(r"(?:10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8}")
_SHORT_DIGITS: Final = 8
_SERVICE: Final = re.compile(r"[48]00[0-9]{7}")
_PUNCTUATION: Final = "()[].·\u2212"
_DROPPED: Final = frozenset({"Zs", "Pd", "Cf", "Cc"})
_PARTS: Final = re.compile(r"[\s,.;/、。・·•‧∙⋅]+")
_HAN: Final = re.compile("[々〇㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]+")
_QUOTES: Final = str.maketrans(dict.fromkeys((0x2018, 0x2019, 0x2BC, 0x60, 0xB4), "'"))
_ZERO, _NINE, _ONE, _THREE = (ord(digit) for digit in "0913")
_HAN_LEADS: Final = (0xE4, 0xE9)
_HAN_CHARS_MAX: Final = 6
_HAN_BYTES: Final = 3


def name(text: str) -> str:
    """Return a name's one spelling."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_QUOTES)
    kept = "".join(["-" if kind == "Pd" else char for char, kind in _kinds(folded) if kind != "Cf"])
    parts = [part for part in _PARTS.split(kept) if part]
    if all(_HAN.fullmatch(part) for part in parts):
        return "".join(parts)
    return " ".join(sorted(parts))


def phone(text: str) -> str:
    """Return a telephone number's one spelling."""
    folded = unicodedata.normalize("NFKC", text).strip()
    if folded.startswith(("+", "00")):
        folded = folded.replace("(0)", "", 1)  # +44 (0)20: the zero is for those inside the country
    kept = "".join([char for char, kind in _kinds(folded) if kind not in _DROPPED and char not in _PUNCTUATION])
    abroad, body = kept.startswith("+"), kept.removeprefix("+")
    if not (body.isascii() and body.isdigit()):
        return ""
    if not abroad and body.startswith("00"):
        abroad, body = True, body[2:]
    if not abroad and body.startswith(_HOME) and len(body) >= _HOME_WHOLE_DIGITS:
        abroad = True
    if len(body) not in _E164_DIGITS:
        return ""
    if abroad and not body.startswith(_HOME):
        return "+" + body
    number = (body.removeprefix(_HOME) if abroad else body).lstrip("0")
    if _MOBILE.fullmatch(number) or _SERVICE.fullmatch(number):
        return number
    if _FIXED.fullmatch(number) and (abroad or body.startswith("0")):
        return "0" + number
    return body if not abroad else number if len(number) <= _SHORT_DIGITS else "+" + _HOME + number


RULES: Final[dict[FieldClass, Callable[[str], str]]] = {
    FieldClass.NAME: name,
    FieldClass.MOBILE: phone,
    FieldClass.LANDLINE: phone,
}


def unlike(codes: Bytes, texts: bytes, edges: Numbers) -> tuple[Numbers, list[bytes]]:
    """Return which values of a column are spelled otherwise than their rule would, and that spelling (UTF-8) of each.

    ``texts`` are the values' bytes (UTF-8) one after another, ``edges`` where each begins and the last ends.
    """
    octets = np.frombuffer(texts, np.uint8)
    begins, lengths = edges[:-1], np.diff(edges)
    found: list[int] = []
    spelled: list[bytes] = []
    for cls, rule in RULES.items():
        mine = np.flatnonzero(codes == FIELD_RULES[cls].code)
        fine = _names_fine if cls is FieldClass.NAME else _phones_fine
        for at in mine[~fine(octets, begins[mine], lengths[mine])].tolist():
            value = texts[edges[at] : edges[at + 1]]
            normal = rule(value.decode()).encode("utf-8", "surrogatepass")
            if normal and normal != value:
                found.append(at)
                spelled.append(normal)
    return np.array(found, np.int64), spelled


def _names_fine(octets: Bytes, begins: Numbers, lengths: Numbers) -> npt.NDArray[np.bool_]:
    """Return which names surely are spelled so: a few characters of U+4000 to U+9FFF, by the first byte of each."""
    fine: npt.NDArray[np.bool_] = (lengths > 0) & (lengths % _HAN_BYTES == 0) & (lengths <= _HAN_BYTES * _HAN_CHARS_MAX)
    chosen = np.flatnonzero(fine)
    begins, lengths = begins[chosen], lengths[chosen]
    for at in range(0, int(lengths.max(initial=0)), _HAN_BYTES):
        # Beyond a shorter value its own first byte is looked at again.
        lead = octets[begins + np.where(lengths > at, at, 0)]
        fine[chosen] &= (lead >= _HAN_LEADS[0]) & (lead <= _HAN_LEADS[1])
    return fine


def _phones_fine(octets: Bytes, begins: Numbers, lengths: Numbers) -> npt.NDArray[np.bool_]:
    """Return which numbers surely are spelled so: eleven digits of a mobile number."""
    fine: npt.NDArray[np.bool_] = lengths == _MOBILE_CHARS
    chosen = np.flatnonzero(fine)
    for at in range(_MOBILE_CHARS):
        column = octets[begins[chosen] + at]
        low, high = (_ONE, _ONE) if at == 0 else (_THREE, _NINE) if at == 1 else (_ZERO, _NINE)
        fine[chosen] &= (column >= low) & (column <= high)
    return fine


def _kinds(text: str) -> list[tuple[str, str]]:
    return [(char, unicodedata.category(char)) for char in text]
