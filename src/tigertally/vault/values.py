"""What the vault accepts: classes that may be kept, and values that are what they claim to be.

1. Sensitive authentication data and clear passwords are refused as a whole, whoever asks (PCI DSS 3.3.1);
2. a card number is 12–19 ASCII digits that pass the Luhn check;
3. every value is 1 to ``VALUE_CHARS_MAX`` characters of encodable text.
What fails 2 or 3 is counted with its reason and never stored. Empty cells are no values and count nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from tigertally.base.fields import FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.limits import VALUE_CHARS_MAX
from tigertally.data.issuers import PAN_DIGITS_MAX, PAN_DIGITS_MIN
from tigertally.vault import digits
from tigertally.vault.errors import SadRefused

_PAN_LENGTHS: Final = frozenset(range(PAN_DIGITS_MIN, PAN_DIGITS_MAX + 1))


class Rejection(Enum):
    """Why a value was not sealed."""

    NOT_A_CARD = "not_a_card"
    TOO_LONG = "too_long"
    NOT_TEXT = "not_text"
    TOO_MANY = "too_many"


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
    there = [(row, value) for row, value in enumerate(column) if value]
    short = [pair for pair in there if len(pair[1]) <= VALUE_CHARS_MAX]
    cells.reject(Rejection.TOO_LONG, len(there) - len(short))
    if cls is FieldClass.PAN:
        good = _cards(short)
        cells.reject(Rejection.NOT_A_CARD, len(short) - len(good))
        short = good
    code = FIELD_RULES[cls].code
    for row, value in short:
        encoded = encode(value)
        if encoded is None:
            cells.reject(Rejection.NOT_TEXT)
            continue
        cells.rows.append(row)
        cells.codes.append(code)
        cells.values.append(encoded)


def encode(value: str) -> bytes | None:
    """Return UTF-8, None for text that has none (lone surrogates)."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        # The library's exception holds the value: it ends here.
        return None


def _cards(pairs: list[tuple[int, str]]) -> list[tuple[int, str]]:
    shaped = [pair for pair in pairs if len(pair[1]) in _PAN_LENGTHS and pair[1].isascii() and pair[1].isdigit()]
    passed = [False] * len(shaped)
    for positions, cards in digits.by_length([value for _, value in shaped]):
        for position, fine in zip(positions, digits.luhn(cards).tolist(), strict=True):
            passed[position] = fine
    return [pair for pair, fine in zip(shaped, passed, strict=True) if fine]
