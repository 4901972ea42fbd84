"""What the vault accepts: classes that may be kept, and values that are what they claim to be.

1. Sensitive authentication data and clear passwords are refused as a whole, whoever asks (PCI DSS 3.3.1);
2. a card number is 12–19 ASCII digits that pass the Luhn check;
3. every value is 1 to ``VALUE_CHARS_MAX`` characters of encodable text;
4. no value of another class holds track data or a card number (``forbidden``).
What fails 2, 3 or 4 is counted with its reason and never stored. Empty cells are no values and count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import compress
from typing import Final

from tigertally.base.fields import FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.limits import VALUE_CHARS_MAX
from tigertally.data.issuers import PAN_DIGITS_MAX, PAN_DIGITS_MIN
from tigertally.vault import digits
from tigertally.vault.errors import SadRefused
from tigertally.vault.forbidden import forbidden_texts

_PAN_LENGTHS: Final = frozenset(range(PAN_DIGITS_MIN, PAN_DIGITS_MAX + 1))


class Rejection(Enum):
    """Why a value was not sealed."""

    NOT_A_CARD = "not_a_card"
    TOO_LONG = "too_long"
    NOT_TEXT = "not_text"
    TOO_MANY = "too_many"
    SAD = "sad"


@dataclass(slots=True, repr=False)
class Cells:
    """Accepted values as columns: the row each stood in, its class code, its UTF-8 bytes."""

    rows: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    rejected: dict[Rejection, int] = field(default_factory=dict)

    def reject(self, why: Rejection, count: int = 1) -> None:
        """Count values that are not sealed."""
        if count:
            self.rejected[why] = self.rejected.get(why, 0) + count


def refuse_forbidden(classes: Iterable[FieldClass]) -> None:
    """Raise :class:`SadRefused` if any class must never be kept."""
    for cls in classes:
        if cls not in SEALABLE:
            raise SadRefused(field=cls)


def accept(fields: Sequence[tuple[FieldClass, Sequence[str | None]]], *, rows: int) -> Cells:
    """Return the acceptable values of columns of ``rows`` rows each. Raises :class:`SadRefused`, ``ValueError``."""
    refuse_forbidden(cls for cls, _ in fields)
    cells = Cells()
    for cls, column in fields:
        if len(column) != rows:
            raise ValueError("columns of uneven length")
        _accept_column(cells, cls, column)
    return cells


def _accept_column(cells: Cells, cls: FieldClass, column: Sequence[str | None]) -> None:
    rows = [row for row, value in enumerate(column) if value]
    there = [value for value in column if value]
    if there and max(map(len, there)) > VALUE_CHARS_MAX:
        cells.reject(Rejection.TOO_LONG, sum(1 for value in there if len(value) > VALUE_CHARS_MAX))
        rows, there = _kept(rows, there, [len(value) <= VALUE_CHARS_MAX for value in there])
    if cls is FieldClass.PAN:
        good = _cards(there)
        cells.reject(Rejection.NOT_A_CARD, good.count(False))
        rows, there = _kept(rows, there, good)
    elif bad := frozenset(forbidden_texts(there)):
        cells.reject(Rejection.SAD, len(bad))
        rows, there = _kept(rows, there, [at not in bad for at in range(len(there))])
    encoded = [encode(value) for value in there]
    if None in encoded:
        cells.reject(Rejection.NOT_TEXT, encoded.count(None))
        rows = [row for row, value in zip(rows, encoded, strict=True) if value is not None]
    cells.rows += rows
    cells.codes += [FIELD_RULES[cls].code] * len(rows)
    cells.values += [value for value in encoded if value is not None]


def _kept(rows: list[int], there: list[str], keep: list[bool]) -> tuple[list[int], list[str]]:
    return list(compress(rows, keep)), list(compress(there, keep))


def encode(value: str) -> bytes | None:
    """Return UTF-8, None for text that has none (lone surrogates)."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        # The library's exception holds the value: it ends here.
        return None


def _cards(there: list[str]) -> list[bool]:
    """Return which values are card numbers."""
    passed = [len(value) in _PAN_LENGTHS and value.isascii() and value.isdigit() for value in there]
    shaped = [at for at, fine in enumerate(passed) if fine]
    for positions, cards in digits.by_length([there[at] for at in shaped]):
        for position, fine in zip(positions, digits.luhn(cards).tolist(), strict=True):
            passed[shaped[position]] = fine
    return passed
