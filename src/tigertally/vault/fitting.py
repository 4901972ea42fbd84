"""Tokens that fit where their values stood: the same type and width, and still nobody's number (docs/formats/token.md).

1. deterministic per scope and class: equal values have equal tokens, so joins survive;
2. a value in the regular form of its class (an 18-character ID whose check character is right, a mobile number, an
   IBAN …) is encrypted by FF1 into a text of the same length that no value of the class can be: a region, a prefix, a
   letter that are not issued, and a wrong check character. No two share one, because FF1 is a permutation;
3. anything else is 't', a letter of its class and AES-256-CMAC in base 32: as long as the value, at least
   :data:`LOOSE_CHARS_MIN`; names and addresses always :data:`NAME_CHARS`. Those could meet, so whoever stores
   them looks;
4. tokens of different classes are different texts: their first characters tell the class.

Classes of few values (an expiry date) have none: FF1 needs 10^6 values, and a token of four digits is a value. Whoever
has the scope's token key can undo a token of the second kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import mul
from typing import Final

import numpy as np

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.ff1 import Ff1
from tigertally.crypto.numerals import Numerals
from tigertally.vault import spelling
from tigertally.vault.cards import derived_key

LOOSE_CHARS_MIN: Final = 9
NAME_CHARS: Final = 16
MAIL_HOST: Final = "@invalid"

_LOOSE: Final = "t"
_LETTERS: Final[dict[FieldClass, str]] = {
    FieldClass.NATIONAL_ID: "c",
    FieldClass.MOBILE: "m",
    FieldClass.LANDLINE: "l",
    FieldClass.BANK_ACCOUNT: "b",
    FieldClass.PASSPORT: "p",
    FieldClass.USCC: "u",
    FieldClass.IBAN: "i",
    FieldClass.NAME: "n",
    FieldClass.EMAIL: "e",
    FieldClass.ADDRESS: "a",
}
CLASSES: Final = frozenset(_LETTERS)
# The tokens of these are as long as each other, whatever the value: what a text says shows in its length.
FIXED_CHARS: Final[dict[FieldClass, int]] = {
    FieldClass.NAME: NAME_CHARS,
    FieldClass.ADDRESS: NAME_CHARS,
    FieldClass.EMAIL: NAME_CHARS + len(MAIL_HOST),
}
# Whole numbers may stand in a column of integers: nothing else than digits, none of them a zero in front.
IN_INTEGERS: Final = frozenset({FieldClass.MOBILE})

_BASE32: Final = spelling.ALPHABET.tobytes().decode("ascii")
_DIGITS: Final = "0123456789"
_USCC: Final = "0123456789abcdefghjklmnpqrtuwxy"  # GB 32100-2015, in lower case: no real code is
_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_WEIGHTS: Final = tuple(2**place % 11 for place in range(17, 0, -1))
_ID_ZEROS: Final = ord("0") * sum(_ID_WEIGHTS)  # digits are taken as their ASCII codes
_ID_CHECKS: Final = "10X98765432"
_ID_LEAD: Final = "0"
_MOBILE_LEAD: Final = "2"
_LANDLINE_LEAD: Final = "9"
_IBAN_LEAD: Final = "ib"
_IBAN_CHECKS: Final = range(2, 99)
_USCC_WEIGHTS: Final = tuple(3**place % 31 for place in range(17))


@dataclass(frozen=True, slots=True)
class _Form:
    """How a regular value becomes a token: ``alphabet`` of what FF1 encrypts, and the two ways.

    ``body`` gives the text to encrypt; ``dress`` the token of the value and what came out; ``undress`` gives what came
    out of FF1 back from a token, and ``undo`` the value of a body (None if it is no value's) and its token.
    """

    regular: re.Pattern[str]
    alphabet: str
    body: Callable[[str], str]
    dress: Callable[[str, str], str]
    undress: Callable[[str], str]
    undo: Callable[[str, str], str | None]
    right: Callable[[str], bool] = lambda _: True


class FittingTokens:
    """The fitting tokens of one scope. ``token`` is its token key."""

    __slots__ = ("_ff1s", "_mac")

    def __init__(self, token: ColumnMac) -> None:
        self._mac = token
        self._ff1s: dict[FieldClass, Ff1] = {}

    def __repr__(self) -> str:
        return "<fitting tokens>"

    def tokens(self, cls: FieldClass, values: Sequence[str]) -> list[str]:
        """Return the token of each value. ``cls`` is one of :data:`CLASSES`."""
        form = _FORMS.get(cls)
        regular = [form is not None and is_regular(cls, value) for value in values]
        loose = [value for value, one in zip(values, regular, strict=True) if not one]
        out = iter(self._loosely(cls, loose))
        if form is None:
            return list(out)
        chosen = list(compress(values, regular))
        sealed = self._encrypted(cls, form, [form.body(value) for value in chosen], decrypt=False)
        firm = map(form.dress, chosen, sealed)
        return [next(firm) if one else next(out) for one in regular]

    def values(self, cls: FieldClass, tokens: Sequence[str]) -> list[str | None]:
        """Return the value of each token of a regular value; None for other texts, whose values only a vault knows."""
        form = _FORMS.get(cls)
        firm = [at for at, token in enumerate(tokens) if form is not None and _firm(cls, token)]
        out: list[str | None] = [None] * len(tokens)
        if form is None:
            return out
        opened = self._encrypted(cls, form, [form.undress(tokens[at]) for at in firm], decrypt=True)
        for at, body in zip(firm, opened, strict=True):
            value = form.undo(body, tokens[at])
            out[at] = value if value is not None and is_regular(cls, value) else None
        return out

    def _encrypted(self, cls: FieldClass, form: _Form, bodies: list[str], *, decrypt: bool) -> list[str]:
        ff1 = self._ff1(cls, len(form.alphabet))
        work = ff1.decrypt if decrypt else ff1.encrypt
        table = np.zeros(128, np.uint8)
        symbols = np.frombuffer(form.alphabet.encode(), np.uint8)
        table[symbols] = np.arange(len(symbols), dtype=np.uint8)
        out = [""] * len(bodies)
        groups: dict[int, list[int]] = {}
        for at, body in enumerate(bodies):
            groups.setdefault(len(body), []).append(at)
        for length, positions in groups.items():
            packed = "".join([bodies[at] for at in positions]).encode("ascii")
            rows: Numerals = table[np.frombuffer(packed, np.uint8).reshape(-1, length)]
            text = symbols[work(rows)].tobytes().decode("ascii")
            for number, at in enumerate(positions):
                out[at] = text[number * length : (number + 1) * length]
        return out

    def _ff1(self, cls: FieldClass, radix: int) -> Ff1:
        if cls not in self._ff1s:
            label = b"\x00ff1|fit|" + cls.value.encode()
            self._ff1s[cls] = Ff1(derived_key(self._mac, (label + b"|1", label + b"|2")), radix=radix)
        return self._ff1s[cls]

    def _loosely(self, cls: FieldClass, values: Sequence[str]) -> list[str]:
        head = _LOOSE + _LETTERS[cls]
        label = b"\x00fit|" + cls.value.encode() + b"|"
        made = spelling.spell(b"".join(self._mac.many([label + value.encode() for value in values])))
        # The first of the 26 letters has three bits only; the others are taken.
        return [
            head + body[1 : 1 + _loose_chars(cls, value) - len(head)] + (MAIL_HOST if cls is FieldClass.EMAIL else "")
            for value, body in zip(values, made, strict=True)
        ]


def is_regular(cls: FieldClass, value: str) -> bool:
    """Return whether ``value`` is in the regular form of its class, check character and all."""
    form = _FORMS.get(cls)
    return form is not None and form.regular.fullmatch(value) is not None and form.right(value)


def misformed(cls: FieldClass, value: str, token: str) -> bool:
    """Return whether ``token`` does not have the form of a fitting token of ``value``: a stranger's could be the value.

    That it *is* the token of the value, nobody can tell without the key.
    """
    if not token.isascii() or cls not in CLASSES:
        return True
    if is_regular(cls, value):
        alike = len(token) == len(value) and _firm(cls, token)
        return not alike or token[1:].upper() == value[1:].upper()
    head = _LOOSE + _LETTERS[cls]
    body = token.removesuffix(MAIL_HOST) if cls is FieldClass.EMAIL else token
    fits = len(body) == _loose_chars(cls, value) and (cls is not FieldClass.EMAIL or token.endswith(MAIL_HOST))
    return not (fits and body.startswith(head) and set(body[len(head) :]) <= set(_BASE32))


def chars(cls: FieldClass, value_chars: int) -> int:
    """Return how many characters the longest token of values of at most ``value_chars`` characters has."""
    return FIXED_CHARS.get(cls, max(value_chars, LOOSE_CHARS_MIN))


def _loose_chars(cls: FieldClass, value: str) -> int:
    """Return the length without a mail's host."""
    return NAME_CHARS if cls in FIXED_CHARS else min(max(len(value), LOOSE_CHARS_MIN), 2 + spelling.CHARS - 1)


def _firm(cls: FieldClass, token: str) -> bool:
    """Return whether ``token`` has the form of a token of a regular value."""
    return _TOKENS[cls].fullmatch(token) is not None and (cls is not FieldClass.NATIONAL_ID or not _id_right(token))


def _id_check(first: str) -> str:
    """Return the check character of 17 digits (GB 11643-1999, ISO 7064 MOD 11-2)."""
    return _ID_CHECKS[(sum(map(mul, first.encode("ascii"), _ID_WEIGHTS)) - _ID_ZEROS) % 11]


def _id_right(value: str) -> bool:
    return _id_check(value[:17]) == value[17]


def _id_dressed(_: str, sealed: str) -> str:
    """Return 0, which no region begins with, and 17 digits; X for the last if it would be the right check character."""
    token = _ID_LEAD + sealed
    return token[:17] + "X" if _id_check(token[:17]) == token[17] else token


def _id_undressed(token: str) -> str:
    return token[1:17] + (_id_check(token[:17]) if token[17] == "X" else token[17])


def _landline_dressed(value: str, sealed: str) -> str:
    token = _LANDLINE_LEAD + sealed
    dash = value.find("-")
    return token if dash < 0 else f"{token[:dash]}-{token[dash:]}"


def _landline_undone(body: str, token: str) -> str:
    value, dash = "0" + body, token.find("-")
    return value if dash < 0 else f"{value[:dash]}-{value[dash:]}"


def _iban_right(value: str) -> bool:
    """Return whether the check digits are those that ISO 7064 MOD 97-10 makes: 02 to 98 (99 passes as 02 does)."""
    return (
        int(value[2:4]) in _IBAN_CHECKS
        and int("".join(str(int(symbol, 36)) for symbol in value[4:] + value[:4])) % 97 == 1
    )


def _iban_undone(body: str, _: str) -> str:
    plain = body.upper()
    rest = int("".join(str(int(symbol, 36)) for symbol in plain[2:] + plain[:2] + "00"))
    return f"{plain[:2]}{98 - rest % 97:02d}{plain[2:]}"


def _uscc_check(first: str) -> str:
    """Return the check character of 17 in lower case (GB 32100-2015)."""
    total = sum(_USCC.index(symbol) * weight for symbol, weight in zip(first, _USCC_WEIGHTS, strict=True))
    return _USCC[-total % 31]


def _uscc_right(value: str) -> bool:
    lower = value.lower()
    return _uscc_check(lower[:17]) == lower[17]


def _spelled(number: int, length: int) -> str:
    return "".join([_BASE32[number >> shift & 31] for shift in range(5 * (length - 1), -1, -5)])


def _number(body: str) -> int:
    number = 0
    for symbol in body:
        number = number << 5 | _BASE32.index(symbol)
    return number


def _account_undone(body: str, _: str) -> str | None:
    text = str(_number(body)).zfill(len(body) + 1)
    return text if len(text) == len(body) + 1 else None


def _passport_body(value: str) -> str:
    """Return the number of a passport among those of its length: those with one letter, with two, with none."""
    length = len(value)
    letters = [ord(symbol) - ord("A") for symbol in value[:2] if symbol.isalpha()]
    number = int(value[len(letters) :])
    if len(letters) == 1:
        number += letters[0] * 10 ** (length - 1)
    else:
        number += 26 * 10 ** (length - 1)
        number += 676 * 10 ** (length - 2) if not letters else (letters[0] * 26 + letters[1]) * 10 ** (length - 2)
    return _spelled(number, length - 1)


def _passport_undone(body: str, _: str) -> str | None:
    number, length = _number(body), len(body) + 1
    if number < 26 * 10 ** (length - 1):
        letter, rest = divmod(number, 10 ** (length - 1))
        return f"{chr(ord('A') + letter)}{rest:0{length - 1}d}"
    pair, rest = divmod(number - 26 * 10 ** (length - 1), 10 ** (length - 2))
    if pair < 676:  # noqa: PLR2004 - pairs of letters
        return f"{chr(ord('A') + pair // 26)}{chr(ord('A') + pair % 26)}{rest:0{length - 2}d}"
    text = str(number - 26 * 10 ** (length - 1) - 676 * 10 ** (length - 2)).zfill(length)
    return text if len(text) == length else None


def _led(lead: str) -> Callable[[str, str], str]:
    return lambda _, sealed: lead + sealed


def _behind(count: int) -> Callable[[str], str]:
    return lambda token: token[count:]


_FORMS: Final[dict[FieldClass, _Form]] = {
    FieldClass.NATIONAL_ID: _Form(
        re.compile(r"\d{17}[\dX]", re.ASCII), _DIGITS, lambda value: value[:17], _id_dressed, _id_undressed,
        lambda body, _: body + _id_check(body), _id_right,
    ),
    FieldClass.MOBILE: _Form(
        re.compile(r"1\d{10}", re.ASCII), _DIGITS, _behind(1), _led(_MOBILE_LEAD), _behind(1),
        lambda body, _: "1" + body,
    ),
    FieldClass.LANDLINE: _Form(
        re.compile(r"0\d{2,3}-?\d{7,8}", re.ASCII), _DIGITS, lambda value: value[1:].replace("-", ""),
        _landline_dressed, lambda token: token[1:].replace("-", ""), _landline_undone,
    ),
    FieldClass.BANK_ACCOUNT: _Form(
        re.compile(r"\d{9,30}", re.ASCII), _BASE32, lambda value: _spelled(int(value), len(value) - 1), _led("b"),
        _behind(1), _account_undone,
    ),
    FieldClass.PASSPORT: _Form(
        re.compile(r"[A-Z]{1,2}\d{6,9}|\d{9}", re.ASCII), _BASE32, _passport_body, _led("p"), _behind(1),
        _passport_undone,
    ),
    FieldClass.USCC: _Form(
        re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}"), _USCC, lambda value: value[:17].lower(), _led("u"), _behind(1),
        lambda body, _: (body + _uscc_check(body)).upper(), _uscc_right,
    ),
    FieldClass.IBAN: _Form(
        re.compile(r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}", re.ASCII), _BASE36, lambda value: (value[:2] + value[4:]).lower(),
        _led(_IBAN_LEAD), _behind(2), _iban_undone, _iban_right,
    ),
}  # fmt: skip
_TOKENS: Final[dict[FieldClass, re.Pattern[str]]] = {
    FieldClass.NATIONAL_ID: re.compile(r"0\d{16}[\dX]", re.ASCII),
    FieldClass.MOBILE: re.compile(r"2\d{10}", re.ASCII),
    FieldClass.LANDLINE: re.compile(r"9\d{2,3}-?\d{7,8}", re.ASCII),
    FieldClass.BANK_ACCOUNT: re.compile(f"b[{_BASE32}]{{8,29}}"),
    FieldClass.PASSPORT: re.compile(f"p[{_BASE32}]{{6,10}}"),
    FieldClass.USCC: re.compile(f"u[{_USCC}]{{17}}"),
    FieldClass.IBAN: re.compile(f"ib[{_BASE36}]{{13,32}}"),
}
CODES: Final = frozenset(FIELD_RULES[cls].code for cls in CLASSES)
