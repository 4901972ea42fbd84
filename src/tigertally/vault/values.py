"""What the vault accepts: classes that may be kept, and values that are what they claim to be.

1. Sensitive authentication data and clear passwords are refused as a whole, whoever asks (PCI DSS 3.3.1);
2. a card number is 12–19 ASCII digits that pass the Luhn check;
3. every value is 1 to ``VALUE_CHARS_MAX`` characters of encodable text;
4. no value of another class holds track data or a card number (``forbidden``).
What fails 2, 3 or 4 is counted with its reason and never stored. Empty cells are no values and count nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.limits import VALUE_CHARS_MAX
from tigertally.crypto.packed import Packed
from tigertally.data.issuers import PAN_DIGITS_MAX, PAN_DIGITS_MIN
from tigertally.vault import digits
from tigertally.vault.errors import SadRefused
from tigertally.vault.forbidden import forbidden

if TYPE_CHECKING:
    import pyarrow as pa

Column: TypeAlias = "Sequence[str | None] | pa.Array"

_PAN_LENGTHS: Final = frozenset(range(PAN_DIGITS_MIN, PAN_DIGITS_MAX + 1))


class Rejection(Enum):
    """Why a value was not sealed."""

    NOT_A_CARD = "not_a_card"
    TOO_LONG = "too_long"
    NOT_TEXT = "not_text"
    TOO_MANY = "too_many"
    SAD = "sad"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Cells:
    """Accepted values as columns: the row each stood in, its class code, its UTF-8 bytes."""

    rows: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint8]
    values: Packed
    rejected: Mapping[Rejection, int]


def refuse_forbidden(classes: Iterable[FieldClass]) -> None:
    """Raise :class:`SadRefused` if any class must never be kept."""
    for cls in classes:
        if cls not in SEALABLE:
            raise SadRefused(field=cls)


def accept(fields: Sequence[tuple[FieldClass, Column]], *, rows: int) -> Cells:
    """Return the acceptable values of columns of ``rows`` rows each. Raises :class:`SadRefused`, ``ValueError``."""
    refuse_forbidden(cls for cls, _ in fields)
    rejected: Counter[Rejection] = Counter()
    kept: list[tuple[int, npt.NDArray[np.int64], Packed]] = []
    for cls, column in fields:
        if len(column) != rows:
            raise ValueError("columns of uneven length")
        kept.append((FIELD_RULES[cls].code, *_accepted(cls, column, rejected)))
    return Cells(
        rows=np.concatenate([np.empty(0, np.int64), *(where for _, where, _ in kept)]),
        codes=np.repeat(np.array([code for code, _, _ in kept], np.uint8), [len(where) for _, where, _ in kept]),
        values=Packed.joined([values for _, _, values in kept]),
        rejected={why: count for why, count in rejected.items() if count},
    )


def _accepted(cls: FieldClass, column: Column, rejected: Counter[Rejection]) -> tuple[npt.NDArray[np.int64], Packed]:
    """Return the rows of a column's acceptable values, and these; count the others."""
    there, values, chars = packed(column)
    unspoken = len(there) - len(values)
    rejected[Rejection.NOT_A_CARD if cls is FieldClass.PAN else Rejection.NOT_TEXT] += unspoken
    there = there[: len(values)]
    good = chars <= VALUE_CHARS_MAX
    rejected[Rejection.TOO_LONG] += int((~good).sum())
    if not good.all():
        there, values = there[good], values.take(np.flatnonzero(good))
    if cls is FieldClass.PAN:
        good, why = _cards(values), Rejection.NOT_A_CARD
    else:
        good, why = ~forbidden(values), Rejection.SAD
    rejected[why] += int((~good).sum())
    return (there, values) if good.all() else (there[good], values.take(np.flatnonzero(good)))


def packed(column: Column) -> tuple[npt.NDArray[np.int64], Packed, npt.NDArray[np.int64]]:
    """Return the rows of a column's cells that are not empty, these as UTF-8, and the characters of each.

    Cells that no UTF-8 can say (lone surrogates) have their rows after all others, and no values.
    """
    import pyarrow as pa  # noqa: PLC0415 - loaded only when there are columns
    import pyarrow.compute as pc  # noqa: PLC0415

    silent: list[int] = []
    try:
        cells = pa.array(column, pa.string())
    except UnicodeEncodeError:
        # The library's exception holds the value: it ends here.
        silent = [row for row, value in enumerate(column) if value and encode(value) is None]
        cells = pa.array([value if value and encode(value) is not None else None for value in column], pa.string())
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    lengths = pc.fill_null(pc.binary_length(cells), 0).to_numpy(zero_copy_only=False)
    there = np.flatnonzero(lengths)
    if len(there) < len(cells):
        cells = cells.take(pa.array(there))
    _, offsets, data = cells.buffers()
    edges = np.frombuffer(offsets, np.int32)[cells.offset : cells.offset + len(cells) + 1] if offsets else np.zeros(1)
    values = Packed(
        data=np.frombuffer(data, np.uint8) if data and data.size else np.empty(0, np.uint8),
        edges=edges.astype(np.int64),
    )
    chars = values.lengths
    if len(chars) and int(chars.max()) > VALUE_CHARS_MAX:
        chars = pc.utf8_length(cells).to_numpy(zero_copy_only=False)
    return np.concatenate([there, np.array(silent, np.int64)]), values, chars


def encode(value: str) -> bytes | None:
    """Return UTF-8, None for text that has none (lone surrogates)."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        # The library's exception holds the value: it ends here.
        return None


def _cards(values: Packed) -> npt.NDArray[np.bool_]:
    """Return which values are card numbers."""
    passed = np.zeros(len(values), np.bool_)
    for positions, rows in values.by_length():
        if rows.shape[1] in _PAN_LENGTHS:
            figures = rows - np.uint8(ord("0"))
            plain = (figures < np.uint8(10)).all(axis=1)
            passed[positions[plain]] = digits.luhn(figures[plain])
    return passed
