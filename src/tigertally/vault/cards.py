"""Card tokens by format-preserving encryption: computed from the card, so that no table is needed to make or undo them.

For a card of n digits (docs/formats/token.md):

1. the last four digits stay; the first is dropped, because the Luhn check determines it from the others; the n - 5
   between are encrypted by FF1 (NIST SP 800-38G), the last four being the tweak. Fewer than 10^6 values, which is n
   below 11, are refused;
2. the token is 7, the encrypted digits, the last four. No issued range begins with 7. Encryption is repeated while a
   leading 7 would make the token pass the Luhn check ("cycle walking"). The cards that do not begin with 7 are just
   the numbers that walking stays within, so it maps them onto themselves: no two share a token, and none passes;
3. a card that does begin with 7 (nobody issues such; the check accepts them) walks among the others and leads with 0.

The key comes from the scope's token key. Whoever has it can undo every token, so it is guarded like the vault's keys;
random tokens (``tokens``) stay the default. Shapes: ``Digits`` is ``uint8`` (n, length), values 0 to 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.secret import SecretBytes
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.errors import DomainTooSmall
from tigertally.crypto.ff1 import Ff1
from tigertally.crypto.packed import Packed
from tigertally.vault import digits, tokens
from tigertally.vault.digits import Digits, Flags
from tigertally.vault.index.runs import Halves

LEAD: Final = 7
OTHER_LEAD: Final = 0
TAIL_DIGITS: Final = 4
DIGITS_MIN: Final = 11
ROUNDS_MAX: Final = 64
# Class codes begin at 1, so no value's token is a key.
_LABELS: Final = (b"\x00ff1|card|1", b"\x00ff1|card|2")


def derived_key(token: ColumnMac, labels: tuple[bytes, ...]) -> SecretBytes:
    """Return a key of 16 bytes a label for another use of a token key (SP 800-108, counter mode, by CMAC)."""
    return SecretBytes(b"".join(token.many(labels)))


class CardTokens:
    """The card tokens of one scope, made and undone by column."""

    __slots__ = ("_ff1",)

    def __init__(self, token: ColumnMac) -> None:
        self._ff1 = Ff1(derived_key(token, _LABELS))

    def __repr__(self) -> str:
        return "<card tokens>"

    def tokens(self, cards: Digits) -> Digits:
        """Return the token of each card, shape (n, length); all must pass Luhn. Raises ``DomainTooSmall``."""
        return self._walked(cards, self._ff1.encrypt, cards[:, 0] == LEAD)

    def cards(self, tokens: Digits) -> Digits:
        """Undo :meth:`tokens`. What is no token gives some card, or ``ValueError`` if its form tells."""
        leads = tokens[:, 0]
        if not np.isin(leads, (LEAD, OTHER_LEAD)).all() or digits.luhn(tokens).any():
            raise ValueError("no card token")
        return _completed(self._walked(tokens, self._ff1.decrypt, leads == OTHER_LEAD))

    def draw(self, cards: Sequence[str] | Packed, *, taken: Callable[[Halves], Flags]) -> Halves:
        """Return the token of each of some distinct cards; where ``taken`` says yes, the next one on its walk.

        Only tokens that came from elsewhere, a seller's, can be in the way: the scope's own never meet.
        """
        out = np.zeros((len(cards), 2), np.uint64)
        used: set[int] = set()
        waiting = [(positions, self.tokens(rows)) for positions, rows in digits.by_length(cards)]
        for _ in range(ROUNDS_MAX):
            again: list[tuple[npt.NDArray[np.int64], Digits]] = []
            for positions, rows in waiting:
                made = tokens.card_raws(rows)
                met = np.array([number in used for number in made[:, 0].tolist()], np.bool_) | taken(made)
                out[positions] = made
                used.update(made[~met, 0].tolist())
                if met.any():
                    further = self._walked(rows[met], self._ff1.encrypt, rows[met, 0] == OTHER_LEAD)
                    again.append((positions[met], further))
            if not again:
                return out
            waiting = again
        raise RuntimeError("no free token")

    def _walked(self, rows: Digits, step: Callable[[Digits, npt.NDArray[np.uint8]], Digits], other: Flags) -> Digits:
        """Return rows whose middles were stepped until they are of their own sort again, led by the sort's digit."""
        if rows.shape[1] < DIGITS_MIN:
            raise DomainTooSmall
        out = rows.copy()
        out[:, 0] = LEAD
        waiting = np.arange(len(rows))
        while len(waiting):
            tail = np.ascontiguousarray(out[waiting, -TAIL_DIGITS:])
            out[waiting, 1:-TAIL_DIGITS] = step(np.ascontiguousarray(out[waiting, 1:-TAIL_DIGITS]), tail)
            # With 7 in front a number passes Luhn exactly if 7 is the digit that its card would begin with.
            waiting = waiting[digits.luhn(out[waiting]) != other[waiting]]
        out[other, 0] = OTHER_LEAD
        return out


def _completed(rows: Digits) -> Digits:
    """Return rows with the first digit that makes them pass Luhn."""
    out = rows.copy()
    out[:, 0] = 0
    missing = (-digits.luhn_sum(out)) % 10
    first = np.arange(10, dtype=np.uint8)
    # In which sum a first digit counts depends on the length: as it is, or twice with its digits added.
    weighed = first if rows.shape[1] % 2 else digits.TWICE
    out[:, 0] = first[np.argsort(weighed)][missing]
    return out
