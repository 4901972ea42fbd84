"""SQLite's statements over packed columns: thousands of rows in one parameter, cut by SQLite itself.

One statement is one step: rows go in without a call for each, and Python does something else while it works. Text
only; ``rows.sql`` runs it. PostgreSQL takes arrays and needs none of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tigertally.crypto.packed import Packed

SUBJECT_BYTES: Final = 16
HEAD_BYTES_MAX: Final = 1 + 255 * 18  # longer than any record's head

_ROWS: Final = "WITH RECURSIVE spot(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM spot WHERE at < :last)"
# A span is ten digits of start and ten of length. Bytes throughout: SQLite walks texts from their beginning.
_PIECE: Final = (
    "substr(:packed, CAST(substr(:spans, at * 20 + 1, 10) AS INTEGER),"
    " CAST(substr(:spans, at * 20 + 11, 10) AS INTEGER))"
)
_NUMBER: Final = "CAST(substr(:numbers, at * 20 + 1, 20) AS INTEGER)"
CUT_RECORDS: Final = f"""{_ROWS}
INSERT INTO vault_record (scope, number, subject, fields, sealed_at, version)
SELECT :scope, :first + at, substr(:subjects, at * {SUBJECT_BYTES} + 1, {SUBJECT_BYTES}), {_PIECE}, :now, 1 FROM spot
"""  # noqa: S608 - constants only
CUT_FIELDS: Final = f"""{_ROWS}
UPDATE vault_record SET fields = {_PIECE}, version = version + :more, sealed_at = max(sealed_at, :since) FROM spot
 WHERE scope = :scope AND number = {_NUMBER}
"""  # noqa: S608 - constants only


def spans(pieces: Packed) -> dict[str, object]:
    """Return pieces of any length as one packed parameter, and where each of them lies in it."""
    places = np.stack([pieces.edges[:-1] + 1, pieces.lengths], axis=1)
    return {"packed": pieces.data.tobytes(), "spans": _digits(places.reshape(-1), 10)}


def numbers(given: Sequence[int]) -> dict[str, object]:
    """Return numbers as one packed parameter, twenty digits each."""
    return {"numbers": _digits(np.array(given, np.int64), 20)}


def cut(joined: bytes, width: int) -> list[bytes]:
    """Return ``joined`` in pieces of ``width`` bytes; the last may be shorter."""
    return [joined[at : at + width] for at in range(0, len(joined), width)]


def _digits(values: np.ndarray[tuple[int], np.dtype[np.int64]], wide: int) -> bytes:
    out = np.empty((len(values), wide), np.uint8)
    for at in range(wide - 1, -1, -1):
        values, out[:, at] = np.divmod(values, 10)
    return (out + ord("0")).tobytes()
