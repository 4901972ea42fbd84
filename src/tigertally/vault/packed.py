"""SQLite's statements over packed columns: thousands of keys or rows in one parameter, cut by SQLite itself.

One statement is one step: look-ups come back as one text, rows go in without a call for each, and Python does something
else while it works. Text only; ``sql`` runs it. PostgreSQL takes arrays and needs none of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

SUBJECT_BYTES: Final = 16
HEAD_BYTES_MAX: Final = 1 + 255 * 18  # longer than any record's head

# One packed parameter instead of thousands; CROSS JOIN keeps SQLite from turning the loops around.
SPOTS = (
    "WITH RECURSIVE spot(at) AS (SELECT 1 UNION ALL SELECT at + :width FROM spot WHERE at + :width <= length(:packed)) "
)

# Rows go in as packed columns that SQLite cuts itself, in one step: while it works, Python can do something else.
ROWS: Final = "WITH RECURSIVE spot(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM spot WHERE at < :last)"
# A span is ten digits of start and ten of length. Bytes throughout: SQLite walks texts from their beginning.
CUT_PIECE: Final = (
    "substr(:packed, CAST(substr(:spans, at * 20 + 1, 10) AS INTEGER),"
    " CAST(substr(:spans, at * 20 + 11, 10) AS INTEGER))"
)
CUT_RECORDS: Final = f"""{ROWS}
INSERT INTO vault_record (scope, subject, key_version, wrapped_key, fields, sealed_at, version)
SELECT :scope, substr(:subjects, at * {SUBJECT_BYTES} + 1, {SUBJECT_BYTES}),
 :key_version, substr(:wrapped, at * :wide + 1, :wide), {CUT_PIECE}, :now, 1 FROM spot
"""  # noqa: S608 - constants only
CUT_FIELDS: Final = f"""{ROWS}
UPDATE vault_record SET fields = {CUT_PIECE}, version = version + 1 FROM spot
 WHERE scope = :scope AND subject = substr(:subjects, at * {SUBJECT_BYTES} + 1, {SUBJECT_BYTES})
"""  # noqa: S608 - constants only
CUT_WRAPS: Final = f"""{ROWS}
UPDATE vault_record SET wrapped_key = substr(:wrapped, at * :wide + 1, :wide),
 key_version = :key_version FROM spot
 WHERE scope = :scope AND subject = substr(:subjects, at * {SUBJECT_BYTES} + 1, {SUBJECT_BYTES})
"""  # noqa: S608 - constants only
CUT_RESEALED: Final = f"""{ROWS}
UPDATE vault_record SET wrapped_key = substr(:wrapped, at * :wide + 1, :wide), fields = {CUT_PIECE},
 key_version = :key_version FROM spot
 WHERE scope = :scope AND subject = substr(:subjects, at * {SUBJECT_BYTES} + 1, {SUBJECT_BYTES})
"""  # noqa: S608 - constants only


def evenly(pieces: Sequence[bytes]) -> dict[str, object]:
    """Return wrapped keys as one packed parameter, and how wide each is: those of one suite are equally long."""
    wide = len(pieces[0])
    if any(len(piece) != wide for piece in pieces):
        raise ValueError("keys of several suites")
    return {"wrapped": b"".join(pieces), "wide": wide}


def spans(pieces: Sequence[bytes]) -> dict[str, object]:
    """Return pieces of any length as one packed parameter, and where each of them lies in it."""
    stops = list(accumulate(map(len, pieces)))
    places = [b"%010d%010d" % (stop - len(piece) + 1, len(piece)) for stop, piece in zip(stops, pieces, strict=True)]
    return {"packed": b"".join(pieces), "spans": b"".join(places)}
