"""Tokens that fit where their values stood: the same type and width, and still nobody's number (docs/formats/token.md).

A fitting token is another spelling, for protected copies, of a value whose token in the vault is ``tok_…``:

1. a value in the regular form of its class (an 18-character ID whose check character is right, a mobile number, an
   IBAN …) is encrypted by FF1 into a text of the same length that no value of the class can be: a region, a prefix, a
   letter that are not issued, and a wrong check character. No two share one, because FF1 is a permutation;
2. so is any other value of only digits among IDs, mobiles and lines, led by a letter;
3. names, addresses and e-mails are as long as each other: letters of the vault's own token, of a name the first 14;
4. a value that is none of these has none. Classes of few values (an expiry date) have none at all: FF1 needs 10^6
   values, and a token of four digits is a value;
5. tokens of different classes are different texts: their first characters tell the class.

Deterministic per scope: equal values have equal tokens, so joins survive. Whoever has the scope's token key can undo
the first two sorts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

import numpy as np

from tigertally.base.fields import FieldClass
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.ff1 import Ff1
from tigertally.crypto.numerals import Numerals
from tigertally.vault import spelling
from tigertally.vault.cards import derived_key

NAME_LETTERS: Final = 14  # 68 bits: of ten million names two meet once in four million scopes
MAIL_HOST: Final = "@invalid"

_NAME_HEAD: Final = "tn"
_ADDRESS_HEAD: Final = "ta"
_STORED: Final[dict[FieldClass, str]] = {
    FieldClass.NAME: "tok_na",
    FieldClass.ADDRESS: "tok_ad",
    FieldClass.EMAIL: "tok_em",
}
# The tokens of these are as long as each other, whatever the value: what a text says shows in its length.
FIXED_CHARS: Final[dict[FieldClass, int]] = {
    FieldClass.NAME: len(_NAME_HEAD) + NAME_LETTERS,
    FieldClass.ADDRESS: len(_ADDRESS_HEAD) + spelling.CHARS,
    FieldClass.EMAIL: spelling.CHARS + len(MAIL_HOST),
}

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
    """How values become tokens: which values, and which texts are their tokens; ``alphabet`` of what FF1 encrypts.

    ``body`` gives the text to encrypt; ``dress`` the token of the value and what came out; ``undress`` gives what came
    out of FF1 back from a token, and ``undo`` the value of a body (None if it is no value's) and its token.
    """

    value: re.Pattern[str]
    token: re.Pattern[str]
    alphabet: str
    body: Callable[[str], str]
    dress: Callable[[str, str], str]
    undress: Callable[[str], str]
    undo: Callable[[str, str], str | None]
    right: Callable[[str], bool] = lambda _: True

    def takes(self, value: str) -> bool:
        """Return whether ``value`` is of this form, check character and all."""
        return self.value.fullmatch(value) is not None and self.right(value)


class FittingTokens:
    """The fitting tokens of one scope. ``token`` is its token key."""

    __slots__ = ("_ff1s", "_mac")

    def __init__(self, token: ColumnMac) -> None:
        self._mac = token
        self._ff1s: dict[tuple[FieldClass, int], Ff1] = {}

    def __repr__(self) -> str:
        return "<fitting tokens>"

    def spell(self, cls: FieldClass, values: Sequence[str], stored: Sequence[str | None]) -> list[str | None]:
        """Return the fitting token of each value, given its token in the vault; None if it has neither or no form."""
        if cls in FIXED_CHARS:
            return [None if token is None else _respelled(cls, token) for token in stored]
        out: list[str | None] = [None] * len(values)
        left = [at for at, token in enumerate(stored) if token is not None]
        for number, form in enumerate(_FORMS[cls]):
            mine = [at for at in left if form.takes(values[at])]
            bodies = self._crypted(cls, number, [form.body(values[at]) for at in mine], decrypt=False)
            for at, body in zip(mine, bodies, strict=True):
                out[at] = form.dress(values[at], body)
            left = [at for at in left if out[at] is None]
        return out

    def values_of(self, texts: Sequence[str]) -> dict[int, tuple[FieldClass, str] | None]:
        """Return class and value of the tokens that FF1 made, by position, of those texts that have the form of one.

        None for a text that has the form and is no token.
        """
        mine: dict[tuple[FieldClass, int], list[int]] = {}
        for at, text in enumerate(texts):
            name = _form_of(text)
            if name is not None:
                mine.setdefault(name, []).append(at)
        out: dict[int, tuple[FieldClass, str] | None] = {}
        for (cls, number), positions in mine.items():
            forms = _FORMS[cls]
            form = forms[number]
            bodies = self._crypted(cls, number, [form.undress(texts[at]) for at in positions], decrypt=True)
            for at, body in zip(positions, bodies, strict=True):
                value = form.undo(body, texts[at])
                theirs = value is not None and form.takes(value) and not any(it.takes(value) for it in forms[:number])
                out[at] = (cls, value) if value is not None and theirs else None
        return out

    def _crypted(self, cls: FieldClass, number: int, bodies: list[str], *, decrypt: bool) -> list[str]:
        alphabet = _FORMS[cls][number].alphabet
        ff1 = self._ff1(cls, number)
        work = ff1.decrypt if decrypt else ff1.encrypt
        table = np.zeros(128, np.uint8)
        symbols = np.frombuffer(alphabet.encode(), np.uint8)
        table[symbols] = np.arange(len(symbols), dtype=np.uint8)
        out = [""] * len(bodies)
        groups: dict[int, list[int]] = {}
        for at, body in enumerate(bodies):
            groups.setdefault(len(body), []).append(at)
        for length, positions in groups.items():
            packed = "".join([bodies[at] for at in positions]).encode("ascii")
            rows: Numerals = table[np.frombuffer(packed, np.uint8).reshape(-1, length)]
            text = symbols[work(rows)].tobytes().decode("ascii")
            for place, at in enumerate(positions):
                out[at] = text[place * length : (place + 1) * length]
        return out

    def _ff1(self, cls: FieldClass, number: int) -> Ff1:
        name = (cls, number)
        if name not in self._ff1s:
            label = f"\0ff1|fit|{cls.value}|{number}".encode()
            key = derived_key(self._mac, (label + b"|1", label + b"|2"))
            self._ff1s[name] = Ff1(key, radix=len(_FORMS[cls][number].alphabet))
        return self._ff1s[name]


def _form_of(text: str) -> tuple[FieldClass, int] | None:
    """Return class and number of the first form of whose tokens ``text`` could be one."""
    for cls, forms in _FORMS.items():
        for number, form in enumerate(forms):
            if form.token.fullmatch(text):
                return cls, number
    return None


def stored_part(text: str) -> str | None:
    """Return the vault's token of a name's (only its begin), an address's or an e-mail's fitting token."""
    for head, tail, cls in (
        (_NAME_HEAD, "", FieldClass.NAME),
        (_ADDRESS_HEAD, "", FieldClass.ADDRESS),
        ("", MAIL_HOST, FieldClass.EMAIL),
    ):
        if text.startswith(head) and text.endswith(tail) and len(text) == FIXED_CHARS[cls]:
            letters = text[len(head) : len(text) - len(tail)]
            if set(letters) <= set(_BASE32):
                return _STORED[cls] + letters
    return None


def is_regular(cls: FieldClass, value: str) -> bool:
    """Return whether ``value`` is in the regular form of its class, check character and all."""
    return cls in _FORMS and _FORMS[cls][0].takes(value)


def _respelled(cls: FieldClass, stored: str) -> str | None:
    letters = stored.removeprefix(_STORED[cls])
    if len(letters) != spelling.CHARS:
        return None  # it came from elsewhere and is no token of ours
    if cls is FieldClass.NAME:
        return _NAME_HEAD + letters[:NAME_LETTERS]
    return _ADDRESS_HEAD + letters if cls is FieldClass.ADDRESS else letters + MAIL_HOST


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


def _number_undone(body: str, _: str) -> str | None:
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


def _digits_form(cls_letter: str) -> _Form:
    """Return the form of texts of digits: a letter, and the number in base 32, one character less."""
    return _Form(
        re.compile(r"\d{5,30}", re.ASCII),
        re.compile(f"{cls_letter}[{_BASE32}]{{4,29}}"),
        _BASE32,
        lambda value: _spelled(int(value), len(value) - 1),
        _led(cls_letter),
        _behind(1),
        _number_undone,
    )


_FORMS: Final[dict[FieldClass, tuple[_Form, ...]]] = {
    FieldClass.NATIONAL_ID: (
        _Form(
            re.compile(r"\d{17}[\dX]", re.ASCII), re.compile(r"0\d{16}[\dX]", re.ASCII), _DIGITS,
            lambda value: value[:17], _id_dressed, _id_undressed, lambda body, _: body + _id_check(body), _id_right,
        ),
        _digits_form("c"),
    ),
    FieldClass.MOBILE: (
        _Form(
            re.compile(r"1\d{10}", re.ASCII), re.compile(r"2\d{10}", re.ASCII), _DIGITS,
            _behind(1), _led(_MOBILE_LEAD), _behind(1), lambda body, _: "1" + body,
        ),
        _digits_form("m"),
    ),
    FieldClass.LANDLINE: (
        _Form(
            re.compile(r"0\d{2,3}-?\d{7,8}", re.ASCII), re.compile(r"9\d{2,3}-\d{7,8}|9\d{9,11}", re.ASCII), _DIGITS,
            lambda value: value[1:].replace("-", ""), _landline_dressed, lambda token: token[1:].replace("-", ""),
            _landline_undone,
        ),
        _digits_form("l"),
    ),
    FieldClass.BANK_ACCOUNT: (_digits_form("b"),),
    FieldClass.PASSPORT: (
        _Form(
            re.compile(r"[A-Z]{1,2}\d{6,9}|\d{9}", re.ASCII), re.compile(f"p[{_BASE32}]{{6,10}}"), _BASE32,
            _passport_body, _led("p"), _behind(1), _passport_undone,
        ),
    ),
    FieldClass.USCC: (
        _Form(
            re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}"), re.compile(f"u[{_USCC}]{{17}}"), _USCC,
            lambda value: value[:17].lower(), _led("u"), _behind(1),
            lambda body, _: (body + _uscc_check(body)).upper(), _uscc_right,
        ),
    ),
    FieldClass.IBAN: (
        _Form(
            re.compile(r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}", re.ASCII), re.compile(f"ib[{_BASE36}]{{13,32}}"), _BASE36,
            lambda value: (value[:2] + value[4:]).lower(), _led(_IBAN_LEAD), _behind(2), _iban_undone, _iban_right,
        ),
    ),
}  # fmt: skip
CLASSES: Final = frozenset(_FORMS) | frozenset(FIXED_CHARS)
