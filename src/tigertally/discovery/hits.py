"""Columns of hits, and the tables and numbers that both engines of the digit finder share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.fields import FIELD_RULES, FieldClass

# Kinds: the wire numbers of the field classes, and three of our own above them.
PAN: Final = FIELD_RULES[FieldClass.PAN].code
EXPIRY: Final = FIELD_RULES[FieldClass.EXPIRY].code
NATIONAL_ID: Final = FIELD_RULES[FieldClass.NATIONAL_ID].code
MOBILE: Final = FIELD_RULES[FieldClass.MOBILE].code
IBAN: Final = FIELD_RULES[FieldClass.IBAN].code
NAME: Final = FIELD_RULES[FieldClass.NAME].code
EMAIL: Final = FIELD_RULES[FieldClass.EMAIL].code
LANDLINE: Final = FIELD_RULES[FieldClass.LANDLINE].code
USCC: Final = FIELD_RULES[FieldClass.USCC].code
CVV: Final = FIELD_RULES[FieldClass.CVV].code
TRACK: Final = FIELD_RULES[FieldClass.TRACK].code
PASSWORD: Final = FIELD_RULES[FieldClass.PASSWORD].code
SECRET: Final = FIELD_RULES[FieldClass.SECRET].code
ID_15: Final = 200
MISS_PAN: Final = 201
MISS_ID: Final = 203

# Flags.
STRICT: Final = 1  # PAN: strict issuer table; ID: known region code; mobile: allotted block
GROUPED: Final = 2  # written in groups
ALSO: Final = 4  # an ID that passes as a card as well
FULL: Final = 8  # the number is all that the cell holds
WEAK: Final = 16  # found by a detector file that says no more than possible

CELL_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Lookup tables: issuer lengths by six digits, regions by six digits, IBAN lengths, mobile blocks."""

    issuer: npt.NDArray[np.uint16]
    region: npt.NDArray[np.uint8]
    iban: npt.NDArray[np.uint8]
    mobile: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Equal-length columns, in the order of discovery. Offsets are bytes; ``value`` is the number, 0 for a miss.

    ``value``: the digits of a card or mobile number; 17 digits × 11 + check for an ID; a hash for an IBAN,
    a social credit code or an e-mail address;
    year × 100 + month for an expiry date. Held in memory only. ``row``: the cell; in text, one more than the number of
    the detector that found it, 0 for the core.
    """

    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    kind: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    value: npt.NDArray[np.uint64]
    row: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def __repr__(self) -> str:  # the columns hold clear values
        return f"<{len(self)} hits>"

    def where(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Hits:
        """Return the chosen rows (mask or index)."""
        return Hits(
            start=self.start[chosen],
            stop=self.stop[chosen],
            kind=self.kind[chosen],
            flags=self.flags[chosen],
            value=self.value[chosen],
            row=self.row[chosen],
        )


def empty_hits() -> Hits:
    """Return no hits."""
    whole, small, wide = np.zeros(0, np.int64), np.zeros(0, np.uint8), np.zeros(0, np.uint64)
    return Hits(start=whole, stop=whole, kind=small, flags=small, value=wide, row=whole)


def join_hits(parts: list[Hits]) -> Hits:
    """Return the parts one after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return empty_hits()
    return Hits(
        start=np.concatenate([part.start for part in parts]),
        stop=np.concatenate([part.stop for part in parts]),
        kind=np.concatenate([part.kind for part in parts]),
        flags=np.concatenate([part.flags for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        row=np.concatenate([part.row for part in parts]),
    )
