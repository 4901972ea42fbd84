"""Tokens: what stands in a value's place, in the vault's own tables and in the protected copy.

1. A card's token has its length and last four digits, begins with 7 (no issued range does), never passes the Luhn
   check; every digit between is random. The same card has the same token throughout a scope, because the vault
   remembers it; nothing else links the two.
2. Any other value's token is ``tok_``, two letters of its class, and 26 characters of AES-256-CMAC (128 bits)
   under the scope's token key over class code ‖ value: equal values have equal tokens, so joins survive.

Equal tokens tell that values are equal, which for classes of few values (an expiry) tells much; the price is named
in docs/adr/0007. A token stands in clear everywhere, so :func:`misformed` is asked before a stranger's is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.crypto.cmac import ColumnMac
from tigertally.vault import digits, spelling

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


def make(
    key: ColumnMac, codes: Sequence[int], values: Sequence[bytes], *, taken: Callable[[list[str]], set[str]]
) -> list[str]:
    """Return a token per distinct (code, value). ``taken`` says which of some card tokens are in use already."""
    out = derive(key, codes, values)
    cards = [at for at, code in enumerate(codes) if code == PAN_CODE]
    for at, token in zip(cards, draw([values[at].decode() for at in cards], taken=taken), strict=True):
        out[at] = token
    return out


def derive(key: ColumnMac, codes: Sequence[int], values: Sequence[bytes]) -> list[str]:
    """Return the token of each value that is no card; "" for cards, whose tokens are not derived from them."""
    out = [""] * len(codes)
    others = [at for at, code in enumerate(codes) if code != PAN_CODE]
    made = key.many([bytes((codes[at],)) + values[at] for at in others])
    for at, body in zip(others, spelling.spell(b"".join(made)), strict=True):
        out[at] = _PREFIXES[codes[at]] + body
    return out


def draw(cards: list[str], *, taken: Callable[[list[str]], set[str]]) -> list[str]:
    """Return a new token for each of some distinct cards, of those that ``taken`` does not name."""
    out = [""] * len(cards)
    used: set[str] = set()
    waiting = list(range(len(cards)))
    for _ in range(ROUNDS_MAX):
        if not waiting:
            return out
        drawn = _draw([cards[at] for at in waiting])
        refused = taken(drawn)
        again: list[int] = []
        for at, token in zip(waiting, drawn, strict=True):
            if token in refused or token in used:
                again.append(at)
            else:
                used.add(token)
                out[at] = token
        waiting = again
    # 10^7 tokens and more per last four digits: only a broken generator gets here.
    raise RuntimeError("no free token")


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
    fitting = (spelled[:, :_HEAD_CHARS] == heads).all(axis=1) & _BODY[spelled[:, _HEAD_CHARS:]].all(axis=1)
    wrong += [at for at, fits in zip(others, fitting.tolist(), strict=True) if not fits]
    return wrong


def _draw(pans: list[str]) -> list[str]:
    """Return one candidate per card: 7, random digits, the last four; redrawn until it fails the Luhn check."""
    out = [""] * len(pans)
    for positions, cards in digits.by_length(pans):
        count, length = cards.shape
        made = cards.copy()
        made[:, 0] = LEAD
        pending = np.ones(count, dtype=np.bool_)
        while pending.any():
            made[pending, 1:-TAIL_DIGITS] = digits.drawn(int(pending.sum()), length - 1 - TAIL_DIGITS)
            pending = digits.luhn(made)
        for position, token in zip(positions, digits.spelled(made), strict=True):
            out[position] = token
    return out
