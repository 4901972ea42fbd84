"""Tokens: what stands in a value's place, in the vault's own tables and in the protected copy.

1. A card's token has its length and last four digits, begins with 7 (no issued range does), never passes the Luhn
   check; every digit between is random. The same card has the same token throughout a scope, because the vault
   remembers it; nothing else links the two.
2. Any other value's token is ``tok_``, two letters of its class, and 26 characters of AES-256-CMAC (128 bits)
   under the scope's token key over class code ‖ value: equal values have equal tokens, so joins survive.

Equal tokens tell that values are equal, which for classes of few values (an expiry) tells much; the price is named
in docs/adr/0007. A token stands in clear everywhere, so :func:`misformed` is asked before a stranger's is kept.

In the vault a token is 16 bytes, as two numbers (``runs.Halves``): the 128 bits; or a card token's number, and a mark
with its length, which no other token may end with. Text is made of it at the edge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.ids import base32
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.packed import Packed
from tigertally.vault import digits, spelling
from tigertally.vault.index import runs
from tigertally.vault.index.runs import Halves

LEAD: Final = 7
TAIL_DIGITS: Final = 4
ROUNDS_MAX: Final = 64
PAN_CODE: Final = FIELD_RULES[FieldClass.PAN].code
CLASS_LETTERS: Final[dict[FieldClass, str]] = {
    FieldClass.EXPIRY: "ex",
    FieldClass.NATIONAL_ID: "ni",
    FieldClass.MOBILE: "mo",
    FieldClass.NAME: "na",
    FieldClass.PASSWORD_HASH: "ph",
    FieldClass.IBAN: "ib",
    FieldClass.EMAIL: "em",
    FieldClass.ADDRESS: "ad",
    FieldClass.BANK_ACCOUNT: "ba",
    FieldClass.SCHEME_TXN_ID: "st",
    FieldClass.PASSPORT: "pp",
    FieldClass.LANDLINE: "la",
    FieldClass.USCC: "uc",
    FieldClass.PAYMENT_TOKEN: "pt",
}
_PREFIXES: Final = {FIELD_RULES[cls].code: f"tok_{letters}" for cls, letters in CLASS_LETTERS.items()}
_HEADS: Final = {code: prefix.encode("ascii") for code, prefix in _PREFIXES.items()}
_HEAD_CHARS: Final = len("tok_xx")
_OTHER_CHARS: Final = _HEAD_CHARS + spelling.CHARS
STORED_CHARS: Final = _OTHER_CHARS
_BODY: Final = np.isin(np.arange(256), spelling.ALPHABET)
_TOP: Final = np.isin(np.arange(256), spelling.ALPHABET[:8])  # 26 letters have two bits more than 16 bytes
_CARD_MARK: Final = int.from_bytes(b"card\0\0\0\0", "big")
_LENGTH_BITS: Final = 8
_POWERS: Final = np.array([10**place for place in range(19)], dtype=np.uint64)


def derive(key: ColumnMac, codes: Sequence[int] | npt.NDArray[np.uint8], values: Sequence[bytes] | Packed) -> Halves:
    """Return the token of each value that is no card."""
    return keyed(key, np.asarray(codes, np.uint8), values if isinstance(values, Packed) else Packed.of(values))


def keyed(key: ColumnMac, codes: npt.NDArray[np.uint8], values: Packed) -> Halves:
    """Return the keyed digest of class code ‖ value for each value."""
    out = np.empty((len(values), 2), np.uint64)
    present = np.unique(codes).tolist()
    for code in present:
        chosen = np.flatnonzero(codes == code)
        mine = values if len(present) == 1 else values.take(chosen)
        out[chosen] = runs.halves(key.packed(mine, head=bytes((code,))))
    return out


def draw(cards: Sequence[str] | Packed, *, taken: Callable[[Halves], npt.NDArray[np.bool_]]) -> Halves:
    """Return a new token for each of some distinct cards, of those that ``taken`` says no to."""
    cards = digits.packed(cards)
    out = np.zeros((len(cards), 2), np.uint64)
    waiting = np.arange(len(cards))
    for _ in range(ROUNDS_MAX):
        if not len(waiting):
            return out
        drawn = _draw(cards if len(waiting) == len(cards) else cards.take(waiting))
        numbers = drawn[:, 0]
        fine = ~taken(drawn)
        if len(waiting) < len(cards):
            fine &= ~np.isin(numbers, out[:, 0])
        first = np.zeros(len(numbers), np.bool_)
        first[np.unique(numbers, return_index=True)[1]] = True
        fine &= first
        out[waiting[fine]] = drawn[fine]
        waiting = waiting[~fine]
    # 10^7 tokens and more per last four digits: only a broken generator gets here.
    raise RuntimeError("no free token")


def texts(codes: npt.NDArray[np.uint8], raws: Halves) -> list[str]:
    """Return each token as it stands in a copy."""
    spelled = spelling.spell(runs.whole(raws))
    out = [_PREFIXES.get(code, "") + body for code, body in zip(codes.tolist(), spelled, strict=True)]
    for at in np.flatnonzero(codes == PAN_CODE).tolist():
        out[at] = _card_text(int(raws[at, 0]), int(raws[at, 1]))
    return out


def text(code: int, raw: bytes) -> str:
    """Return one token (16 bytes) as it stands in a copy."""
    if code == PAN_CODE:
        return _card_text(int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big"))
    return _PREFIXES.get(code, "") + base32(raw)


def raws(codes: Sequence[int], spelled: Sequence[str]) -> Halves:
    """Return the 16 bytes of tokens that :func:`misformed` finds no fault with."""
    out = np.zeros((len(codes), 2), np.uint64)
    cards = [at for at, code in enumerate(codes) if code == PAN_CODE]
    others = [at for at, code in enumerate(codes) if code != PAN_CODE]
    out[others] = runs.halves(spelling.unspell([spelled[at][_HEAD_CHARS:] for at in others]))
    for positions, numbers in digits.by_length([spelled[at] for at in cards]):
        out[[cards[at] for at in positions]] = card_raws(numbers)
    return out


def raw(spelled: str) -> tuple[bool, bytes] | None:
    """Return whether a text is a card's token, and its 16 bytes; None if it is no token."""
    if spelled.isascii() and spelled.isdigit() and len(spelled) < len(_POWERS) + 1:
        return True, runs.whole(card_raws(next(digits.by_length([spelled]))[1]))
    if spelled[:_HEAD_CHARS] not in _PREFIXES.values():
        return None
    try:
        return False, spelling.unspell([spelled[_HEAD_CHARS:]])
    except ValueError:
        return None


def read(spelled: Sequence[str]) -> tuple[npt.NDArray[np.uint8], Halves]:
    """Return the class code (0: this has not the form of a token) and the 16 bytes of each text."""
    codes = np.zeros(len(spelled), np.uint8)
    out = np.zeros((len(spelled), 2), np.uint64)
    for positions, rows in Packed.of([one.encode("utf-8", "surrogatepass") for one in spelled]).by_length():
        length = rows.shape[1]
        if 0 < length <= len(_POWERS):
            figures = rows - np.uint8(ord("0"))
            plain = np.flatnonzero((figures < np.uint8(10)).all(axis=1))
            codes[positions[plain]] = PAN_CODE
            out[positions[plain]] = card_raws(figures[plain])
        elif length == _OTHER_CHARS:
            bodies = rows[:, _HEAD_CHARS:]
            fitting = _BODY[bodies].all(axis=1) & _TOP[bodies[:, 0]]
            for code, head in _HEADS.items():
                mine = np.flatnonzero(fitting & (rows[:, :_HEAD_CHARS] == np.frombuffer(head, np.uint8)).all(axis=1))
                codes[positions[mine]] = code
                out[positions[mine]] = runs.halves(spelling.raws_of(bodies[mine]))
    return codes, out


def ending(given: Halves, tail: int) -> npt.NDArray[np.bool_]:
    """Return which are tokens of cards whose last four digits are the number ``tail``."""
    is_card = given[:, 1] >> np.uint64(_LENGTH_BITS) == np.uint64(_CARD_MARK >> _LENGTH_BITS)
    ends: npt.NDArray[np.bool_] = is_card & (given[:, 0] % np.uint64(10**TAIL_DIGITS) == np.uint64(tail))
    return ends


def surely_own(spelled: str) -> bool:
    """Return whether a text can be no token of a fitting form (``fitting``), by how it begins."""
    return spelled[:4] == "tok_" or (spelled[:1] == str(LEAD) and spelled.isdigit())


def span(begin: str) -> tuple[int, int, int] | None:
    """Return the class code, and the least and the greatest 16 bytes as numbers, of tokens that begin so; None: none.

    ``begin`` is a token's prefix and some of its letters.
    """
    codes = [code for code, prefix in _PREFIXES.items() if begin.startswith(prefix)]
    numbers = [spelling.number_of(letter) for letter in begin[_HEAD_CHARS:]]
    if not codes or not numbers or None in numbers:
        return None
    low = 0
    for number in numbers:
        low = low << 5 | (number or 0)
    rest = 5 * (spelling.CHARS - len(numbers))
    low <<= rest
    return codes[0], low, low + (1 << rest) - 1


def misformed(codes: Sequence[int], values: Sequence[str], tokens: Sequence[str]) -> list[int]:
    """Return the positions at which the token does not have the form of a token of its (valid) value."""
    wrong: list[int] = []
    cards: list[int] = []
    others: list[int] = []
    for at, (code, value, token) in enumerate(zip(codes, values, tokens, strict=True)):
        if code != PAN_CODE:
            (others if len(token) == _OTHER_CHARS and token.isascii() else wrong).append(at)
            continue
        same_shape = len(token) == len(value) and token.isascii() and token.isdigit()
        # A computed token of a card that begins with 7 itself begins with 0 (``cards``).
        led = same_shape and (token[0] == str(LEAD) or (token[0] == "0" and value[0] == str(LEAD)))
        fine = led and token[-TAIL_DIGITS:] == value[-TAIL_DIGITS:]
        (cards if fine else wrong).append(at)
    for positions, made in digits.by_length([tokens[at] for at in cards]):
        passed = digits.luhn(made).tolist()
        wrong += [cards[position] for position, passes in zip(positions, passed, strict=True) if passes]
    letters = np.frombuffer("".join([tokens[at] for at in others]).encode("ascii"), dtype=np.uint8)
    spelled = letters.reshape(-1, _OTHER_CHARS)
    heads = np.frombuffer(b"".join([_HEADS[codes[at]] for at in others]), dtype=np.uint8).reshape(-1, _HEAD_CHARS)
    bodies = spelled[:, _HEAD_CHARS:]
    fitting = (spelled[:, :_HEAD_CHARS] == heads).all(axis=1) & _BODY[bodies].all(axis=1) & _TOP[bodies[:, 0]]
    wrong += [at for at, fits in zip(others, fitting.tolist(), strict=True) if not fits]
    spelt = list(compress(others, fitting.tolist()))
    ends = runs.halves(spelling.unspell([tokens[at][_HEAD_CHARS:] for at in spelt]))[:, 1]
    wrong += compress(spelt, (ends >> np.uint64(_LENGTH_BITS) == _CARD_MARK >> _LENGTH_BITS).tolist())
    return wrong


def _draw(pans: Packed) -> Halves:
    """Return one candidate per card: 7, random digits, the last four; redrawn until it fails the Luhn check."""
    out = np.zeros((len(pans), 2), np.uint64)
    for positions, cards in digits.by_length(pans):
        count, length = cards.shape
        made = cards.copy()
        made[:, 0] = LEAD
        pending = np.ones(count, dtype=np.bool_)
        while pending.any():
            made[pending, 1:-TAIL_DIGITS] = digits.drawn(int(pending.sum()), length - 1 - TAIL_DIGITS)
            pending = digits.luhn(made)
        out[positions] = card_raws(made)
    return out


def card_raws(numbers: digits.Digits) -> Halves:
    """Return card tokens of one length, given as digits, as the vault keeps them."""
    count, length = numbers.shape
    out = np.empty((count, 2), np.uint64)
    out[:, 0] = numbers.astype(np.uint64) @ _POWERS[:length][::-1]
    out[:, 1] = _CARD_MARK | length
    return out


def _card_text(number: int, mark: int) -> str:
    return str(number).zfill(mark & 0xFF)
